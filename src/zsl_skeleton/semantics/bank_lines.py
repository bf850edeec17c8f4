"""How a bank's texts are stored: one file of JSON lines per family, a line holding only what the card does not say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsl_skeleton.artifacts import Card
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, read_text, sha256_text, write_text
from zsl_skeleton.semantics.descriptions import STATES_IN_USE, Description, Edit, Provenance, State

CARD = "card.json"
"""The card's file within a bank's folder."""

_OWN = ("parent", "request", "state", "reason", "history")
_SHARED = ("family", "template", "backend", "model", "parameters")


class _Line(BaseModel):
    """A stored description. Fields from ``family`` on stand there only where they differ from the card."""

    model_config = ConfigDict(extra="forbid")

    class_index: int = Field(alias="class")
    name: str
    slot: str
    index: int = Field(ge=0)
    text: str
    parent: str | None = None
    request: str | None = None
    state: State = "generated"
    reason: str = ""
    history: tuple[Edit, ...] = ()
    family: str = ""
    template: str = ""
    backend: str = ""
    model: str | None = None
    parameters: dict[str, Any] = {}


def write_lines(path: Path, descriptions: Iterable[Description], common: Provenance | None = None) -> None:
    """Atomically write descriptions of one family as compact JSON lines.

    Args:
        path: the file of the family.
        descriptions: its rows.
        common: what the card says of all texts of the family; None: what the rows agree on, which must be all of it.

    Raises:
        ValueError: without ``common``, the rows do not agree on who wrote them.
    """
    lines = []
    shared = common
    for item in descriptions:
        shared = shared or item.provenance
        kept = _own(item.provenance)
        differing = {
            name: getattr(item.provenance, name)
            for name in _SHARED
            if getattr(item.provenance, name) != getattr(shared, name)
        }
        if differing and common is None:
            raise ValueError(f"{path.name}: the rows differ in {', '.join(differing)}; pass what the card says")
        fixed = {"class": item.class_index, "name": item.class_name, "slot": item.slot, "index": item.index}
        lines.append(json.dumps(fixed | {"text": item.text} | kept | differing, ensure_ascii=False))
    write_text(path, "".join(line + "\n" for line in lines))


def _own(provenance: Provenance) -> dict[str, Any]:
    found = {name: getattr(provenance, name) for name in _OWN}
    found["history"] = [entry.model_dump(exclude_defaults=True) for entry in provenance.history]
    return {name: value for name, value in found.items() if value and (name, value) != ("state", "generated")}


def read_lines(path: Path, dataset: str, common: Provenance) -> list[Description]:
    """Read descriptions that :func:`write_lines` wrote.

    Args:
        path: the file of one family.
        dataset: name of the data set.
        common: what the card says of all texts of the family.

    Raises:
        InputError: the file is missing or a line is not valid; the message names it.
    """
    found: list[Description] = []
    for number, raw in enumerate(_lines(path), start=1):
        try:
            line = _Line.model_validate_json(raw)
        except ValidationError as error:
            raise InputError(f"{path}, line {number} is not a text of a bank", why=error.errors()[0]["msg"]) from error
        said = {name: getattr(line, name) for name in (*_OWN, *_SHARED) if name in line.model_fields_set}
        found.append(
            Description(
                dataset=dataset,
                class_index=line.class_index,
                class_name=line.name,
                slot=line.slot,
                index=line.index,
                text=line.text,
                provenance=common.model_copy(update=said),
            )
        )
    return found


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


def content_id(path: Path, card: Card) -> str:
    """Id of a curated bank: hex SHA-256 of its classes and of the texts in use, as they are now.

    An approval or a remark leaves the id as it is, so that nothing is computed again that would come out the same.

    Args:
        path: folder of the bank.
        card: its card.

    Raises:
        InputError: the card lacks a field of a bank, or a row is not valid.
    """
    said = []
    try:
        bound = [card.config["dataset"], list(card.config["class_names"])]
        files = [path / f"{family}.jsonl" for family in card.config["families"]]
    except (KeyError, TypeError) as error:
        raise InputError(f"the card of {path} is not that of a bank", why=f"its config lacks {error}") from error
    for file in files:
        for number, line in enumerate(_lines(file), start=1):
            try:
                row = json.loads(line)
                if row.get("state", "generated") in STATES_IN_USE:
                    said.append([int(row["class"]), str(row["slot"]), int(row["index"]), str(row["text"])])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                why = f"{type(error).__name__}: {error}"
                raise InputError(f"{file}, line {number} is not a text of a bank", why=why) from error
    return sha256_text(canonical_json([*bound, sorted(said)]))


def _lines(path: Path) -> list[str]:
    content = read_text(path)
    # Not splitlines(): it would also split at characters that JSON leaves as they are within a text.
    return content.removesuffix("\n").split("\n") if content else []
