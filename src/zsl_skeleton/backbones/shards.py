"""Features in shards: each is a file, so that a killed extraction goes on, and no more than one lies in memory."""

from __future__ import annotations

import functools
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import Array, Parts, map_tensors
from zsl_skeleton.progress import say

_GIB = 2**30


@dataclass(frozen=True)
class Layout:
    """What is stored of every clip.

    Args:
        shapes: kind of feature -> its shape for one clip.
        dtype: of all of them.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtype: np.dtype[Any]

    def bytes(self, clips: int) -> int:
        """Size of the features of so many clips, without their labels and names (less than 100 bytes a clip)."""
        return clips * self.dtype.itemsize * sum(map(math.prod, self.shapes.values()))

    def joined(self, shards: Sequence[Path], clips: int) -> dict[str, Parts]:
        """The features of all ``clips``, read from one shard after the other when they are written.

        Raises:
            InputError: while they are read: a shard lacks a kind or cannot be read.
        """
        return {
            name: Parts((clips, *shape), self.dtype, functools.partial(_read, name, shards))
            for name, shape in self.shapes.items()
        }


def _read(name: str, shards: Sequence[Path]) -> Iterator[Array]:
    for shard in shards:
        arrays = map_tensors(shard)
        if name not in arrays:
            raise InputError(f"{shard} lacks {name!r}", why="another version wrote it", mend=f"rm -r {shard.parent}")
        yield arrays[name]


def check_space(folder: Path, layout: Layout, clips: int, done: int) -> None:
    """Say how much will be written, and make sure that there is room for it.

    Args:
        folder: where it goes; it exists.
        layout: what is stored of every clip.
        clips: of the whole set.
        done: clips whose shards exist already.

    Raises:
        InputError: the disk has less.
    """
    whole, parts = layout.bytes(clips), layout.bytes(clips - done)
    free = shutil.disk_usage(folder).free
    say(f"extract:    {clips} clips, {gib(whole)} and, until the end, {gib(parts)} in shards; {gib(free)} are free")
    if whole + parts > free:
        raise InputError(
            f"the features of {clips} clips do not fit on the disk of {folder}",
            why=f"{gib(whole + parts)} are needed, {gib(free)} are free",
            mend="free disk space, name a folder elsewhere with --artifacts DIR, or halve it: --dtype float16",
        )


def gib(size: int) -> str:
    """A number of bytes for people, in GiB (small ones in MiB)."""
    return f"{size / _GIB:.2f} GiB" if size >= _GIB / 10 else f"{size / 2**20:.1f} MiB"


def narrowed(arrays: Mapping[str, NDArray[np.float32]], ids: Sequence[str], dtype: np.dtype[Any]) -> dict[str, Array]:
    """Features of the clips ``ids`` in the type they are stored in.

    Raises:
        InputError: a feature is not finite, or too large for the type.
    """
    found = {}
    for name, array in arrays.items():
        if (row := first_broken(array)) is not None:
            raise InputError(
                f"the feature {name!r} of clip {ids[row]} is not finite",
                why="the clip is, so the backbone's weights are not usable",
                mend="zsl-data pretrain with a smaller learning rate",
            )
        with np.errstate(over="ignore"):
            found[name] = array.astype(dtype, copy=False)
        if (row := first_broken(found[name])) is not None:
            raise InputError(
                f"the feature {name!r} of clip {ids[row]} does not fit into {dtype}",
                why=f"it reaches {np.abs(array[row]).max():.3g}, the type {np.finfo(dtype).max:.0f}",
                mend="zsl-data extract with --dtype float32",
            )
    return found


def first_broken(array: Array) -> int | None:
    """The first row that holds NaN or infinity; None if there is none."""
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return None if finite.all() else int((~finite).argmax())
