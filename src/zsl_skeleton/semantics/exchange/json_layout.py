"""Texts as one JSON document, class by class."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.exchange.layout import Reading, Texts, check_slot, read_object


class _Class(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    index: int = Field(alias="class")
    name: str
    texts: dict[str, list[str]]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_version: int = 1
    dataset: str
    classes: list[_Class]


class JsonLayout:
    """``{"dataset": ..., "classes": [{"class": 0, "name": ..., "texts": {slot: [...]}}]}``; texts in use only."""

    parts: ClassVar[Mapping[str, str]] = {}

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether it is a JSON object with a list of classes."""
        return path.is_file() and path.suffix.lower() == ".json" and isinstance(read_object(path).get("classes"), list)

    @staticmethod
    def read(path: Path, reading: Reading) -> Texts:
        """Texts of all classes.

        Raises:
            InputError: a field is wrong, or a class is not that of the catalog.
        """
        try:
            document = _Document.model_validate(read_object(path))
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"]))
            raise InputError(f"{path}: field {place}: {error.errors()[0]['msg']}") from error
        names = reading.dataset.class_names
        rows = [(entry.index, entry.name) for entry in sorted(document.classes, key=lambda entry: entry.index)]
        if rows != list(enumerate(names)):
            pairs = zip(rows, enumerate(names), strict=False)
            why = next((f"{a} against {b}" for a, b in pairs if a != b), f"{len(rows)} classes against {len(names)}")
            raise InputError(f"{path} does not fit the data set {reading.dataset.name}", why=why)
        slots: dict[str, list[list[str]]] = {}
        for entry in document.classes:
            for slot, texts in entry.texts.items():
                _check(slot, path)
                slots.setdefault(slot, [[] for _ in names])[entry.index] = texts
        return Texts(slots, {path.name: path})

    @staticmethod
    def files(bank: SemanticBank, slots: Mapping[str, str]) -> dict[str, str]:
        """One document."""
        table = {slot: bank.texts(slot) for slot in bank.slots}
        classes: list[dict[str, Any]] = [
            {"class": index, "name": name, "texts": {slot: table[slot][index] for slot in table}}
            for index, name in enumerate(bank.class_names)
        ]
        document = {"schema_version": 1, "dataset": bank.dataset, "classes": classes}
        return {"": json.dumps(document, indent=1, ensure_ascii=False) + "\n"}


def _check(slot: str, path: Path) -> None:
    try:
        check_slot(slot)
    except UsageError as error:
        raise InputError(f"{path}: {error.what}", why=error.why) from error
