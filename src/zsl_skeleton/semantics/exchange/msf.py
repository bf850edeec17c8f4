"""The layout of MSF's class texts: tables with a number from 1 and a text, for labels, actions and motions."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.exchange.csv_rows import read_cells
from zsl_skeleton.semantics.exchange.layout import Reading, Texts, bind_names, single_texts

_HEADERS = {"lb": "label", "ad": "label", "md": "dcp"}


class MsfLayout:
    """``{lb,ad,md}_<number of classes>.csv`` in a folder, or one of these files."""

    parts: ClassVar[Mapping[str, str]] = {"lb": "label", "ad": "action", "md": "motion"}

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether it is a table that begins with ``idx``, or a folder that holds such tables."""
        if path.is_dir():
            return any(path.glob("[lam][bd]_*.csv"))
        lines = read_cells(path) if path.is_file() and path.suffix.lower() == ".csv" else []
        return bool(lines) and lines[0][1][0].strip().lower() == "idx"

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """The tables; where there is one of labels, they are compared with the catalog.

        Raises:
            InputError: a table has wrong rows, numbers or names, or a file name does not say what it holds.
        """
        size = len(reading.dataset.classes)
        if path.is_dir():
            files = {part: path / f"{part}_{size}.csv" for part in MsfLayout.parts}
            files = {part: file for part, file in files.items() if file.is_file()}
            if not files:
                raise InputError(f"{path} holds no table for {size} classes", why=f"looked for lb_{size}.csv, ad_, md_")
        else:
            files = {path.stem.partition("_")[0].lower(): path}
        found = Texts({}, {file.name: file for file in files.values()})
        for part, file in files.items():
            if part not in MsfLayout.parts:
                mend = "begin its name with lb_ (labels), ad_ (actions) or md_ (motions)"
                raise InputError(f"the name of {file} does not say what it holds", mend=mend)
            rows = _rows(file, reading)
            if part == "lb":
                order, remarks = bind_names(rows, reading, str(file))
                found.remarks += remarks
                if order != list(range(size)):
                    raise InputError(f"{file} numbers the classes in another order than the catalog", why=remarks[0])
            found.slots[reading.slots[part]] = [[text] for text in rows]
        return found

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """Three tables."""
        return {
            f"{part}_{len(bank.class_names)}.csv": _table(single_texts(bank, slots[part], "msf"), header)
            for part, header in _HEADERS.items()
        }


def _rows(path: Path, reading: Reading) -> list[str]:
    """The texts of a table whose numbers count from 1 without a gap."""
    lines, size = read_cells(path)[1:], len(reading.dataset.classes)
    for expected, (line, cells) in enumerate(lines, start=1):
        if len(cells) != 2 or cells[0].strip() != str(expected) or not cells[1].strip():
            why = f"line {line} should hold the number {expected} and a text, and holds {cells}"
            raise InputError(f"{path} is not a table of this layout", why=why, mend=f"edit {path}")
    if len(lines) != size:
        why = f"{len(lines)} rows for {size} classes"
        raise InputError(f"{path} does not fit the data set {reading.dataset.name}", why=why)
    return [cells[1] for _, cells in lines]


def _table(texts: list[str], header: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([("idx", header), *enumerate(texts, start=1)])
    return stream.getvalue()
