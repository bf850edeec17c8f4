"""Rows of published features with their labels, and which of them stand for the same clip."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.labels import Integers, read_labels
from zsl_skeleton.skeletons.arrays.stored import StoredArray


@dataclass(frozen=True)
class Stored:
    """An array of features, its labels, and perhaps the backbone's logits, all unread."""

    name: str
    features: StoredArray
    labels: StoredArray
    logits: StoredArray | None = None


@dataclass(frozen=True)
class Block:
    """Features of some clips.

    Args:
        ids: ``<array>/<row>``.
        pooled: floats [n, D].
        labels: int64 [n].
        logits: floats [n, C], if published.
    """

    ids: tuple[str, ...]
    pooled: NDArray[Any]
    labels: Integers
    logits: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, rows: NDArray[np.bool_]) -> Block:
        """The clips where ``rows`` [n] is true."""
        ids = tuple(name for name, keep in zip(self.ids, rows, strict=True) if keep)
        logits = None if self.logits is None else self.logits[rows]
        return Block(ids, self.pooled[rows], self.labels[rows], logits)

    def keys(self) -> list[bytes]:
        """A digest per clip of its features: equal numbers stand for the same clip."""
        rows = np.ascontiguousarray(self.pooled.astype("<f4"))
        return [hashlib.blake2b(row, digest_size=16).digest() for row in rows]


def read_block(stored: Stored, classes: int) -> Block:
    """Read an array of features [n, D] and what belongs to it.

    Raises:
        InputError: no floats of that shape, numbers that are not finite, a row of zeros, or a label out of range.
    """
    pooled = read_floats(stored.features, ndim=2)
    labels = read_labels(stored.labels, len(pooled))
    _check_range(stored, labels, classes)
    dead: NDArray[np.bool_] = np.asarray(~pooled.any(axis=1))
    if dead.any():
        raise InputError(
            f"{stored.features.source}: row {int(dead.argmax())} is all zeros",
            why=f"{int(dead.sum())} of {len(dead)} clips have no features",
        )
    logits = None
    if stored.logits is not None:
        logits = read_floats(stored.logits, ndim=2)
        if logits.shape != (len(pooled), classes):
            why = f"expected [{len(pooled)}, {classes}], the logits of all classes"
            raise InputError(f"{stored.logits.source} has shape {list(logits.shape)}", why=why)
    ids = tuple(f"{stored.name}/{row:06d}" for row in range(len(pooled)))
    return Block(ids, pooled, labels, logits)


def read_floats(stored: StoredArray, ndim: int) -> NDArray[Any]:
    """Finite floats, float16 or float32, with so many axes.

    Raises:
        InputError: it is another kind of array, or a number is not finite as float32; the message names its row.
    """
    if len(stored.shape) != ndim or stored.dtype.kind != "f" or 0 in stored.shape[1:]:
        axes = {2: "[clips, D]", 3: "[clips, n, D]"}[ndim]
        raise InputError(
            f"{stored.source} holds {stored.dtype} of shape {list(stored.shape)}", why=f"expected floats {axes}"
        )
    found = stored.read()
    if found.dtype not in (np.float16, np.float32) or not found.dtype.isnative:
        with np.errstate(over="ignore"):
            found = found.astype(np.float32)
    for start in range(0, len(found), 4096):  # by parts: a mapped array may be larger than memory
        part = found[start : start + 4096].reshape(-1, math.prod(found.shape[1:]))
        finite = np.asarray(np.isfinite(part).all(axis=1))
        if not finite.all():
            row = start + int((~finite).argmax())
            raise InputError(f"{stored.source}: row {row} is not finite", why="it holds NaN or infinity")
    return found


def shared(first: Block, second: Block) -> list[str]:
    """Ids of the clips of ``first`` that ``second`` holds too."""
    known = set(second.keys())
    return [name for name, key in zip(first.ids, first.keys(), strict=True) if key in known]


def surplus(first: Block, second: Block) -> int:
    """Clips of ``first`` that ``second`` does not hold with the same label, or not as often."""
    counts = [Counter(zip(block.keys(), block.labels.tolist(), strict=True)) for block in (first, second)]
    return sum((counts[0] - counts[1]).values())


def _check_range(stored: Stored, labels: Integers, classes: int) -> None:
    beyond = labels >= classes
    if beyond.any():
        row = int(beyond.argmax())
        raise InputError(
            f"{stored.labels.source}: the label of clip {row} is {labels[row]}", why=f"labels lie in 0..{classes - 1}"
        )
