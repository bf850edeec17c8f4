"""Applies changes to a curated bank: all of them are checked before any of them is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import Card
from zsl_skeleton.errors import InputError, UsageError, some_of
from zsl_skeleton.semantics.bank import Description, SemanticBank, State, family_provenance, write_lines
from zsl_skeleton.semantics.curation.curator import Curator
from zsl_skeleton.semantics.curation.folder import locked, open_any, open_curated
from zsl_skeleton.semantics.curation.rules import Rules, Said, basic_problem
from zsl_skeleton.semantics.curation.selection import Selection, select
from zsl_skeleton.semantics.descriptions import Edit, EditKind

_SHOWN = 8
_STATES: dict[EditKind, State] = {"edit": "edited", "import": "edited", "approve": "approved", "reject": "rejected"}
Place = tuple[int, str, int]


@dataclass(frozen=True)
class Change:
    """What shall be done with a text.

    Args:
        row: the text as the person saw it.
        what: the deed.
        text: what it shall say; for approving and rejecting, what it says.
        reason: why.
        where: where the person wrote it (a line of a file), for messages.
    """

    row: Description
    what: EditKind
    text: str
    reason: str = ""
    where: str = ""


@dataclass(frozen=True)
class Outcome:
    """What was changed, as it is now, and what deserves a second look."""

    folder: Path
    rows: tuple[Description, ...]
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "bank": str(self.folder),
            "changed": [row.model_dump(mode="json") for row in self.rows],
            "warnings": list(self.warnings),
        }

    def render(self) -> str:
        """Lines for people."""
        lines = [f"{named(row)}: {row.provenance.state}: {row.text}" for row in self.rows]
        lines = lines or ["nothing changed"]
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings)])


def named(row: Description) -> str:
    """How messages name a text."""
    return f"{row.class_index} {row.class_name}, {row.slot} {row.index}"


def edit(folder: Path, selection: Selection, text: str, curator: Curator) -> Outcome:
    """Give one text new words.

    Raises:
        UsageError: the selection does not name exactly one text.
        InputError: the text is refused, or the bank is no curated one.
    """

    def decide(bank: SemanticBank) -> list[Change]:
        rows = select(bank, selection)
        if len(rows) > 1:
            raise UsageError(
                f"{len(rows)} texts are meant by: {selection}",
                why="a text given on the command line can replace one text only",
                mend="add --index N, or leave out --text to edit all of them in your editor",
            )
        return [Change(rows[0], "edit", " ".join(text.split()), curator.reason)]

    return apply(folder, decide, curator)


def approve(folder: Path, selection: Selection, curator: Curator) -> Outcome:
    """Mark texts as approved, so that they survive when the bank is generated anew; revives a rejected one.

    Raises:
        UsageError: the selection names no text.
        InputError: a revived text says what another one says by now, a failed one has no text, or no curated bank.
    """

    def decide(bank: SemanticBank) -> list[Change]:
        return [Change(row, "approve", row.text, curator.reason) for row in select(bank, selection)]

    return apply(folder, decide, curator)


def reject(folder: Path, selection: Selection, reason: str, curator: Curator) -> Outcome:
    """Take texts out of use; they stay in the history and are not accepted from a model again.

    Raises:
        UsageError: the selection names no text, or no reason is given.
        InputError: the bank is no curated one.
    """
    if not reason.strip():
        raise UsageError("a rejected text needs a reason", mend="add --reason 'what is wrong with it'")

    def decide(bank: SemanticBank) -> list[Change]:
        return [Change(row, "reject", row.text, " ".join(reason.split())) for row in select(bank, selection)]

    return apply(folder, decide, curator)


def apply(folder: Path, decide: Callable[[SemanticBank], Sequence[Change]], curator: Curator) -> Outcome:
    """Apply the changes that ``decide`` makes of a curated bank; those that change nothing are passed over.

    Nobody else writes to the bank meanwhile. Each family's file is written at once; a kill leaves the old or the new.

    Raises:
        InputError: a text is refused, or is not what the person saw any more; then nothing is written.
    """
    with locked(folder):
        card, bank = open_any(folder) if curator.rehearses else open_curated(folder)
        table = {row.place: row for row in bank.descriptions}
        fresh: dict[Place, tuple[Change, Description]] = {}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        for change in decide(bank):
            before = _current(change, table, fresh)
            if _changes(before, change):
                fresh[before.place] = (change, _changed(before, change, at, curator))
        warnings = _check(fresh.values(), table, Rules(card, curator.prompts), curator)
        rows = {place: row for place, (_, row) in fresh.items()}
        if not curator.rehearses:
            _write(folder, card, bank, rows)
    return Outcome(folder, tuple(rows.values()), tuple(warnings))


def _current(
    change: Change, table: Mapping[Place, Description], fresh: Mapping[Place, tuple[Change, Description]]
) -> Description:
    place = change.row.place
    if place in fresh:
        return fresh[place][1]
    row = table.get(place)
    if row is None or row.text != change.row.text:
        now = f"it says now: {row.text!r}" if row else "it is gone"
        raise InputError(f"the text of {named(change.row)} was changed meanwhile", why=now, mend="do it again")
    return row


def _changes(row: Description, change: Change) -> bool:
    if change.what in ("edit", "import"):
        return " ".join(row.text.split()) != change.text
    return row.provenance.state != _STATES[change.what]


def _changed(row: Description, change: Change, at: str, curator: Curator) -> Description:
    old = row.text if change.what in ("edit", "import") else None
    entry = Edit(at=at, by=curator.by, what=change.what, old=old, reason=change.reason)
    told = {
        "state": _STATES[change.what],
        "reason": change.reason if change.what == "reject" else "",
        "history": (*row.provenance.history, entry),
    }
    return row.model_copy(update={"text": change.text, "provenance": row.provenance.model_copy(update=told)})


def _check(
    fresh: Iterable[tuple[Change, Description]], table: Mapping[Place, Description], rules: Rules, curator: Curator
) -> list[str]:
    """Warnings about the changed rows.

    Raises:
        InputError: a row is refused.
    """
    fresh = list(fresh)
    said = Said({**table, **{row.place: row for _, row in fresh}}.values())
    refused, warnings = [], []
    for change, row in fresh:
        before, label = table[row.place], " ".join(filter(None, [change.where, f"({named(row)})"]))
        if not row.in_use or (row.text == before.text and before.in_use):
            continue
        twins = said.others(row)
        problems = [basic_problem(row.text) if row.text != before.text or not row.text else None]
        if twins and twins[0].class_index == row.class_index:
            problems.append(f"says what {twins[0].slot} {twins[0].index} says: {row.text!r}")
        elif twins:
            warnings.append(f"{label} says what {named(twins[0])} says")
        broken = rules.broken(row) if row.text != before.text and not any(problems) else None
        if broken and curator.insist:
            warnings.append(f"{label} {broken}")
        elif broken:
            problems.append(f"{broken} (to keep it all the same, add --insist)")
        refused += [f"{label} {problem}" for problem in problems if problem]
        warnings += [f"{label} {warning}" for warning in [rules.length_warning(row)] if warning]
    if refused:
        raise InputError(
            f"{len(refused)} texts were refused; nothing was changed" if len(refused) > 1 else "the text was refused",
            why=some_of(refused, _SHOWN),
            mend="write them differently",
        )
    return warnings


def _write(folder: Path, card: Card, bank: SemanticBank, rows: Mapping[Place, Description]) -> None:
    for family in card.config["families"]:
        own = [row for row in bank.descriptions if row.slot.partition(".")[0] == family]
        if any(row.place in rows for row in own):
            changed = [rows.get(row.place, row) for row in own]
            write_lines(folder / f"{family}.jsonl", changed, family_provenance(card, family))
