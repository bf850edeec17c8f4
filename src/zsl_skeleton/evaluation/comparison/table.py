"""A comparison of runs as plain text, at most 120 columns wide, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from zsl_skeleton.evaluation.comparison.compare import Comparison, ComparisonSection
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, Estimate
from zsl_skeleton.evaluation.summary import SYNTHETIC

WIDTH = 120
_LONGEST_NAME, _LONGEST_VALUE = 34, 90


@dataclass(frozen=True)
class _Column:
    """A column after the name; where the table is too wide for a text, columns go from the highest ``rank`` on."""

    title: str
    rank: int
    cell: Callable[[ComparisonRow], str]


def render_comparison(comparison: Comparison) -> str:
    """The comparison as plain text; in percent, a difference in points."""
    marks = _marks(comparison)
    columns = [column for column in _COLUMNS if any(map(column.cell, _rows(comparison)))]
    while True:
        tables = [_table(section, columns, marks) for section in comparison.sections]
        widths = [max(map(len, cells)) for cells in zip(*(line for table in tables for line in table), strict=True)]
        droppable = max(columns, key=lambda column: column.rank)
        if sum(widths) + 2 * len(widths) <= WIDTH or droppable.rank == 0:
            break
        columns.remove(droppable)
    lines = [line for text in _heading(comparison) for line in _wrapped(text)]
    for section, table in zip(comparison.sections, tables, strict=True):
        lines += ["", *_wrapped(_place(section)), *(_aligned(line, widths) for line in table)]
    lines += [line for text in ["", *_footnotes(comparison, marks)] for line in _wrapped(text)]
    return "\n".join(lines).rstrip()


def markdown(comparison: Comparison) -> str:
    """The comparison as Markdown with all columns and an interval of H, a table per section."""
    marks, first, *rest = _marks(comparison), *_heading(comparison)
    roomy = [replace(column, cell=_harmonic) if column.title == "H" else column for column in _COLUMNS]
    columns = [column for column in roomy if any(map(column.cell, _rows(comparison)))]
    lines = [f"**{first}**", "", *(f"- {line.strip()}" for line in rest)]
    for section in comparison.sections:
        head, *table = _table(section, columns, marks)
        lines += ["", _place(section), "", _piped(head), _piped(["---", *["--:"] * len(columns)]), *map(_piped, table)]
    notes = list(_footnotes(comparison, marks))
    return "\n".join([*lines, *[""] * bool(notes), *(f"- {line.strip()}" for line in notes)])


def _heading(comparison: Comparison) -> Iterator[str]:
    options, chances = comparison.options, sorted({round(100 * chance, 1) for chance in comparison.chances.values()})
    yield f"{comparison.dataset}, protocol {comparison.protocol}, splits {', '.join(comparison.chances)}"
    if comparison.synthetic:
        yield f"  {SYNTHETIC}"
    yield (
        f"  percent; chance {' to '.join(f'{chance:g}' for chance in chances[:1] + chances[1:][-1:])}; "
        f"runs: splits x seeds (* closed form); seeds: deviation within a split; class: mean over classes"
    )
    yield f"  [ ]: {100 * options.level:g} % bootstrap over splits, then over seeds"
    if any(row.generalised for row in _rows(comparison)):
        oracle = " (oracle: chosen on the test clips)" if options.rule == "oracle" else ""
        yield f"  seen, unseen, H: generalised, by the rule {options.rule}{oracle}; area: under the seen-unseen curve"
    yield from _about_differences(comparison)


def _about_differences(comparison: Comparison) -> Iterator[str]:
    found = [row.difference for row in _rows(comparison) if row.difference]
    metric = "ZSL accuracy" if comparison.options.metric == "accuracy" else comparison.options.metric
    if found:
        against = f"that of {comparison.reference.replace(':', ' ')}, of a control minus that of its own real texts"
        yield f"  difference: {metric} minus {against}; paired by split and seed"
        yield (
            f"  >0: share of resamples above 0; p: signs of whole splits flipped; with so many splits no p lies below "
            f"{min(one.smallest_p for one in found):.2g}"
        )


def _marks(comparison: Comparison) -> dict[str, int]:
    """What has to be said about a row besides its name -> number of the footnote."""
    said = dict.fromkeys(filter(None, map(_remark, _rows(comparison))))
    return {remark: number for number, remark in enumerate(said, 1)}


def _remark(row: ComparisonRow) -> str:
    validation = [f"epoch by validation on {row.validation}"] if row.validation and not row.seedless else []
    values = [value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 3]}..." for value in row.overrides]
    return ", ".join([*values, *validation])


def _footnotes(comparison: Comparison, marks: dict[str, int]) -> Iterator[str]:
    yield from (f"  [{number}] {remark}" for remark, number in marks.items())
    yield from (f"  NOTE: {note}" for note in comparison.notes)


def _place(section: ComparisonSection) -> str:
    return f"{section.texts}, {section.features}"


def _table(section: ComparisonSection, columns: Sequence[_Column], marks: dict[str, int]) -> list[list[str]]:
    lines = [["", *(column.title for column in columns)]]
    above: ComparisonRow | None = None
    for row in section.rows:
        lines.append([_name(row, above, marks), *(column.cell(row) for column in columns)])
        above = row
    return lines


def _name(row: ComparisonRow, above: ComparisonRow | None, marks: dict[str, int]) -> str:
    """A control below its own method needs no more than its name."""
    same = above is not None and all(
        getattr(row, key) == getattr(above, key) for key in ("name", "overrides", "validation")
    )
    if row.control != "none" and same:
        return f"- {row.control}"
    remark = _remark(row)
    mark = f" [{marks[remark]}]" if remark else ""
    missing = " !" if row.missing else ""
    control = f", {row.control}" if row.control != "none" else ""
    return f"{row.name[: _LONGEST_NAME - len(control)]}{control}{mark}{missing}"


def _runs(row: ComparisonRow) -> str:
    counts = sorted({len(seeds) for seeds in row.seeds.values()})
    seeds = "*" if row.seedless else "-".join(str(count) for count in counts[:1] + counts[1:][-1:])
    return f"{len(row.seeds)}x{seeds}"


def _difference(row: ComparisonRow) -> str:
    if row.difference is None:
        return "reference" if row.reference else ""
    return _interval(row.difference, "+")


def _interval(estimate: Estimate, sign: str = "") -> str:
    value, *ends = (
        "" if end is None else f"{100 * end:{sign}.1f}" for end in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{', '.join(ends)}]" if all(ends) else value


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f}"


def _p(row: ComparisonRow) -> str:
    if row.difference is None:
        return ""
    return f"{row.difference.p:.3f}" if row.difference.p >= 0.001 else "<.001"


def _rows(comparison: Comparison) -> list[ComparisonRow]:
    return [row for section in comparison.sections for row in section.rows]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *rest = cells
    return ("  " + "  ".join([name.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])).rstrip()


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _generalised(name: str) -> Callable[[ComparisonRow], str]:
    return lambda row: _percent(getattr(row.generalised, name)) if row.generalised else ""


def _harmonic(row: ComparisonRow) -> str:
    return _interval(row.generalised.harmonic) if row.generalised else ""


_COLUMNS = (
    _Column("runs", 0, _runs),
    _Column("ZSL", 0, lambda row: _interval(row.accuracy)),
    _Column("seeds", 4, lambda row: "" if row.deviation is None else f"+-{100 * row.deviation:.1f}"),
    _Column("class", 6, lambda row: _percent(row.class_mean)),
    _Column("seen", 3, _generalised("seen")),
    _Column("unseen", 3, _generalised("unseen")),
    _Column("H", 1, _generalised("harmonic")),
    _Column("area", 2, _generalised("area")),
    _Column("difference", 0, _difference),
    _Column(">0", 5, lambda row: f"{100 * row.difference.above:.0f}" if row.difference else ""),
    _Column("p", 0, _p),
)
