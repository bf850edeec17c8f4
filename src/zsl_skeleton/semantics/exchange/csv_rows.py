"""The project's own table of texts: one row per text, as spreadsheets read and write it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_text
from zsl_skeleton.semantics.bank import Description

COLUMNS = ("class", "name", "slot", "index", "text", "state", "reason")


@dataclass(frozen=True)
class Row:
    """A row of a table: number of the line it ends in (from 1), and its cells by column."""

    line: int
    cells: dict[str, str]


def table_text(rows: Iterable[Description]) -> str:
    """Texts as a table, header first."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        told = row.provenance
        writer.writerow([row.class_index, row.class_name, row.slot, row.index, row.text, told.state, told.reason])
    return stream.getvalue()


def read_cells(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of all rows that are not blank, header first; commas or semicolons separate.

    Raises:
        InputError: the file cannot be read as a table.
    """
    content = read_text(path).removeprefix("\ufeff")  # the mark that spreadsheets put before UTF-8
    header = content.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num} is not a row of a table", why=str(error)) from error


def read_rows(path: Path, needed: set[str]) -> list[Row]:
    """The rows of a table with our columns, of which ``needed`` must be there.

    Raises:
        InputError: a column is missing or unknown, or a row has too few or too many cells.
    """
    lines = read_cells(path)
    header = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    missing = sorted(needed - set(header))
    unknown = sorted(set(header) - set(COLUMNS)) or sorted({name for name in header if header.count(name) > 1})
    if missing or unknown:
        problem = f"it lacks {', '.join(missing)}" if missing else f"{unknown[0]!r} is not one, or is there twice"
        raise InputError(
            f"{path} does not have the columns of a table of texts", why=problem, mend=f"use: {', '.join(COLUMNS)}"
        )
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(f"{path}, line {line} has {len(cells)} cells instead of {len(header)}")
    return [Row(line, dict(zip(header, cells, strict=True))) for line, cells in lines[1:]]
