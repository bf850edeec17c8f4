"""What a layout of texts can do, and how its rows are bound to the classes of a data set."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_text
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.bank import SemanticBank


@dataclass(frozen=True)
class Reading:
    """How a file is read.

    Args:
        dataset: whose classes the rows are.
        slots: part of the layout -> slot that it fills.
        trust_order: row i is class i, also where its name is spelt in another way than in the catalog.
    """

    dataset: Dataset
    slots: Mapping[str, str]
    trust_order: bool = False


@dataclass
class Texts:
    """What was read: slot -> texts by class index; the files read, by name; what the user should know."""

    slots: dict[str, list[list[str]]]
    files: dict[str, Path]
    remarks: list[str] = field(default_factory=list)


class Layout(Protocol):
    """Reads and writes one layout of text files."""

    parts: ClassVar[Mapping[str, str]]
    """Part of the layout -> the slot it usually fills; empty where the files name the slots themselves."""

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether a file or folder looks like this layout."""
        ...

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """Read a file or folder.

        Raises:
            InputError: it is not of this layout, or its rows do not fit the data set.
        """
        ...

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """Relative path -> content of the files that hold a bank; ``""`` stands for the path the user names.

        Raises:
            InputError: the layout cannot hold these texts.
        """
        ...


def chosen_slots(layout: type[Layout], name: str, wanted: Sequence[str]) -> dict[str, str]:
    """Part -> slot, from what a user wrote: ``PART=SLOT``, or just ``SLOT`` where the layout has a single part.

    Raises:
        UsageError: the layout has no such part, or a slot is not spelt like one.
    """
    slots = dict(layout.parts)
    for entry in wanted:
        part, _, slot = entry.rpartition("=")
        if not slots:
            raise UsageError(f"the layout {name!r} names its slots itself", mend="leave out --slot")
        if not part and len(slots) > 1:
            raise UsageError(f"the layout {name!r} has the parts {', '.join(slots)}", mend="write --slot PART=SLOT")
        check_slot(slot)
        slots[find_name(f"part of the layout {name!r}:", part, slots) if part else next(iter(slots))] = slot
    twice = sorted(slot for slot in set(slots.values()) if list(slots.values()).count(slot) > 1)
    if twice:
        raise UsageError(f"the slot {twice[0]!r} is filled by two parts", mend="write --slot PART=SLOT")
    return slots


def check_slot(slot: str, mend: str = "") -> None:
    """Make sure that a name is spelt like a slot; ``mend`` tells how to name another one.

    Raises:
        UsageError: it is not.
    """
    if not re.fullmatch(r"[a-z-]+(\.[a-z-]+)?", slot):
        raise UsageError(
            f"{slot!r} is not a slot", why="a slot is written FAMILY or FAMILY.PART, in lower case", mend=mend
        )


def bind_names(names: Sequence[str], reading: Reading, where: str) -> tuple[list[int], list[str]]:
    """Class index of every row by its name, and remarks; spelling is forgiven in case, blanks and punctuation.

    With ``trust_order`` row i is class i, unless a name is that of another class.

    Raises:
        InputError: there are not as many rows as classes, or names do not match; the message lists all that differ.
    """
    catalog = reading.dataset.class_names
    known = {_squeezed(name): index for index, name in enumerate(catalog)}
    bound = [known.get(_squeezed(name)) for name in names]
    _check_counts(names, bound, reading, where)
    differing = [f"row {row}: {names[row]!r} against {catalog[row]!r}" for row, i in enumerate(bound) if i is None]
    if not differing:
        moved = sum(row != index for row, index in enumerate(bound))
        remark = f"{Path(where).name}: {moved} rows stand in another order than the catalog's; bound by name"
        return [index for index in bound if index is not None], [remark] if moved else []
    misplaced = [
        f"row {row}: {names[row]!r} is class {index}" for row, index in enumerate(bound) if index not in (None, row)
    ]
    if misplaced or not reading.trust_order:
        raise InputError(
            f"{where} names {len(differing)} classes differently from the catalog of {reading.dataset.name}",
            why="; ".join(differing + misplaced),
            mend="write the catalog's names into the file"
            + ("" if misplaced else ", or, if row i is class i all the same, add --trust-order"),
        )
    told = (
        f"{len(differing)} of {len(catalog)} names differ from the catalog's, rows are bound by order; {differing[0]}"
    )
    return list(range(len(catalog))), [f"{Path(where).name}: {told}"]


def _check_counts(names: Sequence[str], bound: Sequence[int | None], reading: Reading, where: str) -> None:
    """Make sure that there are as many rows as classes, and no class twice."""
    catalog = reading.dataset.class_names
    why = []
    if len(names) != len(catalog):
        strange = [name for name, index in zip(names, bound, strict=True) if index is None]
        lacking = [name for index, name in enumerate(catalog) if index not in bound]
        why = [f"{len(names)} rows for the {len(catalog)} classes of {reading.dataset.name}"]
        why += [f"not in the catalog: {_list(strange)}"] if strange else []
        why += [f"without a row: {_list(lacking)}"] if lacking else []
    twice = [name for name, index in zip(names, bound, strict=True) if index is not None and bound.count(index) > 1]
    why += [f"the same class: {_list(twice)}"] if twice else []
    if why:
        raise InputError(f"{where} does not fit the data set {reading.dataset.name}", why="; ".join(why))


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def single_texts(bank: SemanticBank, slot: str, layout: str) -> list[str]:
    """The one text of every class in a slot.

    Raises:
        InputError: the bank lacks the slot, or a class has no or several texts there.
    """
    rows = slot_texts(bank, slot, layout)
    for name, texts in zip(bank.class_names, rows, strict=True):
        if len(texts) != 1:
            raise InputError(
                f"the layout {layout!r} holds one text per class, the slot {slot!r} has {len(texts)} for {name!r}",
                mend="choose a slot with one text per class: --slot PART=SLOT",
            )
    return [texts[0] for texts in rows]


def slot_texts(bank: SemanticBank, slot: str, layout: str) -> list[list[str]]:
    """The texts of a slot, by class.

    Raises:
        InputError: the bank lacks the slot.
    """
    if slot not in bank.slots:
        raise InputError(
            f"the layout {layout!r} wants the slot {slot!r}, which the bank does not have",
            why=f"it has: {', '.join(bank.slots)}",
            mend=f"choose one with --slot PART=SLOT, or make it: zsl-semantics generate --dataset {bank.dataset}",
        )
    return bank.texts(slot)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object whose keys are distinct.

    Raises:
        InputError: the file is no JSON object, or a key stands in it twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{path} holds {twice!r} twice", mend=f"edit {path}")
        return found

    try:
        found = json.loads(read_text(path).removeprefix("\ufeff"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON", why=str(error)) from error
    if not isinstance(found, dict):
        raise InputError(f"{path} is not a JSON object", why=f"it is a {type(found).__name__}")
    return found
