"""Which texts a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_skeleton.errors import UsageError
from zsl_skeleton.semantics.bank import Description, SemanticBank
from zsl_skeleton.semantics.show import class_texts


@dataclass(frozen=True)
class Selection:
    """Texts as a user names them.

    Args:
        action: a class by its name or index; None: all classes.
        slot: a slot or a whole family; None: all slots.
        index: number of the text within its slot; None: all that are in use.
    """

    action: str | None = None
    slot: str | None = None
    index: int | None = None

    def __str__(self) -> str:
        parts = [f"class {self.action}" if self.action is not None else "all classes", self.slot or "all slots"]
        return ", ".join(parts + ([f"text {self.index}"] if self.index is not None else []))


def select(bank: SemanticBank, selection: Selection) -> list[Description]:
    """The rows that a selection names, in the order of the bank.

    A text that is not in use (rejected) is found by its number only.

    Raises:
        UsageError: there is no such class, slot or text.
    """
    actions = [selection.action] if selection.action is not None else [str(n) for n in range(len(bank.class_names))]
    slots = [selection.slot] if selection.slot is not None else []
    chosen = {row.place for action in actions for row in _texts(bank, action, slots) if _meant(row, selection)}
    if not chosen:
        raise UsageError(
            f"the bank has no text for: {selection}",
            why="numbers begin at 0; rejected texts are found by their number",
            mend=f"zsl-semantics show CLASS --dataset {bank.dataset} --bank BANK",
        )
    return [row for row in bank.descriptions if row.place in chosen]


def _texts(bank: SemanticBank, action: str, slots: Sequence[str]) -> list[Description]:
    return [row for rows in class_texts(bank, action, slots).values() for row in rows]


def _meant(row: Description, selection: Selection) -> bool:
    return row.in_use if selection.index is None else row.index == selection.index
