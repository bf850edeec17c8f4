"""The figures, beside chance, controls and what others report."""

from __future__ import annotations

from collections.abc import Sequence

from zsl_skeleton.evaluation.generalised import GeneralisedReport, GeneralisedRow
from zsl_skeleton.evaluation.published import published
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.evaluation.statistics import bootstrap_interval
from zsl_skeleton.evaluation.summary import summarise
from zsl_skeleton.reports.document import Cell, Section, Share, Table, Text
from zsl_skeleton.reports.interval import harmonic_of, share_of

_SEEDS = "intervals: 95 % bootstrap over the seeds of this split"
_CLIPS = "intervals: 95 %, over test clips, of one training"


def headline(reports: Sequence[Report]) -> tuple[tuple[Cell, str], ...]:
    """The figures that matter, each with a label: of the real texts, or of the control if there are no others."""
    main = main_reports(reports)
    first, several = main[0], len(main) > 1
    oracle = ", oracle" if first.selection.oracle else ""
    told = f"zero-shot accuracy{oracle}, " + (f"mean of {len(main)} seeds" if several else f"seed {first.seed}")
    figures: list[tuple[Cell, str]] = [
        (accuracy(main), told),
        (_mean([report.mean_class_accuracy for report in main]), f"mean over classes{oracle}"),
        (Share(first.chance), f"chance: 1 of {len(first.per_class)} unseen classes"),
        (first.clips, "unseen test clips"),
    ]
    if harmonic := _harmonic(main):
        figures.insert(2, (harmonic, "generalised H, constant from held-out seen classes"))
    return tuple(figures)


def results(reports: Sequence[Report]) -> Section:
    """One row per kind of texts, then what others report."""
    first = main_reports(reports)[0]
    summary = {row["control"]: row for row in summarise(reports)}
    rows: list[tuple[Cell, ...]] = []
    for control, row in summary.items():
        group = [report for report in reports if report.control == control]
        name = "real texts" if control == "none" else f"control: {control}"
        oracle = " (oracle)" if row["oracle"] else ""
        spread = None if row["deviation"] is None else f"± {100 * row['deviation']:.1f}"
        mean = _mean([report.mean_class_accuracy for report in group])
        rows.append((name + oracle, row["runs"], accuracy(group), spread, mean, Share(row["chance"])))
    interval = _SEEDS if any(row["runs"] > 1 for row in summary.values()) else _CLIPS
    table = Table(
        f"Zero-shot accuracy in percent on {first.clips} test clips of {len(first.per_class)} unseen classes of "
        f"{first.dataset}, split {first.split}, protocol {first.protocol}; {selection(first)}; {interval}",
        ("texts", "runs", "accuracy", "deviation", "class mean", "chance"),
        tuple(rows),
    )
    blocks = [table, *_controls(first, set(summary)), *_either(reports), *_reported(first, reports)]
    return Section("results", "Results", tuple(blocks))


def main_reports(reports: Sequence[Report]) -> list[Report]:
    """Those with real texts, or, where there are none, those of the first control."""
    real = [report for report in reports if report.control == "none"]
    return real or [report for report in reports if report.control == reports[0].control]


def accuracy(group: Sequence[Report]) -> Share:
    """Mean accuracy with its interval over seeds, or of a single run over clips."""
    if len(group) == 1:
        return share_of(round(group[0].accuracy * group[0].clips), group[0].clips)
    return _mean([report.accuracy for report in group])


def sides(report: GeneralisedReport, row: GeneralisedRow) -> tuple[Share, Share, Share]:
    """Seen, unseen and harmonic accuracy of a rule per sample, with their intervals over clips."""
    clips = ((row.sample.seen, report.seen_clips), (row.sample.unseen, report.unseen_clips))
    seen, unseen = (share_of(round(value * count), count) for value, count in clips)
    return seen, unseen, harmonic_of(seen, unseen)


def selection(report: Report) -> str:
    """How the weights were chosen, in a caption's words."""
    chosen = report.selection
    if chosen.epoch is None:
        return "solved in closed form"
    looked = "; ORACLE: chosen on these test clips" if chosen.oracle else ""
    return f"weights of epoch {chosen.epoch} by the rule {chosen.rule!r}{looked}"


def _mean(values: Sequence[float]) -> Share:
    found = bootstrap_interval(values)
    return Share(found.value, found.low, found.high) if found else Share(values[0])


def _harmonic(group: Sequence[Report]) -> Share | None:
    """Mean H by the held-out constant with its interval over seeds, or of a single run over clips."""
    found = [
        (report.generalised, row)
        for report in group
        if report.generalised
        for row in report.generalised.rows
        if row.rule == "held-out"
    ]
    if len(found) == 1:
        return sides(*found[0])[2]
    return _mean([row.sample.harmonic for _, row in found]) if found else None


def _controls(report: Report, held: set[str]) -> list[Text]:
    if len(held) > 1:
        return []
    command = f"zsl-train --method {report.method} --preset {report.preset} --dataset {report.dataset}"
    if held == {"none"}:
        command += f" --split {report.split} --control none,shuffled"
        return [
            Text("No control was given beside it: with shuffled texts accuracy must fall to chance.", "hint", command)
        ]
    return [Text("The class texts were altered on purpose: this is a control, not a result.", "warning")]


def _either(reports: Sequence[Report]) -> list[Text]:
    found = [report.either_branch for report in main_reports(reports) if report.either_branch is not None]
    if not found:
        return []
    return [
        Text(
            f"Counting a clip as right if any branch names it gives {Share(sum(found) / len(found))} %: an oracle "
            "figure (the label chooses the branch), printed only because papers report it."
        )
    ]


def _reported(first: Report, reports: Sequence[Report]) -> list[Table | Text]:
    """Printable figures of the same method, data set and split from elsewhere, beside ours."""
    found = published(first.dataset, first.split, first.method)
    if not found:
        what = f"{first.method} on {first.dataset}, split {first.split}"
        return [Text(f"No published figure of {what}, can stand beside ours.")]
    rows: list[tuple[Cell, ...]] = [("this report", accuracy(main_reports(reports)), None, None, None, "", "")]
    for item in found:
        shares = (None if v is None else Share(v / 100) for v in (item.zsl, item.seen, item.unseen, item.harmonic))
        notes = "; ".join(filter(None, [item.note, item.protocol_id, f"source: {item.source.name}"]))
        rows.append((f"{item.method}, reported", *shares, item.text, notes))
    return [
        Table(
            "Ours beside reported figures, in percent; other texts, backbones and selection rules than ours",
            ("who", "ZSL", "seen", "unseen", "H", "texts", "remarks"),
            tuple(rows),
        )
    ]
