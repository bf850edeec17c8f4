"""The rows of a comparison: what is said about one group of runs, and what it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.comparison.groups import RunGroup
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.evaluation.statistics import Key, clustered_interval, common_keys, paired_difference
from zsl_skeleton.training.config import SELECTIONS

_GENERALISED = ("seen", "unseen", "harmonic", "area")
_OF_DIFFERENCE = (
    "above", "p", "smallest_p", "splits", "pairs", "wins", "ties", "losses", "wilcoxon",
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Part):
    """A mean over splits of means over seeds, and its interval; none for a single figure."""

    value: float
    low: float | None
    high: float | None


class RowDifference(Estimate):
    """This row minus the row ``against``; see :class:`zsl_skeleton.evaluation.statistics.PairedDifference`.

    ``p_holm`` and ``wilcoxon_holm``: corrected for all differences of the same kind in the comparison whose test tells
    anything; the others keep their p, which is 1.
    """

    against: str
    above: float
    p: float
    smallest_p: float
    splits: tuple[str, ...]
    pairs: int
    wins: int
    ties: int
    losses: int
    wilcoxon: float
    p_holm: float
    wilcoxon_holm: float

    @property
    def p_tells(self) -> bool:
        """Whether there are splits enough for a p below 1."""
        return self.smallest_p < 1

    @property
    def wilcoxon_tells(self) -> bool:
        """Whether there are pairs enough for a p below 1."""
        return self.pairs > 1


class GeneralisedMeans(_Part):
    """The generalised task by one rule, per sample, on those ``runs`` of the row that have it."""

    runs: int
    seen: Estimate
    unseen: Estimate
    harmonic: Estimate
    area: Estimate


class ComparisonRow(_Part):
    """One method with one preset, selection and control. Accuracies in [0, 1].

    ``validation``: what a selection by ``val`` held out. ``oracle``: the epoch was chosen on the unseen test clips.
    ``overrides``: settings that differ from the preset. ``seeds``: split -> seeds. ``seedless``: a closed form, which
    counts once per split. ``missing``: splits that other rows have. ``deviation``: over seeds within a split, pooled.
    ``by_split``: ZSL accuracy on every split, intervals over its seeds alone. ``reference``: what other rows are held
    against.
    """

    name: str
    method: str
    preset: str
    select: str
    validation: str
    oracle: bool
    control: str
    overrides: tuple[str, ...]
    seeds: dict[str, tuple[int, ...]]
    seedless: bool
    missing: tuple[str, ...]
    chance: float
    accuracy: Estimate
    by_split: dict[str, Estimate]
    deviation: float | None
    class_mean: Estimate
    generalised: GeneralisedMeans | None
    reference: bool
    difference: RowDifference | None


class RowMaker:
    """Makes the rows of groups that may be held against each other.

    Args:
        options: of the comparison.
        groups: all groups that fit them.
        reference: ``"method:preset"`` that rows of real texts are held against.
    """

    def __init__(self, options: ComparisonOptions, groups: Sequence[RunGroup], reference: str) -> None:
        self._options = options
        self._groups = groups
        self.reference = reference

    def is_reference(self, group: RunGroup) -> bool:
        """Whether other rows are held against this group: real texts, settings just as in the preset."""
        key = group.key
        return f"{key.method}:{key.preset}" == self.reference and key.control == "none" and not group.overrides

    def row(self, group: RunGroup, splits: Sequence[str]) -> ComparisonRow:
        """The row of ``group`` in a comparison that has runs on ``splits``."""
        key, reports = group.key, group.reports
        accuracies = self._figures(group, "accuracy")
        by_split = {split: [r for (s, _), r in reports.items() if s == split] for split in group.splits}
        return ComparisonRow(
            **{name: getattr(key, name) for name in ("method", "preset", "select", "validation", "control")},
            name=group.name,
            oracle=group.any_report.selection.oracle,
            overrides=group.overrides,
            seeds={split: tuple(sorted(report.seed for report in found)) for split, found in by_split.items()},
            seedless=group.seedless,
            missing=tuple(split for split in splits if split not in by_split),
            chance=float(np.mean([found[0].chance for found in by_split.values()])),
            accuracy=self._estimate(accuracies),
            by_split={split: self.on_split(group, split) for split in group.splits},
            deviation=_deviation(accuracies),
            class_mean=self._estimate(self._figures(group, "class-mean")),
            generalised=self._generalised(group),
            reference=self.is_reference(group),
            difference=self._difference(group),
        )

    def _figures(self, group: RunGroup, metric: str) -> dict[Key, float]:
        """The figures of a metric by split and seed; one per split where the seed changes nothing."""
        figures: dict[Key, float] = {}
        for cell, report in sorted(group.reports.items()):
            value = figure(report, metric, self._options.rule)
            if value is not None:
                figures[cell] = value
        # The seed may still choose the classes that a closed form's generalised task is calibrated on.
        if group.seedless and all(len(set(seeds)) == 1 for seeds in _by_split(figures).values()):
            return {(split, None): value for (split, _), value in figures.items()}
        return figures

    def _estimate(self, values: dict[Key, float]) -> Estimate:
        found = clustered_interval(_by_split(values), *self._resampling)
        if found is None:
            return Estimate(value=next(iter(values.values())), low=None, high=None)
        return Estimate(value=found.value, low=found.low, high=found.high)

    def _generalised(self, group: RunGroup) -> GeneralisedMeans | None:
        figures = {name: self._figures(group, name) for name in _GENERALISED}
        runs = sum(figure(report, "harmonic", self._options.rule) is not None for report in group.reports.values())
        if not runs:
            return None
        return GeneralisedMeans(runs=runs, **{name: self._estimate(values) for name, values in figures.items()})

    def _difference(self, group: RunGroup) -> RowDifference | None:
        """None for the reference itself, and where no run can be paired."""
        other = self._opponent(group)
        return self.difference(group, other, other.name) if other else None

    def difference(self, group: RunGroup, other: RunGroup, against: str) -> RowDifference | None:
        """``group`` minus ``other``, which is called ``against``; None where no run can be paired."""
        a, b = (self._figures(one, self._options.metric) for one in (group, other))
        if not common_keys(a, b):
            return None
        found = paired_difference(a, b, *self._resampling)
        return RowDifference(
            against=against,
            value=found.value,
            low=found.interval.low if found.interval else None,
            high=found.interval.high if found.interval else None,
            p_holm=found.p,
            wilcoxon_holm=found.wilcoxon,
            **{name: getattr(found, name) for name in _OF_DIFFERENCE},
        )

    def on_split(self, group: RunGroup, split: str) -> Estimate:
        """ZSL accuracy on one split; the interval is about its seeds alone."""
        return self._estimate({cell: r for cell, r in self._figures(group, "accuracy").items() if cell[0] == split})

    def _opponent(self, group: RunGroup) -> RunGroup | None:
        """What a group is held against: a control against its own method, the others against the reference."""
        if group.key.control != "none":
            real = [one for one in self._groups if one.key == replace(group.key, control="none")]
            return real[0] if real else None
        if self.is_reference(group):
            return None
        same = [
            one
            for one in self._groups
            if self.is_reference(one) and (one.key.texts, one.key.features) == (group.key.texts, group.key.features)
        ]
        # The reference that was selected alike; a closed form is the same by every rule.
        return min(
            same, key=lambda one: (one.key.select != group.key.select, SELECTIONS.index(one.key.select)), default=None
        )

    @property
    def _resampling(self) -> tuple[float, int, int]:
        return self._options.level, self._options.resamples, self._options.seed


def figure(report: Report, metric: str, rule: str) -> float | None:
    """A figure of a report, in [0, 1]; None where it has none.

    Args:
        report: of a run.
        metric: ``accuracy``, ``class-mean``, or of the generalised task ``seen``, ``unseen``, ``harmonic``, ``area``.
        rule: row of the generalised report.
    """
    if metric == "accuracy":
        return report.accuracy
    if metric == "class-mean":
        return report.mean_class_accuracy
    found = report.generalised
    rows = [row for row in found.rows if row.rule == rule] if found else []
    if found is None or not rows:
        return None
    return found.area if metric == "area" else float(getattr(rows[0].sample, metric))


def _by_split(values: dict[Key, float]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for (split, _), value in values.items():
        found.setdefault(split, []).append(value)
    return found


def _deviation(values: dict[Key, float]) -> float | None:
    """Standard deviation over seeds within a split, pooled over the splits that have several."""
    variances = [np.var(figures, ddof=1) for figures in _by_split(values).values() if len(figures) > 1]
    return float(np.sqrt(np.mean(variances))) if variances else None
