"""Our table of texts as an import and export layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.descriptions import STATES_IN_USE
from zsl_skeleton.semantics.exchange.csv_rows import read_cells, read_rows, table_text
from zsl_skeleton.semantics.exchange.layout import Reading, Texts, check_slot

_NEEDED = {"class", "name", "slot", "text"}


class CsvLayout:
    """``class,name,slot,index,text,state,reason``; rejected and failed texts are written, but not read."""

    parts: ClassVar[Mapping[str, str]] = {}

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether the header has the columns that cannot be missing."""
        lines = read_cells(path) if path.is_file() and path.suffix.lower() == ".csv" else []
        return bool(lines) and {cell.strip().lower() for cell in lines[0][1]} >= _NEEDED

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """Texts in the order of their ``index``, or of the file where that column is missing.

        Raises:
            InputError: a row is not bound to a class by number and name, or a text is there twice.
        """
        names = reading.dataset.class_names
        found: dict[str, dict[tuple[int, int], str]] = {}
        for row in read_rows(path, _NEEDED):
            number, name, slot = (row.cells[column].strip() for column in ("class", "name", "slot"))
            if not number.isdecimal() or int(number) >= len(names) or names[int(number)] != name:
                known = (
                    f"class {number} is {names[int(number)]!r}"
                    if number.isdecimal() and int(number) < len(names)
                    else f"classes are 0 to {len(names) - 1}"
                )
                raise InputError(f"{path}, line {row.line} is bound to no class: {number!r}, {name!r}", why=known)
            try:
                check_slot(slot)
            except UsageError as error:
                raise InputError(f"{path}, line {row.line}: {error.what}", why=error.why) from error
            rows = found.setdefault(slot, {})
            index = row.cells.get("index", "").strip() or str(sum(key[0] == int(number) for key in rows))
            if not index.isdecimal() or (int(number), int(index)) in rows:
                raise InputError(f"{path}, line {row.line}: index {index!r} is no number, or is there twice")
            if row.cells.get("state", "").strip() in {"", *STATES_IN_USE}:
                rows[int(number), int(index)] = row.cells["text"]
        slots = {
            slot: [[text for (number, _), text in sorted(rows.items()) if number == c] for c in range(len(names))]
            for slot, rows in found.items()
        }
        return Texts(slots, {path.name: path})

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """One table."""
        return {"": table_text(bank.descriptions)}
