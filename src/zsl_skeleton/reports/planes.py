"""Two dimensions of many, and how much of the whole they show.

All signs are fixed (the entry of greatest size in every axis is positive), so that equal input gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Flat:
    """Points [N, 2] and the ``shown`` share, in [0, 1], of what there was to show."""

    points: Floats
    shown: float


def principal(rows: Matrix) -> Flat:
    """Principal components of ``rows`` [N, D]; ``shown`` is the share of their variance."""
    centred = np.asarray(rows, np.float64) - np.mean(rows, axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return Flat(_two(_signed(left)[0] * sizes), _share(sizes**2))


def scaled(cosines: Matrix) -> Flat:
    """Classical multidimensional scaling (Torgerson 1952) of points with these cosines [N, N] and unit length.

    ``shown``: share of the squared distances, negative eigenvalues counted as nothing.
    """
    distances = 2.0 - 2.0 * np.asarray(cosines, np.float64)
    rows = distances.mean(axis=1)
    inner = -0.5 * (distances - rows[:, None] - rows[None, :] + distances.mean())
    values, vectors = np.linalg.eigh(inner)
    order = values.argsort()[::-1]
    sizes = np.maximum(values[order], 0.0)
    return Flat(_two(_signed(vectors[:, order])[0] * np.sqrt(sizes)), _share(sizes))


def biplot(scores: Matrix) -> tuple[Flat, Flat]:
    """Clips and classes in one plane (Gabriel 1971): their inner products are the scores as far as two axes can tell.

    Args:
        scores: [N, U], higher is likelier; only differences within a row count.

    Returns:
        Clips [N, 2] and classes [U, 2], brought to the same mean length, which the directions do not depend on.
    """
    x = np.asarray(scores, np.float64)
    left, sizes, right = np.linalg.svd(x - x.mean(axis=1, keepdims=True), full_matrices=False)
    left, sign = _signed(left)
    root = np.sqrt(sizes)
    clips, classes = _two(left * root), _two((right.T * sign) * root)
    lengths = [np.sqrt((part**2).sum(1).mean()) or 1.0 for part in (clips, classes)]
    balance = np.sqrt(lengths[1] / lengths[0])
    shown = _share(sizes**2)
    return Flat(clips * balance, shown), Flat(classes / balance, shown)


def _two(points: Floats) -> Floats:
    """The first two columns; a missing one is 0."""
    return np.pad(points[:, :2], ((0, 0), (0, max(0, 2 - points.shape[1]))))


def _share(parts: Floats) -> float:
    total = parts.sum()
    return float(parts[:2].sum() / total) if total > 0 else 1.0


def _signed(vectors: Floats) -> tuple[Floats, Floats]:
    """Columns whose entry of greatest size is positive, and the signs that made them so."""
    largest = np.abs(vectors).argmax(axis=0)
    sign = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return vectors * sign, sign
