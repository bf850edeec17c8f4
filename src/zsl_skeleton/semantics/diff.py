"""What differs between two banks: their texts, and what that does to the geometry of the classes.

Two versions of a prompt are compared by the banks that were generated with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from zsl_skeleton.catalog import Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.geometry import SlotShift, slot_shift
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

_SHOWN_CLASSES = 5
_MARKS = {"added": "+", "removed": "-", "changed": "~"}


@dataclass(frozen=True)
class TextChange:
    """A text that is in one bank only.

    ``changed`` where both banks have a text of that number, and neither has the other's text elsewhere in the slot of
    that class; ``old`` is empty for added texts, ``new`` for removed ones.
    """

    kind: str
    class_index: int
    class_name: str
    slot: str
    index: int
    old: str
    new: str


@dataclass(frozen=True)
class Diff:
    """What differs between two banks.

    Args:
        before, after: ids of the banks.
        class_names: the classes of both.
        slots: slot -> number of texts in each bank.
        changes: all texts that differ, slot by slot.
        shifts: slot -> how the classes moved; empty without embeddings.
    """

    before: str
    after: str
    class_names: tuple[str, ...]
    slots: dict[str, tuple[int, int]]
    changes: tuple[TextChange, ...]
    shifts: dict[str, SlotShift]

    def counts(self) -> dict[str, dict[str, int]]:
        """Slot -> number of added, removed and changed texts, and of the classes that they belong to."""
        found: dict[str, dict[str, int]] = {}
        for slot in self.slots:
            own = [change for change in self.changes if change.slot == slot]
            kinds = Counter(change.kind for change in own)
            found[slot] = {kind: kinds[kind] for kind in _MARKS} | {"classes": len({c.class_index for c in own})}
        return found

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "before": self.before,
            "after": self.after,
            "slots": {slot: {"before": a, "after": b} for slot, (a, b) in self.slots.items()},
            "counts": self.counts(),
            "changes": [asdict(change) for change in self.changes],
            "geometry": {slot: shift.as_json(self.class_names) for slot, shift in self.shifts.items()},
        }

    def render(self, classes: int = _SHOWN_CLASSES) -> str:
        """Lines for people; the texts of at most ``classes`` classes per slot are written out."""
        lines: list[str] = []
        for slot, count in self.counts().items():
            before, after = self.slots[slot]
            told = ", ".join(f"{count[kind]} {kind}" for kind in _MARKS if count[kind])
            told = f"{told} in {count['classes']} classes" if told else "same"
            lines.append(f"{slot}: {before} -> {after} texts; {told}")
            lines += self._texts(slot, classes)
            if slot in self.shifts:
                lines += [f"  {line}" for line in self.shifts[slot].render(self.class_names)]
        return "\n".join(lines)

    def _texts(self, slot: str, classes: int) -> Iterator[str]:
        own = [change for change in self.changes if change.slot == slot]
        shown = list(dict.fromkeys(change.class_index for change in own))
        for index in shown[:classes]:
            yield f"  {index} {self.class_names[index]}"
            for change in own:
                if change.class_index == index:
                    yield from (f"    {mark} {change.index}: {text}" for mark, text in _sides(change))
        if len(shown) > classes:
            yield f"  ... and {len(shown) - classes} more classes (--json has all)"


def _sides(change: TextChange) -> list[tuple[str, str]]:
    return [(mark, text) for mark, text in (("-", change.old), ("+", change.new)) if text]


def diff_banks(
    before: SemanticBank,
    after: SemanticBank,
    embeddings: tuple[ClassEmbeddings, ClassEmbeddings] | None = None,
    split: Split | None = None,
) -> Diff:
    """Compare two banks of the same classes.

    Args:
        before, after: the banks.
        embeddings: those of the two banks by one encoder; None: texts only.
        split: tells which class pairs lie across seen and unseen classes.

    Raises:
        InputError: the classes or the encoders differ.
    """
    if before.class_names != after.class_names:
        pairs = zip(before.class_names, after.class_names, strict=False)
        sizes = f"{len(before.class_names)} classes against {len(after.class_names)}"
        why = next((f"class {n}: {a!r} against {b!r}" for n, (a, b) in enumerate(pairs) if a != b), sizes)
        raise InputError("the two banks have different classes", why=why, mend="compare banks of one data set")
    slots = list(dict.fromkeys([*before.slots, *after.slots]))
    changes = tuple(change for slot in slots for change in _slot_changes(before, after, slot))
    sizes_by_slot = {slot: (_size(before, slot), _size(after, slot)) for slot in slots}
    shifts = _shifts(embeddings, split) if embeddings else {}
    return Diff(before.id, after.id, before.class_names, sizes_by_slot, changes, shifts)


def _shifts(embeddings: tuple[ClassEmbeddings, ClassEmbeddings], split: Split | None) -> dict[str, SlotShift]:
    before, after = embeddings
    if (before.encoder, before.class_names) != (after.encoder, after.class_names):
        why = f"{before.encoder.name} {before.encoder.revision} against {after.encoder.name} {after.encoder.revision}"
        raise InputError(
            "these class embeddings cannot be compared", why=why, mend="encode both banks with one encoder"
        )
    return {
        slot: slot_shift((vectors, before.masks[slot]), (after.slots[slot], after.masks[slot]), split)
        for slot, vectors in before.slots.items()
        if slot in after.slots
    }


def _size(bank: SemanticBank, slot: str) -> int:
    return sum(map(len, bank.texts(slot))) if slot in bank.slots else 0


def _slot_changes(before: SemanticBank, after: SemanticBank, slot: str) -> Iterator[TextChange]:
    table: tuple[dict[int, dict[int, str]], dict[int, dict[int, str]]] = ({}, {})
    for side, bank in zip(table, (before, after), strict=True):
        for row in bank.descriptions:
            if row.slot == slot and row.in_use:
                side.setdefault(row.class_index, {})[row.index] = row.text
    for index, name in enumerate(before.class_names):
        old, new = (_only(a.get(index, {}), b.get(index, {})) for a, b in (table, table[::-1]))
        for number in sorted({*old, *new}):
            kind = "changed" if number in old and number in new else "removed" if number in old else "added"
            yield TextChange(kind, index, name, slot, number, old.get(number, ""), new.get(number, ""))


def _only(own: dict[int, str], other: dict[int, str]) -> dict[int, str]:
    """The texts that the other side lacks, wherever it has them; those of equal number and text match first."""
    left = Counter(other.values())
    same = {number for number, text in own.items() if other.get(number) == text}
    left -= Counter(own[number] for number in same)
    found = {}
    for number, text in own.items():
        if number in same:
            continue
        if left[text]:
            left[text] -= 1
        else:
            found[number] = text
    return found
