"""Wilcoxon's signed-rank test for paired differences, and Holm's correction for several tests at once.

Wilcoxon (1945), with midranks for ties and zeros left out. Up to 50 differences the p is exact: the distribution of the
rank sum over all signs is counted, ties included; beyond that a normal distribution with the variance reduced for ties
stands in. Holm (1979): step-down; holds whatever the dependence between the tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EXACT = 50
_DIGITS = 12
"""Differences of shares are equal up to rounding: beyond these decimals they tie."""


def wins_ties_losses(differences: Sequence[float]) -> tuple[int, int, int]:
    """How many of the differences are above 0, 0, and below 0."""
    signs = np.sign(np.round(np.asarray(differences, np.float64), _DIGITS))
    return int((signs > 0).sum()), int((signs == 0).sum()), int((signs < 0).sum())


def wilcoxon_p(differences: Sequence[float]) -> float:
    """Two-sided p of the signed-rank test; 1 where all differences are 0.

    It takes the differences for independent ones. Those of several seeds on one split are not, so that with few splits
    the p is too small: :func:`zsl_skeleton.evaluation.statistics.sign_flip_p` over splits is the cautious one.
    """
    values = np.round(np.asarray(differences, np.float64), _DIGITS)
    values = values[values != 0]
    if not len(values):
        return 1.0
    doubled = _doubled_midranks(np.abs(values))
    positive = int(doubled[values > 0].sum())
    return _exact_p(doubled, positive) if len(values) <= _EXACT else _normal_p(doubled, positive)


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order of ``ps``: rejecting where they are at most alpha keeps the familywise error."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for place, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - place) * ps[index]))
        adjusted[index] = highest
    return adjusted


def _doubled_midranks(sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the ranks from 1; equal ones share the mean of theirs. Doubled, they are whole numbers."""
    _, group, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((2 * last - counts + 1)[group], np.int64)


def _exact_p(doubled: NDArray[np.int64], positive: int) -> float:
    """Both tails over all 2^n signs; up to 2^50 of them are counted exactly in floating point."""
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[: len(ways) - rank].copy()
    tail = min(ways[: positive + 1].sum(), ways[positive:].sum())
    return float(min(1.0, 2 * tail / 2.0 ** len(doubled)))


def _normal_p(doubled: NDArray[np.int64], positive: int) -> float:
    # Given midranks, the variance of the rank sum is the sum of their squares over 4: ties are accounted for.
    mean, deviation = doubled.sum() / 2, math.sqrt(float((doubled.astype(np.float64) ** 2).sum()) / 4)
    return math.erfc(abs(positive - mean) / deviation / math.sqrt(2))
