"""The generalised part of a report: one row per way of choosing between seen and unseen, oracles labelled as such.

H alone hides what moved it, so every row also says how many clips of each side were sent to their own side, and the
report holds two figures that depend on no choice: the area under the curve, and how well the margin tells the sides
apart. ``perfect routing`` bounds what any constant could reach with the same scores.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.gzsl import (
    Curve,
    Labels,
    Margins,
    Mask,
    Scores,
    SeenUnseen,
    curve,
    harmonic_mean,
    margins,
    predictions,
    seen_unseen_harmonic,
    thinned,
)

Rule = Literal["uncalibrated", "held-out", "gate", "oracle", "perfect routing"]
_ORACLES = {"oracle": "constant chosen on these clips", "perfect routing": "told which clips are seen"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accuracies(_Part):
    """Accuracy on clips of seen and of unseen classes and their harmonic mean, in [0, 1]."""

    seen: float
    unseen: float
    harmonic: float


class GeneralisedRow(_Part):
    """One rule.

    ``sample`` counts every clip, ``class_mean`` every class the same. ``routed_seen`` and ``routed_unseen``: shares of
    the clips of each side that are named after some class of that side. ``constant``, in units of the scores, is None
    where none is subtracted. ``per_class``: accuracy of all C classes, None for one without clips and for the whole
    row where it is not defined. ``oracle``: the rule looked at the answers.
    """

    rule: Rule
    constant: float | None
    sample: Accuracies
    class_mean: Accuracies
    routed_seen: float
    routed_unseen: float
    oracle: bool
    per_class: tuple[float | None, ...] | None


class Calibration(_Part):
    """Where the constant of the row ``held-out`` comes from: ``draws`` times ``classes`` seen classes were held out.

    ``harmonic`` is the mean H [0, 1] that it reached on them; far from the row's H it transferred badly. ``familiar``:
    the backbone was trained on held-out classes, so that they look less unseen than unseen ones.
    """

    constant: float
    draws: int
    classes: int
    harmonic: float
    familiar: bool = False


class CurvePoint(_Part):
    """A point of the curve: accuracies per sample at a constant."""

    constant: float
    seen: float
    unseen: float


class GeneralisedReport(_Part):
    """Seen and unseen test clips against all classes.

    ``area`` and ``class_area`` are the areas under the seen-unseen curve, per sample and per class. ``separation`` is
    the chance that a seen clip's margin exceeds an unseen one's (0.5: the scores do not tell the sides apart).
    ``curve`` is thinned.
    """

    seen_classes: int
    unseen_classes: int
    seen_clips: int
    unseen_clips: int
    rows: tuple[GeneralisedRow, ...]
    area: float
    class_area: float
    separation: float
    calibration: Calibration | None
    curve: tuple[CurvePoint, ...]


def generalised_report(
    scores: Scores, labels: Labels, seen: Mask, calibration: Calibration | None = None, gated: Labels | None = None
) -> GeneralisedReport:
    """The report of N test clips of both sides.

    Args:
        scores: [N, C] against all classes.
        labels: int64 [N], columns of ``scores``.
        seen: bool [C].
        calibration: adds the row ``held-out``.
        gated: int64 [N], classes that a gate gave the clips; adds the row ``gate``.

    Raises:
        InputError: see :func:`zsl_skeleton.evaluation.gzsl.margins`.
    """
    found = margins(scores, labels, seen)
    by_sample, by_class = curve(found), curve(found, "class")
    constants: list[tuple[Rule, float]] = [("uncalibrated", 0.0)]
    constants += [("held-out", calibration.constant)] if calibration else []
    rows = [_row(rule, gamma, predictions(scores, seen, gamma), labels, seen) for rule, gamma in constants]
    if gated is not None:
        rows.append(_row("gate", None, gated, labels, seen))
    best = by_sample.best().gamma
    rows += [_row("oracle", best, predictions(scores, seen, best), labels, seen), _perfect(by_sample, by_class)]
    few = thinned(by_sample)
    points = zip(few.gammas.tolist(), few.seen.tolist(), few.unseen.tolist(), strict=True)
    return GeneralisedReport(
        seen_classes=int(seen.sum()),
        unseen_classes=int((~seen).sum()),
        seen_clips=int(found.is_seen.sum()),
        unseen_clips=int((~found.is_seen).sum()),
        rows=tuple(rows),
        area=by_sample.area,
        class_area=by_class.area,
        separation=separation(found),
        calibration=calibration,
        curve=tuple(CurvePoint(constant=g, seen=s, unseen=u) for g, s, u in points),
    )


def separation(margins: Margins) -> float:
    """Area under the receiver operating curve of the margin as a detector of seen clips; ties count half."""
    seen, unseen = margins.margin[margins.is_seen], np.sort(margins.margin[~margins.is_seen])
    below = np.searchsorted(unseen, seen, side="left") + np.searchsorted(unseen, seen, side="right")
    return float(below.mean() / (2 * len(unseen)))


def render_generalised(report: GeneralisedReport, *, oracle: bool = False) -> list[str]:
    """The report as lines of plain text; ``oracle``: the weights themselves were chosen on the unseen test clips."""
    chosen = " (oracle: weights chosen on the unseen ones)" if oracle else ""
    chance = 1 / (report.seen_classes + report.unseen_classes)
    lines = [
        f"  generalised: {report.seen_classes} seen and {report.unseen_classes} unseen classes are candidates; "
        f"{report.seen_clips} and {report.unseen_clips} test clips{chosen}",
        f"    {'':<17}{'per sample':^24}{'per class':^24}{'own side':^16}",
        f"    {'':<17}" + "".join(f"{name:>8}" for name in ("seen", "unseen", "H") * 2 + ("seen", "unseen")),
    ]
    for row in report.rows:
        values = [getattr(part, key) for part in (row.sample, row.class_mean) for key in ("seen", "unseen", "harmonic")]
        figures = "".join(f"{100 * value:8.1f}" for value in [*values, row.routed_seen, row.routed_unseen])
        constant = "" if row.constant is None else f"   constant {row.constant:.4g}"
        looked = f"   (oracle: {_ORACLES[row.rule]})" if row.oracle else ""
        lines.append(f"    {row.rule:<17}{figures}{constant}{looked}")
    lines.append(
        f"    area under the curve {100 * report.area:.1f} per sample, {100 * report.class_area:.1f} per class; "
        f"margin tells seen from unseen {100 * report.separation:.1f} (50: not at all); chance {100 * chance:.1f}"
    )
    if found := report.calibration:
        times = "" if found.draws == 1 else f"{found.draws} times "
        familiar = ", some of which the backbone knew," if found.familiar else ""
        lines.append(
            f"    constant found on {times}{found.classes} held-out seen classes{familiar} where H was "
            f"{100 * found.harmonic:.1f}"
        )
    return lines


def _row(rule: Rule, constant: float | None, predicted: Labels, labels: Labels, seen: Mask) -> GeneralisedRow:
    found, is_seen = seen_unseen_harmonic(predicted, labels, seen), seen[labels]
    clips = np.bincount(labels, minlength=len(seen))
    right = np.bincount(labels[predicted == labels], minlength=len(seen))
    return GeneralisedRow(
        rule=rule,
        constant=constant,
        sample=_accuracies(found.sample),
        class_mean=_accuracies(found.class_mean),
        routed_seen=float(seen[predicted[is_seen]].mean()),
        routed_unseen=float((~seen[predicted[~is_seen]]).mean()),
        oracle=rule in _ORACLES,
        per_class=tuple(float(r / n) if n else None for r, n in zip(right, clips, strict=True)),
    )


def _perfect(*curves: Curve) -> GeneralisedRow:
    """The best of both ends of the curves per sample and per class: every clip is sent to its own side."""
    ends = [(one.seen[:1], one.unseen[-1:]) for one in curves]
    sample, class_mean = (
        Accuracies(seen=float(s[0]), unseen=float(u[0]), harmonic=float(harmonic_mean(s, u)[0])) for s, u in ends
    )
    return GeneralisedRow(
        rule="perfect routing",
        constant=None,
        sample=sample,
        class_mean=class_mean,
        routed_seen=1.0,
        routed_unseen=1.0,
        oracle=True,
        per_class=None,
    )


def _accuracies(found: SeenUnseen) -> Accuracies:
    return Accuracies(seen=found.seen, unseen=found.unseen, harmonic=found.harmonic)
