"""The round trip through a spreadsheet: changed cells of an exported table go back into the bank."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.semantics.bank import Description, SemanticBank
from zsl_skeleton.semantics.curation.changes import Change, Outcome, apply
from zsl_skeleton.semantics.curation.curator import Curator
from zsl_skeleton.semantics.descriptions import EditKind, State
from zsl_skeleton.semantics.exchange.csv_rows import Row, read_rows

_SHOWN = 8
_DEEDS: dict[str, EditKind] = {"approved": "approve", "rejected": "reject"}


def apply_table(folder: Path, path: Path, curator: Curator) -> Outcome:
    """Apply the cells of a CSV file that differ from the bank: texts, and states set to approved or rejected.

    Rows that the table leaves out stay as they are. A rejected row takes its reason from the column ``reason``.

    Raises:
        InputError: rows are not bound to a text of the bank by class, name, slot and number, or are refused; the
            message names their lines, and nothing is changed.
    """
    given = read_rows(path, {"class", "name", "slot", "index", "text"})
    reason = curator.reason or f"from {path.name}"

    def decide(bank: SemanticBank) -> list[Change]:
        changes, wrong = _compared(given, bank, reason)
        if wrong:
            raise InputError(
                f"{len(wrong)} rows of {path} do not fit the bank {folder}; nothing was changed",
                why=some_of(wrong, _SHOWN),
                mend=f"mend them, or export again: zsl-semantics export --dataset {bank.dataset} --bank {folder.name}",
            )
        return changes

    return apply(folder, decide, curator)


def _compared(given: Iterable[Row], bank: SemanticBank, reason: str) -> tuple[list[Change], list[str]]:
    """What the rows change, and what is wrong with them, line by line."""
    table = {row.place: row for row in bank.descriptions}
    seen: dict[tuple[int, str, int], int] = {}
    changes: list[Change] = []
    wrong: list[str] = []
    for row in given:
        described = _bound(row, table)
        if isinstance(described, str):
            wrong.append(f"line {row.line}: {described}")
        elif described.place in seen:
            wrong.append(f"line {row.line}: stands in line {seen[described.place]} already")
        else:
            seen[described.place] = row.line
            found = _changes(row, described, reason)
            if isinstance(found, str):
                wrong.append(f"line {row.line}: {found}")
            else:
                changes += found
    return changes, wrong


def _bound(row: Row, table: dict[tuple[int, str, int], Description]) -> Description | str:
    """The text that a row names, or what is wrong with the row."""
    numbers = row.cells["class"].strip(), row.cells["index"].strip()
    if not all(number.isdecimal() for number in numbers):
        return f"class {numbers[0]!r} and index {numbers[1]!r} should be numbers"
    slot = row.cells["slot"].strip()
    found = table.get((int(numbers[0]), slot, int(numbers[1])))
    if found is None:
        return f"the bank has no text {slot} {numbers[1]} of class {numbers[0]}"
    if found.class_name != row.cells["name"].strip():
        return f"class {numbers[0]} is {found.class_name!r}, not {row.cells['name']!r}"
    return found


def _changes(row: Row, described: Description, reason: str) -> list[Change] | str:
    """What a row changes, or what is wrong with it."""
    where, text = f"line {row.line}", row.cells["text"].strip()
    changes: list[Change] = []
    if text.split() != described.text.split():
        changes.append(Change(described, "import", text, reason, where))
    state = row.cells.get("state", "").strip()
    if state and state not in get_args(State):
        return f"the state can be set to approved or rejected, not to {state!r}"
    # Other states are no wish of anybody, and outdated once the table has been applied.
    if state in _DEEDS and (changes or state != described.provenance.state):
        why = row.cells.get("reason", "").strip()
        if state == "rejected" and not why:
            return "a rejected text needs a reason in the column 'reason'"
        changes.append(Change(described, _DEEDS[state], text, why, where))
    return changes
