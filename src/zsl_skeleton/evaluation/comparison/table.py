"""A comparison of runs as plain text, at most 120 columns wide, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from zsl_skeleton.evaluation.comparison.columns import (
    Column,
    caption,
    effect_cells,
    effect_titles,
    interval,
    rows_of,
    used_columns,
)
from zsl_skeleton.evaluation.comparison.compare import Comparison, ComparisonSection
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow

WIDTH = 120
_LONGEST_NAME = 34
_EFFECTS = "effect of the texts: the same method with these texts minus with "
_REPORTED = (
    "reported beside ours: papers differ in features, texts, protocol and selection, most chose the epoch on test clips"
)


def render_comparison(comparison: Comparison) -> str:
    """The comparison as plain text; in percent, a difference in points. Wide tables are cut between their parts."""
    marks, columns = marks_of(comparison), used_columns(comparison)
    first, *rest = caption(comparison)
    lines = [line for text in [first, *(f"  {line}" for line in rest)] for line in _wrapped(text)]
    for section in comparison.sections:
        lines += ["", *_wrapped(f"{section.texts}, {section.features}")]
        for table in section_tables(section, parts_of(comparison, columns, marks), marks):
            lines += _aligned(table)
    for usual, table in effect_tables(comparison):
        lines += ["", *_wrapped(f"{_EFFECTS}{usual}"), *_aligned(table)]
    lines += [line for text in ["", *footnotes(comparison, marks)] for line in _wrapped(f"  {text}" if text else "")]
    return "\n".join(lines).rstrip()


def markdown(comparison: Comparison) -> str:
    """The comparison as Markdown, a table per section."""
    marks, columns = marks_of(comparison), used_columns(comparison)
    first, *rest = caption(comparison)
    lines = [f"**{first}**", "", *(f"- {line}" for line in rest)]
    for section in comparison.sections:
        lines += ["", f"{section.texts}, {section.features}", "", *_piped(section_table(section, columns, marks))]
    for usual, table in effect_tables(comparison):
        lines += ["", f"{_EFFECTS}{usual}", "", *_piped(table)]
    notes = list(footnotes(comparison, marks))
    return "\n".join([*lines, *[""] * bool(notes), *(f"- {line}" for line in notes)])


def section_table(section: ComparisonSection, columns: Sequence[Column], marks: dict[str, int]) -> list[list[str]]:
    """Cells with a heading."""
    lines = [["", *(column.title for column in columns)]]
    above: ComparisonRow | None = None
    for row in section.rows:
        lines.append([row_name(row, above, marks), *(column.cell(row) for column in columns)])
        above = row
    return lines


def section_tables(
    section: ComparisonSection, parts: Sequence[Sequence[Column]], marks: dict[str, int]
) -> list[list[list[str]]]:
    """A table per part; a control without the generalised task has nothing to say there and is left out."""
    tables = (section_table(section, part, marks) for part in parts)
    return [[head, *(row for row in rows if any(row[1:]))] for head, *rows in tables]


def effect_tables(comparison: Comparison) -> Iterator[tuple[str, list[list[str]]]]:
    """What the texts are held against, and cells with a heading."""
    for usual in dict.fromkeys(effect.difference.against for effect in comparison.effects):
        found = [effect for effect in comparison.effects if effect.difference.against == usual]
        yield usual, [effect_titles(), *map(effect_cells, found)]


def marks_of(comparison: Comparison) -> dict[str, int]:
    """What has to be said about a row besides its name -> number of the footnote."""
    said = dict.fromkeys(filter(None, map(_remark, rows_of(comparison))))
    return {remark: number for number, remark in enumerate(said, 1)}


def footnotes(comparison: Comparison, marks: dict[str, int]) -> Iterator[str]:
    """Remarks on rows, figures that papers report beside ours, and notes."""
    yield from marked(marks)
    if comparison.reported:
        yield _REPORTED
    for one in comparison.reported:
        ours = f"{one.name} on {one.split}: ours {interval(one.ours)}"
        yield "; ".join([ours, *(f"reported {result}" for result in one.reported)])
    yield from (f"NOTE: {note}" for note in comparison.notes)


def marked(marks: dict[str, int]) -> Iterator[str]:
    """The numbered remarks on rows."""
    yield from (f"[{number}] {remark}" for remark, number in marks.items())


def parts_of(comparison: Comparison, columns: Sequence[Column], marks: dict[str, int]) -> list[list[Column]]:
    """The columns cut between parts so that no section is wider than a text may be."""
    parts: list[list[Column]] = []
    for number in dict.fromkeys(column.part for column in columns):
        own = [column for column in columns if column.part == number]
        together = [*parts[-1], *own] if parts else own
        widest = max(
            max(map(len, line))
            for section in comparison.sections
            for line in [_aligned(section_table(section, together, marks))]
        )
        if parts and widest <= WIDTH:
            parts[-1] = together
        else:
            parts.append(own)
    return parts


def _remark(row: ComparisonRow) -> str:
    validation = [f"epoch by validation on {row.validation}"] if row.validation and not row.seedless else []
    return ", ".join([*row.overrides, *validation])


def row_name(row: ComparisonRow, above: ComparisonRow | None, marks: dict[str, int]) -> str:
    """What a row is called below the row ``above``: a control below its own method needs no more than its name."""
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


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, figures to the right."""
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return [
        ("  " + "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])).rstrip() for line in table
    ]


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _piped(table: Sequence[Sequence[str]]) -> list[str]:
    head, *rows = (f"| {' | '.join(cells)} |" for cells in table)
    return [head, f"| {' | '.join(['---', *['--:'] * (len(table[0]) - 1)])} |", *rows]
