"""The texts of one class, for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zsl_skeleton.errors import UsageError
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.bank import Description, SemanticBank


def class_index(reference: str, class_names: Sequence[str], dataset: str) -> int:
    """Index of the class that a user means by its name (spelling is forgiven) or its index.

    Raises:
        UsageError: no class is meant.
    """
    if reference.isdigit() and reference not in class_names:
        if int(reference) >= len(class_names):
            raise UsageError(f"there is no class {reference}", why=f"{dataset} has 0 to {len(class_names) - 1}")
        return int(reference)
    names = {name: index for index, name in enumerate(class_names)}
    return names[find_name("class", reference, names)]


def class_texts(bank: SemanticBank, reference: str, slots: Sequence[str] = ()) -> dict[str, list[Description]]:
    """Slot -> descriptions of one class.

    Args:
        bank: where to look.
        reference: name or index of the class.
        slots: slots or families to show; empty: all.

    Raises:
        UsageError: no such class, slot or family.
    """
    index = class_index(reference, bank.class_names, bank.dataset)
    known = {slot: [slot] for slot in bank.slots}
    for slot in bank.slots:
        family = slot.split(".")[0]
        known.setdefault(family, [])
        if slot != family:
            known[family].append(slot)
    wanted = [slot for name in slots for slot in known[find_name("slot", name, known)]] if slots else bank.slots
    found: dict[str, list[Description]] = {slot: [] for slot in wanted}
    for row in bank.descriptions:
        if row.class_index == index and row.slot in found:
            found[row.slot].append(row)
    return found


def render_texts(found: Mapping[str, Sequence[Description]]) -> str:
    """The texts slot by slot; a text that is not simply as generated carries its state."""
    lines = []
    for slot, rows in found.items():
        lines.append(slot)
        for row in rows:
            state = "" if row.provenance.state == "generated" else f"  [{row.provenance.state}]"
            lines.append(f"  {row.text}{state}")
    return "\n".join(lines)
