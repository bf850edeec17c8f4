"""How near classes are to each other, and how much the texts of a class differ, in the space of an encoder."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.quality.diversity import effective_number
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

Matrix = NDArray[np.float64]
MISSING = 255
"""Level of a pair that has no cosine, because one of its classes has no text."""


@dataclass(frozen=True)
class Neighbours:
    """The most similar seen and unseen class of one class, each with its cosine; None where there is none."""

    class_index: int
    seen: tuple[int, float] | None
    unseen: tuple[int, float] | None


def similarity(embeddings: ClassEmbeddings, slot: str) -> Matrix:
    """Cosine between the mean vectors of all classes.

    Returns:
        float64 [C, C]; NaN where a class has no text (or vectors that cancel out).
    """
    mask = embeddings.masks[slot][:, :, None]
    # The length does not matter, so that a sum is as good as a mean.
    return cosines(np.where(mask, embeddings.slots[slot], 0.0).astype(np.float64).sum(axis=1))


def cosines(rows: Matrix) -> Matrix:
    """Cosine between all pairs of ``rows`` [C, D]; float64 [C, C], NaN where a row has no length."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, lengths, out=np.full_like(rows, np.nan), where=lengths > 0)
    found: Matrix = np.clip(units @ units.T, -1.0, 1.0)
    return found


def pack(matrix: Matrix) -> tuple[float, float, str]:
    """A symmetric matrix as few bytes: lowest and highest value beside the diagonal, and levels between them.

    Returns:
        low, high, and base64 of one byte per pair (row by row above the diagonal): 0 = low, 254 = high, 255 = no value.
    """
    values = matrix[np.triu_indices(len(matrix), k=1)]
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    levels = np.nan_to_num((values - low) / ((high - low) or 1.0) * (MISSING - 1))
    cells = np.where(np.isfinite(values), np.rint(levels), MISSING).astype(np.uint8)
    return round(low, 4), round(high, 4), base64.b64encode(cells.tobytes()).decode()


def nearest(matrix: Matrix, unseen: Iterable[int]) -> list[Neighbours]:
    """For every unseen class the most similar seen and the most similar other unseen class.

    Args:
        matrix: [C, C] as :func:`similarity` gives it.
        unseen: class indices of a split.
    """
    chosen = set(unseen)
    seen = [index for index in range(len(matrix)) if index not in chosen]
    return [
        Neighbours(index, _closest(matrix[index], seen), _closest(matrix[index], sorted(chosen - {index})))
        for index in sorted(chosen)
    ]


def _closest(row: NDArray[np.float64], candidates: list[int]) -> tuple[int, float] | None:
    known = [index for index in candidates if np.isfinite(row[index])]
    best = max(known, key=lambda index: row[index], default=None)
    return None if best is None else (best, round(float(row[best]), 3))


def effective(embeddings: ClassEmbeddings, slot: str, class_index: int) -> float | None:
    """Effective number of different texts of a class in a slot; None if none has a vector."""
    vectors = embeddings.slots[slot][class_index].astype(np.float64)
    there = vectors[np.linalg.norm(vectors, axis=1) > 0]  # masked-out texts have no length
    return effective_number(there) if len(there) else None
