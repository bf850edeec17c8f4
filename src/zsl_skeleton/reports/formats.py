"""The tables of a report for other programs: Markdown, CSV (one value per line) and LaTeX (booktabs)."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Iterator

from zsl_skeleton.latex import NEEDED, float_of, tabular
from zsl_skeleton.reports.document import Cell, Document, Figures, Share, Table, Text


def plain(cell: Cell) -> str:
    """A cell as text; shares in percent."""
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def markdown(document: Document) -> str:
    """Title, warnings, facts, and all tables with the texts around them, as Markdown."""
    lines = [f"# {_one_line(document.title)}", "", document.lead, ""]
    lines += [f"> **{warning}**\n" for warning in document.warnings]
    lines += [f"- {label}: {plain(value)}" for value, label in document.headline]
    lines += [f"- {what}: {_one_line(value)}" for what, value in document.facts]
    for section in document.sections:
        blocks = [block for block in section.blocks if not isinstance(block, Figures)]
        lines += ["", f"## {section.title}"] if any(isinstance(block, Table) for block in blocks) else []
        for block in blocks if lines[-1].startswith("## ") else []:
            if isinstance(block, Text):
                lines += ["", _told(block)]
            else:
                lines += ["", _one_line(block.caption), "", *_piped(block)]
    return "\n".join(lines).rstrip() + "\n"


def csv(document: Document) -> str:
    """``table,row,column,value,low,high``, one value per line; shares in percent, empty where there is no value.

    A table is called after its section and its place there: ``classes-2``.
    """
    stream = io.StringIO()
    writer = csv_module.writer(stream, lineterminator="\n")
    writer.writerow(["table", "row", "column", "value", "low", "high"])
    for value, label in document.headline:
        writer.writerow(["headline", "", label, *_values(value)])
    for section in document.sections:
        tables = [block for block in section.blocks if isinstance(block, Table)]
        for place, table in enumerate(tables, 1):
            for row in table.rows:
                for column, cell in zip(table.columns[1:], row[1:], strict=True):
                    writer.writerow([f"{section.id}-{place}", plain(row[0]), column.strip(), *_values(cell)])
    return stream.getvalue()


def latex(document: Document) -> str:
    """All tables as floats; the texts around them as comments."""
    lines = [document.title, *document.warnings]
    for section in document.sections:
        if any(isinstance(block, Table) for block in section.blocks):
            lines += [_told(block) for block in section.blocks if isinstance(block, Text)]
    floats = (float_of([tabular(_cells(table), _aligned(table))], table.caption) for table in document.tables)
    return "\n\n".join(["\n".join(f"% {_one_line(line)}" for line in lines), NEEDED, *floats]) + "\n"


def _told(block: Text) -> str:
    return _one_line(f"{block.text} {block.command}")


def _cells(table: Table) -> list[list[str]]:
    return [list(table.columns), *([plain(cell) for cell in row] for row in table.rows)]


def _aligned(table: Table) -> str:
    return "l" + "".join("r" if table.numeric(k) else "l" for k in range(1, len(table.columns)))


def _values(cell: Cell) -> list[str]:
    if isinstance(cell, Share):
        return ["" if part is None else f"{100 * part:.4f}" for part in (cell.value, cell.low, cell.high)]
    return ["" if cell is None else plain(cell), "", ""]


def _piped(table: Table) -> Iterator[str]:
    head, *rows = _cells(table)
    rule = ["---", *("--:" if align == "r" else "---" for align in _aligned(table)[1:])]
    for cells in (head, rule, *rows):
        yield f"| {' | '.join(_one_line(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.split())
