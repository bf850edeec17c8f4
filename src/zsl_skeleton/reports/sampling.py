"""Which clips stand for all where all would be too many to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PER_CLASS = 24


def some_clips(labels: NDArray[np.int64], most: int = PER_CLASS) -> NDArray[np.int64]:
    """Rows of up to ``most`` clips of every class, evenly spaced among its own, in ascending order."""
    found = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        found.append(rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)])
    return np.sort(np.concatenate(found)).astype(np.int64)


def worst(scores: NDArray[np.float32], labels: NDArray[np.int64], most: int = 8) -> NDArray[np.int64]:
    """Rows of the clips whose own class falls farthest behind the best other one; ties in their order.

    Args:
        scores: [N, U] with two classes at least.
        labels: int64 [N], columns of ``scores``.
        most: how many rows.
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    others = scores.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    return np.argsort(own - others.max(1), kind="stable")[:most].astype(np.int64)
