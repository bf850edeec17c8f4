"""A semantic bank: all texts of a data set from one generation, as JSON lines beside a card."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsl_skeleton.artifacts import Artifact, Card
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, unknown_name
from zsl_skeleton.files import read_text, write_text

State = Literal["generated", "edited", "approved", "failed"]


class Provenance(BaseModel):
    """Where a text comes from.

    ``family`` is ``<family>@<version>``, ``template`` the hash of that version, ``parent`` the slot whose answer this
    one continues, ``request`` the beginning of the request's hash, ``reason`` why a failed text failed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    template: str
    backend: str
    model: str | None = None
    parameters: dict[str, Any] = {}
    parent: str | None = None
    request: str | None = None
    state: State = "generated"
    reason: str = ""


class Description(BaseModel):
    """One text of one class: number ``index`` of its slot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    class_index: int
    class_name: str
    slot: str
    index: int
    text: str
    provenance: Provenance


class _Line(BaseModel):
    """How a description is stored: only what the card does not say already."""

    model_config = ConfigDict(extra="forbid")

    class_index: int = Field(alias="class")
    name: str
    slot: str
    index: int
    text: str
    parent: str | None = None
    request: str | None = None
    state: State = "generated"
    reason: str = ""


def write_lines(path: Path, descriptions: Iterable[Description]) -> None:
    """Atomically write descriptions of one family as compact JSON lines."""
    lines = []
    for item in descriptions:
        kept = item.provenance.model_dump(include={"parent", "request", "state", "reason"}, exclude_defaults=True)
        fixed = {"class": item.class_index, "name": item.class_name, "slot": item.slot, "index": item.index}
        lines.append(json.dumps(fixed | {"text": item.text} | kept, ensure_ascii=False))
    write_text(path, "".join(line + "\n" for line in lines))


def read_lines(path: Path, dataset: str, common: Provenance) -> list[Description]:
    """Read descriptions that :func:`write_lines` wrote.

    Args:
        path: the file of one family.
        dataset: name of the data set.
        common: what the card says of all texts of the family.

    Raises:
        InputError: the file is missing or a line is not valid; the message names it.
    """
    found = []
    for number, raw in enumerate(read_text(path).splitlines(), start=1):
        try:
            line = _Line.model_validate_json(raw)
        except ValidationError as error:
            raise InputError(f"{path}, line {number} is not a text of a bank", why=error.errors()[0]["msg"]) from error
        changed = line.model_dump(include={"parent", "request", "state", "reason"})
        found.append(
            Description(
                dataset=dataset,
                class_index=line.class_index,
                class_name=line.name,
                slot=line.slot,
                index=line.index,
                text=line.text,
                provenance=common.model_copy(update=changed),
            )
        )
    return found


@dataclass(frozen=True)
class SemanticBank:
    """All texts of a bank, checked: every class has the texts 0..K-1 of every slot, bound to class ids and names."""

    dataset: str
    class_names: tuple[str, ...]
    descriptions: tuple[Description, ...]
    id: str

    @classmethod
    def open(cls, source: Artifact | Path) -> SemanticBank:
        """Read a bank from its artifact or folder.

        Raises:
            InputError: it is not a bank, or its rows do not fit its classes.
        """
        artifact = source if isinstance(source, Artifact) else Artifact.open(source)
        card = artifact.card
        if card.stage != "banks":
            raise InputError(
                f"{artifact.path} is not a bank of texts", why=f"it is an artifact of the stage {card.stage}"
            )
        rows: list[Description] = []
        for family in card.config["families"]:
            path = artifact.path / f"{family}.jsonl"
            found = read_lines(path, card.config["dataset"], family_provenance(card, family))
            foreign = next((row.slot for row in found if row.slot.partition(".")[0] != family), None)
            if foreign:
                raise InputError(f"{path} holds the slot {foreign!r}", why=f"its slots begin with {family!r}")
            rows += found
        names = tuple(card.config["class_names"])
        check_rows(rows, names, str(artifact.path))
        return cls(card.config["dataset"], names, tuple(rows), artifact.id)

    @cached_property
    def _table(self) -> dict[str, list[list[str]]]:
        table: dict[str, list[list[str]]] = {}
        for row in sorted(self.descriptions, key=lambda row: (row.class_index, row.index)):
            table.setdefault(row.slot, [[] for _ in self.class_names])[row.class_index].append(row.text)
        return table

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of all slots, family by family."""
        return tuple(dict.fromkeys(row.slot for row in self.descriptions))

    def texts(self, slot: str) -> list[list[str]]:
        """Texts of a slot, by class index and number.

        Raises:
            UsageError: the bank has no such slot.
        """
        if slot not in self._table:
            raise unknown_name("slot", slot, self.slots)
        return [list(texts) for texts in self._table[slot]]

    def check_dataset(self, dataset: Dataset) -> None:
        """Check that the bank was made for exactly these classes.

        Raises:
            InputError: it was not.
        """
        if self.class_names == dataset.class_names:
            return
        pairs = zip(self.class_names, dataset.class_names, strict=False)
        differing = next((f"class {n}: {a!r} against {b!r}" for n, (a, b) in enumerate(pairs) if a != b), None)
        raise InputError(
            f"the bank of {self.dataset!r} does not fit the data set {dataset.name!r}",
            why=differing or f"{len(self.class_names)} classes against {len(dataset.class_names)}",
            mend=f"zsl-semantics generate --dataset {dataset.name}",
        )


def family_provenance(card: Card, family: str) -> Provenance:
    """What a bank's card says of all texts of one family."""
    config = card.config
    return Provenance(
        family=f"{family}@{config['families'][family]['version']}",
        template=config["families"][family]["template"],
        backend=config["backend"]["name"],
        model=config["backend"].get("model"),
        parameters=config["backend"].get("parameters", {}),
    )


def check_rows(rows: Sequence[Description], class_names: Sequence[str], where: str) -> None:
    """Check that rows are bound to class ids and names and leave no gap.

    Raises:
        InputError: a class is unknown or named differently, or a class lacks texts that others have.
    """
    numbers: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        known = 0 <= row.class_index < len(class_names)
        if not known or class_names[row.class_index] != row.class_name:
            expected = repr(class_names[row.class_index]) if known else f"an index below {len(class_names)}"
            raise InputError(
                f"a text in {where} is bound to the wrong class",
                why=f"{row.slot} {row.index}: class {row.class_index}, {row.class_name!r}; expected {expected}",
            )
        numbers.setdefault((row.slot, row.class_index), []).append(row.index)
    for slot in dict.fromkeys(row.slot for row in rows):
        counts = [len(numbers.get((slot, index), ())) for index in range(len(class_names))]
        for index, name in enumerate(class_names):
            if sorted(numbers.get((slot, index), ())) != list(range(max(counts))):
                raise InputError(
                    f"the slot {slot!r} in {where} is not complete",
                    why=f"class {index} ({name}) should have the texts 0 to {max(counts) - 1}, each once",
                )
