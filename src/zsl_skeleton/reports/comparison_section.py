"""A comparison of runs as a section: tables, dots with intervals, splits, controls, texts, reported figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from zsl_skeleton.evaluation.comparison.columns import caption, p_text, runs_of, selections
from zsl_skeleton.evaluation.comparison.compare import Comparison, ComparisonSection
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, Estimate, RowDifference
from zsl_skeleton.evaluation.comparison.table import marked, marks_of, row_name
from zsl_skeleton.html.charts import Axis, Dot, DotPlot
from zsl_skeleton.html.svg import drawing, series, shape
from zsl_skeleton.reports.document import Block, Cell, Figure, Figures, Section, Share, Table, Text

_COLUMNS = (
    "setting", "runs", "ZSL", "± seeds", "class mean", "seen", "unseen", "H", "area",
    "difference", "W-T-L", "p", "p, Holm", "Wilcoxon, Holm",
)  # fmt: skip
Marks = dict[str, int]


def compared(found: Comparison) -> Section:
    """Everything about one data set and protocol."""
    marks = marks_of(found)
    lines = [f"{line}." for line in itertools.islice(caption(found), 1, None)]
    blocks: list[Block] = [Text(" ".join(["How to read the tables:", *lines]))]
    for section in found.sections:
        blocks += [_table(found, section, marks), _figures(found, section, marks), _splits(found, section, marks)]
    if all(row.control == "none" for section in found.sections for row in section.rows):
        without = "No run with a control is among these: with shuffled texts accuracy must fall to chance."
        blocks.append(Text(without, "hint"))
    blocks += [*_effects(found), *_reported(found)]
    blocks += [Text(f"{remark}.") for remark in marked(marks)]
    blocks += [Text(f"Note: {note}.") for note in found.notes]
    return Section(f"{found.dataset}-{found.protocol}", f"{found.dataset}, {found.protocol}", tuple(blocks))


def share(estimate: Estimate | None, *, signed: bool = False) -> Share | None:
    """An estimate as a cell."""
    return None if estimate is None else Share(estimate.value, estimate.low, estimate.high, signed)


def _about(found: Comparison, section: ComparisonSection) -> str:
    """What every caption says: data, protocol, selection, texts, features."""
    return f"{found.dataset}, protocol {found.protocol}; {selections(found)}; {section.texts}; {section.features}"


def _named(rows: Sequence[ComparisonRow], marks: Marks) -> list[tuple[str, ComparisonRow]]:
    """The rows with names for where they stand below each other."""
    return [(row_name(row, above, marks), row) for above, row in zip([None, *rows], rows, strict=False)]


def _table(found: Comparison, section: ComparisonSection, marks: Marks) -> Table:
    level = f"{100 * found.options.level:g} % intervals (none for one run)"
    splits = f"splits {', '.join(found.chances)}; percent with {level}"
    # Rows can be sorted, so that every one has its full name.
    rows = tuple((row_name(row, None, marks), *_cells(row)) for row in section.rows)
    return Table(f"{_about(found, section)}; {splits}", _COLUMNS, rows, main=True)


def _cells(row: ComparisonRow) -> Iterator[Cell]:
    yield runs_of(row)
    yield share(row.accuracy)
    yield None if row.deviation is None else f"{100 * row.deviation:.1f}"
    yield share(row.class_mean)
    yield from (share(getattr(row.generalised, name, None)) for name in ("seen", "unseen", "harmonic", "area"))
    if row.difference is None:
        yield from ("reference" if row.reference else None, None, None, None, None)
    else:
        yield share(row.difference, signed=True)
        yield from _tests(row.difference)


def _tests(one: RowDifference) -> Iterator[str]:
    yield f"{one.wins}-{one.ties}-{one.losses}"
    yield from (p_text(p, one.p_tells) for p in (one.p, one.p_holm))
    yield p_text(one.wilcoxon_holm, one.wilcoxon_tells)


def _figures(found: Comparison, section: ComparisonSection, marks: Marks) -> Figures:
    """Accuracy and, where there is one, generalised H and difference of every row; what the controls do."""
    chances = tuple(sorted(set(found.chances.values())))
    named = _named(section.rows, marks)
    figures = [_plot("zero-shot accuracy, %", [(name, row, row.accuracy) for name, row in named], chances)]
    harmonics = [(name, row, row.generalised.harmonic) for name, row in named if row.generalised]
    differences = [(name, row, row.difference) for name, row in named if row.difference]
    figures += [_plot("generalised H, %", harmonics)] if harmonics else []
    figures += [_differences(differences)] if differences else []
    return Figures((*figures, *_controls(section.rows, marks, chances)))


Dots = Sequence[tuple[str, ComparisonRow, Estimate]]


def _plot(name: str, rows: Dots, guides: tuple[float, ...] = ()) -> Figure:
    drawn = [
        (label, _dot(row, estimate, f"{row.name}, {_texts(row)}: {share(estimate)}")) for label, row, estimate in rows
    ]
    plot = DotPlot(Axis(name, 0.0, 1.0, percent=True), tuple((label, (dot,)) for label, dot in drawn), guides)
    legend = [("s1 circle", "real texts")]
    legend += [("s8 diamond", "control")] * any(row.control != "none" for _, row, _ in rows)
    about = "Line: interval. Dashed: chance." if guides else "Line: interval."
    title, told = name[0].upper() + name.partition(",")[0][1:], "; ".join(dot.says for _, dot in drawn)
    return Figure(title, drawing(plot.size, told, plot.drawn()), about, tuple(legend))


def _differences(rows: Dots) -> Figure:
    ends = [value for *_, one in rows for value in (one.value, one.low, one.high) if value is not None]
    edge = 1.05 * max(map(abs, [*ends, 0.01]))
    drawn = [
        (label, _dot(row, one, f"{row.name}, {_texts(row)}: {share(one, signed=True)}")) for label, row, one in rows
    ]
    axis = Axis("difference in points", -edge, edge, percent=True)
    plot = DotPlot(axis, tuple((label, (dot,)) for label, dot in drawn), (0.0,))
    about = "Of a control to its own real texts, else to the reference. Line: interval."
    return Figure("Difference", drawing(plot.size, "; ".join(dot.says for _, dot in drawn), plot.drawn()), about)


def _dot(row: ComparisonRow, estimate: Estimate, says: str) -> Dot:
    kind, form = ("s1", "circle") if row.control == "none" else ("s8", "diamond")
    return Dot(estimate.value, estimate.low, estimate.high, kind, form, says)


def _texts(row: ComparisonRow) -> str:
    return "real texts" if row.control == "none" else f"{row.control} texts"


def _splits(found: Comparison, section: ComparisonSection, marks: Marks) -> Table:
    """Accuracy on every split; intervals are over seeds."""
    splits = tuple(found.chances)
    rows: list[tuple[Cell, ...]] = [
        (row_name(row, None, marks), *(share(row.by_split.get(split)) for split in splits)) for row in section.rows
    ]
    rows.append(("chance", *(Share(found.chances[split]) for split in splits)))
    about = (
        f"Zero-shot accuracy on every split in percent, intervals over the seeds of the split; {_about(found, section)}"
    )
    return Table(about, ("setting", *splits), tuple(rows))


def _controls(rows: Sequence[ComparisonRow], marks: Marks, chances: tuple[float, ...]) -> list[Figure]:
    """Real texts and controls of each setting that has both, on one line."""
    kinds = list(dict.fromkeys(row.control for row in rows))
    settings: dict[str, list[ComparisonRow]] = {}
    for row in rows:
        settings.setdefault(row_name(row.model_copy(update={"control": "none"}), None, marks), []).append(row)
    drawn = [
        (name, tuple(_control_dot(row, kinds.index(row.control)) for row in group))
        for name, group in settings.items()
        if len(group) > 1
    ]
    if not drawn:
        return []
    plot = DotPlot(Axis("zero-shot accuracy, %", 0.0, 1.0, percent=True), tuple(drawn), chances)
    told = "; ".join(f"{name}: {', '.join(dot.says for dot in dots)}" for name, dots in drawn)
    legend = tuple((f"{series(k)} {shape(8 * k)}", "real" if kind == "none" else kind) for k, kind in enumerate(kinds))
    about = "Line: interval. Dashed: chance, where shuffled texts belong."
    return [Figure("Effect of controls", drawing(plot.size, told, plot.drawn()), about, legend)]


def _control_dot(row: ComparisonRow, place: int) -> Dot:
    one = row.accuracy
    return Dot(one.value, one.low, one.high, series(place), shape(8 * place), f"{_texts(row)} {share(one)}")


def _effects(found: Comparison) -> list[Table]:
    if not found.effects:
        return []
    rows = [
        (one.name, one.texts, one.difference.against, share(one.difference, signed=True), *_tests(one.difference))
        for one in found.effects
    ]
    about = f"What other texts change, in points; {found.dataset}, protocol {found.protocol}; {selections(found)}"
    columns = ("setting", "texts", "against", *_COLUMNS[_COLUMNS.index("difference") :])
    return [Table(about, columns, tuple(rows))]


def _reported(found: Comparison) -> list[Block]:
    rows: list[tuple[Cell, ...]] = []
    for one in found.reported:
        for item in one.reported:
            theirs = None if item.zsl is None else Share(item.zsl / 100)
            remarks = "; ".join(filter(None, [item.text, item.note, item.protocol_id, f"source: {item.source.name}"]))
            rows.append((one.name, one.split, share(one.ours), theirs, item.method, remarks))
    if not rows:
        return [Text(f"No published figure of these methods on these splits of {found.dataset} can stand beside ours.")]
    caption = "Ours beside reported figures in percent; other texts, backbones and selection rules than ours"
    return [Table(caption, ("setting", "split", "ours", "reported", "by", "remarks"), tuple(rows))]
