"""Do the classes lie to each other in the texts as they do in the motion? Pure functions of two [C, C] matrices.

Both spaces describe the same C classes, in the same order. A measure that cannot be computed (too few classes, or all
similarities equal) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
_NOISE = 1e-12
_DIGITS = 12  # similarities that differ by less are equal: rounding must not break ties
MIN_CLASSES = 4
"""The unbiased CKA divides by C - 3."""


def cosines(vectors: Matrix, *, centre: bool = False) -> Matrix:
    """Cosine [C, C] of the rows of ``vectors`` [C, D], if ``centre`` after subtracting their mean; 0 for zero rows."""
    rows = vectors - vectors.mean(0) if centre else vectors
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(lengths > _NOISE, lengths, np.inf)
    return np.asarray(unit @ unit.T)


def gram(vectors: Matrix) -> Matrix:
    """Linear kernel [C, C] of the rows of ``vectors`` [C, D]."""
    return np.asarray(vectors @ vectors.T)


def ranks(values: Vector) -> Vector:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(np.round(values, _DIGITS), return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def spearman(first: Vector, second: Vector) -> float:
    """Spearman's rank correlation of two columns, ties by mean ranks; NaN if one is constant."""
    a, b = (ranks(np.asarray(values, np.float64)) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > _NOISE else float("nan")


def rank_pattern(similarity: Matrix) -> Matrix:
    """Centred ranks of the class pairs, scaled to length 1, on both sides of an empty diagonal.

    The :func:`alignment` of two such patterns is Spearman's correlation of the upper triangles.
    """
    upper = np.triu_indices(len(similarity), 1)
    pairs = ranks(similarity[upper])
    return _symmetric(len(similarity), upper, pairs - pairs.mean() if len(pairs) else pairs)


def centred_pattern(kernel: Matrix) -> Matrix:
    """U-centred kernel, scaled to length 1.

    The :func:`alignment` of two such patterns is linear CKA with the unbiased estimator of HSIC: the inner product of
    U-centred matrices is C (C - 3) times it (Song et al., JMLR 2012, eq. 5; Szekely and Rizzo, Annals of Statistics
    2014, section 3). The usual estimator is near 1 whenever there are fewer classes than dimensions.
    """
    size = len(kernel)
    if size < MIN_CLASSES:
        return np.full_like(kernel, np.nan)
    bare = kernel - np.diag(np.diag(kernel))
    rows = bare.sum(1)
    centred = bare - (rows[:, None] + rows[None, :]) / (size - 2) + rows.sum() / ((size - 1) * (size - 2))
    np.fill_diagonal(centred, 0.0)
    return _unit(centred, scale=float(np.abs(kernel).max()))


def alignment(first: Matrix, second: Matrix) -> float:
    """Inner product of two patterns, -1 to 1."""
    return float(np.clip((first * second).sum(), -1.0, 1.0))


def rsa(text: Matrix, visual: Matrix) -> float:
    """Representational similarity: Spearman between the upper triangles of two similarity matrices [C, C].

    Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2008.
    """
    return alignment(rank_pattern(text), rank_pattern(visual))


def cka(text: Matrix, visual: Matrix) -> float:
    """Linear CKA of two Gram matrices [C, C], unbiased: about 0 for unrelated spaces, 1 for rotated ones.

    Kornblith et al., ICML 2019, with the estimator of :func:`centred_pattern`.
    """
    return alignment(centred_pattern(text), centred_pattern(visual))


@dataclass(frozen=True)
class PermutationTest:
    """What is left when the classes of one space are renamed at random.

    Args:
        value: with the right names.
        baseline: mean over the permutations.
        p: share of permutations (the right names counted as one of them) that reach ``value``, one-sided: at least
            1 / (n + 1).
    """

    value: float
    baseline: float
    p: float


def permutation_test(first: Matrix, second: Matrix, count: int, generator: np.random.Generator) -> PermutationTest:
    """Permutation test of the :func:`alignment` of two patterns; for rank patterns it is Mantel's test.

    Mantel, Cancer Research 1967; rows and columns are permuted together, as the pairs of a class are not independent.
    """
    value = alignment(first, second)
    if np.isnan(value):
        return PermutationTest(value, value, value)
    found = np.empty(count)
    for trial in range(count):
        order = generator.permutation(len(second))
        found[trial] = alignment(first, second[np.ix_(order, order)])
    reached = int((found >= value - _NOISE).sum())
    return PermutationTest(value, float(found.mean()) if count else float("nan"), (1 + reached) / (1 + count))


def nearest(similarity: Matrix, count: int) -> NDArray[np.int64]:
    """The ``count`` most similar other classes of every class [C, count], nearest first; of equals the lower index."""
    away = similarity.astype(np.float64, copy=True)
    np.fill_diagonal(away, -np.inf)
    return np.argsort(-np.round(away, _DIGITS), axis=1, kind="stable")[:, :count]


def neighbourhood_agreement(text: Matrix, visual: Matrix, count: int) -> float:
    """Mean share of a class's ``count`` nearest classes that both spaces name; chance is count / (C - 1).

    Mutual nearest neighbours, as in Huh et al., ICML 2024. NaN when there are not more than ``count`` other classes.
    """
    if len(text) <= count + 1:
        return float("nan")
    pairs = zip(nearest(text, count), nearest(visual, count), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / count for a, b in pairs]))


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


def jackknife(statistic: Callable[[NDArray[np.int64]], float], classes: int) -> Interval:
    """A statistic of class indices and its normal 95 % interval from leaving out one class at a time.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11. Not a bootstrap: a class drawn twice has
    similarity 1 with itself, which inflates every measure of class pairs. The interval stays within -1 and 1.
    """
    everything = np.arange(classes)
    value = statistic(everything)
    without = np.array([statistic(np.delete(everything, left_out)) for left_out in range(classes)])
    half = 1.96 * float(np.sqrt((classes - 1) * without.var())) if classes else float("nan")
    return Interval(value, max(-1.0, value - half), min(1.0, value + half)) if half == half else _unknown(value)


def _unknown(value: float) -> Interval:
    return Interval(value, float("nan"), float("nan"))


def _symmetric(size: int, upper: tuple[NDArray[np.intp], ...], pairs: Vector) -> Matrix:
    pattern = np.zeros((size, size))
    pattern[upper] = pairs
    return _unit(pattern + pattern.T, scale=1.0)


def _unit(pattern: Matrix, scale: float) -> Matrix:
    length = float(np.linalg.norm(pattern))
    return pattern / length if length > 1e-10 * scale else np.full_like(pattern, np.nan)
