"""Intervals and paired comparisons of figures that were measured on several splits with several seeds.

A figure is a mean over splits of means over seeds, so that every split counts alike. Seeds are nested in splits: a
split is another task, a seed another training of it. The bootstrap therefore draws splits with replacement, and then
the seeds of every split drawn (two stages; percentile interval). Whether a difference could be chance is asked by
flipping the signs of the splits' differences, all ways where there are few splits.

Few splits carry little information. In a simulation (normal splits, 1 or 5 seeds) the 95 % interval held the truth in
76 of 100 cases with 3 splits, 85 with 5, 90 with 10 and 93 with 30; and S splits can give no two-sided p below 2 / 2^S,
which is 0.0625 with 5. Random splits of one data set share classes, and test clips are a sample themselves; neither is
accounted for, so intervals are rather too narrow than too wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.rank_tests import wilcoxon_p, wins_ties_losses
from zsl_skeleton.quality.measures import Interval

Key = tuple[str, int | None]
"""Split and seed; None where the figure is the same for every seed, as of a closed form."""
Values = Mapping[Key, float]
Vector = NDArray[np.float64]

_COVERAGE = {3: 0.76, 5: 0.85, 10: 0.90, 30: 0.93}  # simulated; see above
_EXACT = 14  # with more splits, the 2^S sign patterns are sampled instead of listed
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PairedDifference:
    """How much higher the first of two methods is than the second, on the splits and seeds that both have.

    Args:
        value: mean over splits of the mean difference over seeds.
        interval: two-stage bootstrap interval; None for a single pair.
        above: share of the resamples above 0; those at 0 count half.
        p: two-sided, from flipping the signs of whole splits.
        smallest_p: the least that ``p`` can be with so many splits.
        splits: the common splits, sorted.
        pairs: number of pairs over all of them.
        wins, ties, losses: pairs in which the first is higher, equal, lower.
        wilcoxon: two-sided p of the signed-rank test over the pairs, which takes them for independent.
    """

    value: float
    interval: Interval | None
    above: float
    p: float
    smallest_p: float
    splits: tuple[str, ...]
    pairs: int
    wins: int
    ties: int
    losses: int
    wilcoxon: float


def bootstrap_interval(
    values: Sequence[float], level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval | None:
    """Mean of ``values`` and its percentile bootstrap interval; None for a single value, which shows no spread.

    Raises:
        InputError: there is no value, or one is not finite.
    """
    return clustered_interval({"": values}, level, draws, seed)


def clustered_interval(
    values: Mapping[str, Sequence[float]], level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval | None:
    """Mean over splits of means over seeds, and its two-stage bootstrap interval.

    Args:
        values: split -> the figures of its seeds.
        level: share of resamples within the interval.
        draws: number of resamples.
        seed: of the resampling.

    Returns:
        None for a single figure. With one split the interval is about its seeds alone.

    Raises:
        InputError: a split has no figure, or one is not finite.
    """
    groups = _groups(values)
    if sum(map(len, groups)) < 2:
        return None
    return _percentiles(_mean(groups), _resampled(groups, draws, seed), level)


def coverage(splits: int) -> float | None:
    """How often a nominal 95 % interval over so many splits holds the truth; None for one split, or for many.

    By simulation; in between, what fewer splits have.
    """
    known = [share for count, share in _COVERAGE.items() if count <= splits]
    if splits < 2 or splits > max(_COVERAGE):
        return None
    return max(known, default=min(_COVERAGE.values()))


def paired_difference(
    a: Values, b: Values, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> PairedDifference:
    """How much ``a`` exceeds ``b`` on the splits and seeds that both have.

    A figure with the seed None stands for every seed of its split.

    Raises:
        InputError: nothing is common to both, or a common figure is not finite.
    """
    pairs = _pairs(a, b)
    by_split: dict[str, list[float]] = {}
    for key in sorted(pairs, key=_order):
        by_split.setdefault(key[0], []).append(pairs[key])
    groups = _groups(by_split)
    resampled = _resampled(groups, draws, seed)
    p, smallest = sign_flip_p([float(group.mean()) for group in groups], draws, seed)
    wins, ties, losses = wins_ties_losses(list(pairs.values()))
    return PairedDifference(
        value=_mean(groups),
        interval=_percentiles(_mean(groups), resampled, level) if len(pairs) > 1 else None,
        above=float((resampled > _ROUNDING).mean() + (np.abs(resampled) <= _ROUNDING).mean() / 2),
        p=p,
        smallest_p=smallest,
        splits=tuple(by_split),
        pairs=len(pairs),
        wins=wins,
        ties=ties,
        losses=losses,
        wilcoxon=wilcoxon_p(list(pairs.values())),
    )


def sign_flip_p(differences: Sequence[float], draws: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """Two-sided p of the mean of ``differences`` under random signs, and the least it can be with so many.

    Exact up to 14 differences; beyond, from ``draws`` random sign patterns (Phipson and Smyth 2010: the observed one
    counts as one of them).
    """
    (values,) = _groups({"": differences})
    count, observed = len(values), abs(values.sum())
    if count <= _EXACT:
        bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float((np.abs((1 - 2 * bits) @ values) >= observed - _ROUNDING).mean()), 2 / 2**count
    signs = np.random.default_rng([seed, count]).choice(np.array([-1, 1], np.int8), size=(draws, count))
    extreme = int((np.abs(signs @ values) >= observed - _ROUNDING).sum())
    return (1 + extreme) / (1 + draws), 1 / (1 + draws)


def common_keys(a: Values, b: Values) -> set[Key]:
    """The splits and seeds that both have; the seed None stands for every seed of its split."""
    with_every_seed = {key for key in a if (key[0], None) in b} | {key for key in b if (key[0], None) in a}
    return (a.keys() & b.keys()) | with_every_seed


def _pairs(a: Values, b: Values) -> dict[Key, float]:
    """Differences at the common keys."""
    keys = common_keys(a, b)
    if not keys:
        held = [", ".join(map(_words, sorted(v, key=_order))) for v in (a, b)]
        split, seed = min(a, key=_order, default=("SPLIT", 0))
        raise InputError(
            "the two have no split and seed in common, so they cannot be compared",
            why=f"one has {held[0] or 'none'}; the other {held[1] or 'none'}",
            mend=f"train the other one: zsl-train --method METHOD --dataset NAME --split {split} --seeds {seed or 0}",
        )
    return {key: _at(a, key) - _at(b, key) for key in keys}


def _at(values: Values, key: Key) -> float:
    return values[key] if key in values else values[key[0], None]


def _words(key: Key) -> str:
    return f"{key[0]} {'(any seed)' if key[1] is None else f'seed {key[1]}'}"


def _order(key: Key) -> tuple[str, int]:
    return key[0], -1 if key[1] is None else key[1]


def _groups(values: Mapping[str, Iterable[float]]) -> list[Vector]:
    """The figures of every split, in the order of the splits' names."""
    groups = [np.asarray(list(values[split]), np.float64) for split in sorted(values)]
    if not groups or not all(map(len, groups)):
        raise InputError("there are no figures to average")
    if not all(np.isfinite(group).all() for group in groups):
        raise InputError("a figure to be compared is NaN or infinite", why="a report is damaged", mend="zsl-train list")
    return groups


def _mean(groups: Sequence[Vector]) -> float:
    return float(np.mean([group.mean() for group in groups]))


def _resampled(groups: Sequence[Vector], draws: int, seed: int) -> Vector:
    """``draws`` means of two-stage resamples."""
    generator = np.random.default_rng([seed, len(groups)])
    total = np.zeros(draws)
    for column in generator.integers(len(groups), size=(len(groups), draws)):
        for index, group in enumerate(groups):
            rows = np.flatnonzero(column == index)
            total[rows] += group[generator.integers(len(group), size=(len(rows), len(group)))].mean(1)
    return total / len(groups)


def _percentiles(value: float, resampled: Vector, level: float) -> Interval:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))
