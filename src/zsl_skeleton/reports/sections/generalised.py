"""Seen and unseen classes compete: the rules, the curve behind them, and how well the gate tells the sides apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from zsl_skeleton.evaluation.gate import Gate, softmax
from zsl_skeleton.evaluation.generalised import GeneralisedReport
from zsl_skeleton.html.charts import Axis, Plane, bars
from zsl_skeleton.html.svg import drawing, line, mark, path, series, shape, text
from zsl_skeleton.reports.document import Block, Cell, Figure, Figures, Section, Share, Table, Text
from zsl_skeleton.reports.opened import Inside, OpenedRun
from zsl_skeleton.reports.sections.results import sides

_BINS = 20
_RULES = {
    "uncalibrated": "nothing is subtracted",
    "held-out": "constant from held-out seen classes",
    "gate": "gate from held-out seen classes",
    "oracle": "ORACLE: constant chosen on these clips",
    "perfect routing": "ORACLE: told which clips are seen",
}


def generalised(opened: OpenedRun) -> Section | None:
    """Rules, curve, gate and classes; None for a run without the generalised task."""
    report = opened.report.generalised
    if report is None:
        return None
    figures = [seen_unseen(report)]
    if opened.inside and opened.calibration:
        figures.append(gate_figure(opened.inside, opened.calibration.gate.gate()))
    blocks: list[Block] = [_rules(opened, report), Figures(tuple(figures)), *_remarks(report)]
    blocks += _per_class(opened, report)
    return Section("generalised", "Seen and unseen", tuple(blocks))


def seen_unseen(report: GeneralisedReport) -> Figure:
    """Accuracy on unseen over accuracy on seen clips at every constant, the chosen ones marked."""
    plane = Plane(
        Axis("seen clips right, %", 0.0, 1.0, True), Axis("unseen clips right, %", 0.0, 1.0, True), height=320.0
    )
    drawn = [*plane.frame(), *_equal_harmonics(plane)]
    drawn.append(path([plane.at(point.seen, point.unseen) for point in report.curve], "curve s1"))
    legend, told = [], []
    for index, row in enumerate(row for row in report.rows if row.rule != "perfect routing"):
        kind, h = series(index + 1), f"H {100 * row.sample.harmonic:.1f}"
        at = plane.at(row.sample.seen, row.sample.unseen)
        drawn.append(mark(shape(8 * index), at, 6.0, f"dot {kind}", f"{row.rule}: {h}"))
        legend.append((f"{kind} {shape(8 * index)}", f"{row.rule} ({h}{', oracle' if row.oracle else ''})"))
        told.append(f"{row.rule} {100 * row.sample.seen:.1f} seen, {100 * row.sample.unseen:.1f} unseen")
    says = f"Accuracy on unseen over seen clips, area {100 * report.area:.1f} percent; {'; '.join(told)}"
    return Figure(
        "Seen-unseen curve",
        drawing(plane.size, says, drawn),
        f"Area under the curve {100 * report.area:.1f} %. Dotted: equal H. A constant moves along the curve; a gate "
        "need not lie on it.",
        tuple(legend),
    )


def gate_figure(inside: Inside, gate: Gate) -> Figure:
    """How likely the gate takes seen and unseen test clips for seen ones."""
    found = inside.evidence
    seen_clips = found.seen[found.labels]
    p = gate.probability(softmax(found.unseen_scores), found.logits[:, found.columns], found.seen)
    edges = np.linspace(0.0, 1.0, _BINS + 1).tolist()
    shares = [_histogram(p[side], edges) for side in (seen_clips, ~seen_clips)]
    plane = Plane(
        Axis("P(seen)", 0.0, 1.0), Axis("share of the clips, %", 0.0, _top(shares), percent=True), height=320.0
    )
    drawn = [*plane.frame(), *bars(plane, edges, shares[0], "half s1"), *bars(plane, edges, shares[1], "half s2")]
    for kind, heights in zip(("s1", "s2"), shares, strict=True):
        drawn.append(path(_steps(plane, edges, heights), f"curve {kind}"))
    drawn += _threshold(plane, gate.threshold)
    right = [float((p[seen_clips] > gate.threshold).mean()), float((p[~seen_clips] <= gate.threshold).mean())]
    says = (
        f"Histogram of the gate's P(seen): {100 * right[0]:.1f} percent of the seen and {100 * right[1]:.1f} percent "
        f"of the unseen test clips lie on their own side of the threshold {gate.threshold:g}"
    )
    return Figure(
        "What the gate makes of test clips",
        drawing(plane.size, says, drawn),
        f"Above {gate.threshold:g} a clip goes to the seen classes. On their own side: {100 * right[0]:.1f} % of the "
        f"seen, {100 * right[1]:.1f} % of the unseen clips, of up to {inside.per_class} test clips of every class. The "
        "gate was fitted on held-out seen classes.",
        (
            ("s1", f"clips of seen classes ({int(seen_clips.sum())})"),
            ("s2", f"of unseen ones ({int((~seen_clips).sum())})"),
        ),
    )


def _rules(opened: OpenedRun, report: GeneralisedReport) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for row in report.rows:
        own = Share(row.routed_seen), Share(row.routed_unseen)
        constant = None if row.constant is None else f"{row.constant:.4g}"
        harmonic = Share(row.class_mean.harmonic)
        rows.append((row.rule, *sides(report, row), harmonic, *own, constant, _RULES[row.rule]))
    chance = 1 / (report.seen_classes + report.unseen_classes)
    return Table(
        f"Generalised task in percent: {report.seen_clips} test clips of {report.seen_classes} seen and "
        f"{report.unseen_clips} of {report.unseen_classes} unseen classes, all classes being candidates "
        f"(chance {100 * chance:.1f}); {opened.report.dataset}, split {opened.report.split}, protocol "
        f"{opened.report.protocol}; own side: clips that were given any class of their side; intervals: 95 %, "
        "over test clips, of one training",
        ("rule", "seen", "unseen", "H", "H, class mean", "seen: own side", "unseen: own side", "constant", "chosen by"),
        tuple(rows),
    )


def _remarks(report: GeneralisedReport) -> list[Text]:
    said = [
        f"The margin between the best seen and the best unseen score tells seen from unseen clips in "
        f"{100 * report.separation:.1f} of 100 pairs (50: not at all)."
    ]
    if found := report.calibration:
        known = ", some of which the backbone knew" if found.familiar else ""
        said.append(
            f"The constant was found on {found.draws} x {found.classes} held-out seen classes{known}, where H was "
            f"{100 * found.harmonic:.1f} %."
        )
    return [Text(" ".join(said))]


def _per_class(opened: OpenedRun, report: GeneralisedReport) -> list[Table]:
    """Accuracy of every class among all, by the rule ``held-out``, where the names of all classes can be reached."""
    shown = [row for row in report.rows if row.rule in ("held-out", "gate") and row.per_class]
    if not opened.inside or not shown:
        return []
    names = opened.inside.inputs.task.dataset.class_names
    rows: list[tuple[Cell, ...]] = []
    for index, name in enumerate(names):
        values = [row.per_class[index] if row.per_class else None for row in shown]
        side = "unseen" if index in opened.numbers else "seen"
        rows.append((f"{index} {name}", side, *(None if value is None else Share(value) for value in values)))
    rows.sort(key=lambda row: row[1] != "unseen")
    return [
        Table(
            "Accuracy of every class in percent, all classes being candidates, by rules that looked at no test clip",
            ("class", "side", *(row.rule for row in shown)),
            tuple(rows),
            look="bars",
        )
    ]


def _equal_harmonics(plane: Plane) -> list[Markup]:
    drawn = []
    for h in (0.2, 0.4, 0.6, 0.8):
        s = np.linspace(h / (2 - h), 1.0, 40)
        u = h * s / (2 * s - h)
        drawn.append(path([plane.at(float(x), float(y)) for x, y in zip(s, u, strict=True)], "iso"))
        drawn.append(text(f"H {100 * h:.0f}", *plane.at(h * 0.985, h * 0.985), kind="tick", anchor="end"))
    return drawn


def _histogram(values: NDArray[np.float64], edges: Sequence[float]) -> list[float]:
    counts, _ = np.histogram(values, edges)
    return [float(count) / max(len(values), 1) for count in counts]


def _top(shares: list[list[float]]) -> float:
    return 1.05 * max(max(heights) for heights in shares)


def _steps(plane: Plane, edges: Sequence[float], heights: list[float]) -> list[tuple[float, float]]:
    points = [plane.at(edges[0], 0.0)]
    for low, high, height in zip(edges[:-1], edges[1:], heights, strict=True):
        points += [plane.at(low, height), plane.at(high, height)]
    return [*points, plane.at(edges[-1], 0.0)]


def _threshold(plane: Plane, threshold: float) -> list[Markup]:
    start, end = plane.at(threshold, plane.y.low), plane.at(threshold, plane.y.high)
    return [line(start, end, "guide"), text("threshold", end[0] + 4, end[1] + 10, "tick")]
