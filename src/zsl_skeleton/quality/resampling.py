"""95 % intervals of predicted accuracies and of their differences: a bootstrap over folds and classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.quality.measures import Interval
from zsl_skeleton.quality.predict import Cells, Counts

_LEVEL = (2.5, 97.5)


class Resampler:
    """Draws folds and classes with replacement, independently of each other, the same draws for every candidate.

    A cell (fold, class) counts as often as its fold times as often as its class was drawn: the bootstrap for crossed
    factors of Owen (Annals of Applied Statistics 2007), which errs on the wide side. Over folds alone, intervals would
    shrink with the number of folds, though these reuse the same few classes.
    """

    def __init__(self, folds: int, classes: int, count: int, seed: int) -> None:
        generator = np.random.default_rng([seed, 12])
        self._folds = generator.multinomial(folds, np.full(folds, 1 / folds), size=count).astype(np.float64)
        self._classes = generator.multinomial(classes, np.full(classes, 1 / classes), size=count).astype(np.float64)

    def accuracy(self, cells: Cells) -> Interval:
        """The accuracy and its percentile interval."""
        return _interval(cells.accuracy, self._draws(cells))

    def difference(self, cells: Cells, other: Cells) -> Interval:
        """Accuracy of ``cells`` minus that of ``other``, paired."""
        return _interval(cells.accuracy - other.accuracy, self._draws(cells) - self._draws(other))

    def single(self, cells: Cells) -> tuple[float, float]:
        """Where the accuracy of *one* draw of classes lies, as a split is one: the normal 95 % prediction interval.

        Its variance is that of the folds plus that of their mean; it stays within 0 and 1.
        """
        deviation = float(np.sqrt(cells.per_fold.var(ddof=1) + np.nanvar(self._draws(cells))))
        return max(0.0, cells.accuracy - 1.96 * deviation), min(1.0, cells.accuracy + 1.96 * deviation)

    def _draws(self, cells: Cells) -> NDArray[np.float64]:
        right, clips = self._weighted(cells.right), self._weighted(cells.clips)
        return np.where(clips > 0, right / np.where(clips > 0, clips, 1), np.nan)

    def _weighted(self, counts: Counts) -> NDArray[np.float64]:
        return np.asarray(((self._folds @ counts.astype(np.float64)) * self._classes).sum(1))


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    low, high = np.nanpercentile(draws, _LEVEL)
    return Interval(value, float(low), float(high))
