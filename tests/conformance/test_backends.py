"""Every registered backend of class texts keeps the same promises."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path

import pytest

from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.registry import resolve
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.asking import Desk, hold
from zsl_skeleton.semantics.backends import BACKENDS, Backend, Options, Setting
from zsl_skeleton.semantics.bank import Description, Provenance
from zsl_skeleton.semantics.dialogue import Dialogue
from zsl_skeleton.semantics.exchange import LAYOUTS
from zsl_skeleton.semantics.prompts import load_families

OFFLINE = ("compose", "echo")
NEEDS_A_NAME = {"openai": "--model", "transformers": "--model", "replay": "--recording"}


def _setting(dataset: Dataset, options: Options | None = None) -> Setting:
    return Setting(dataset, data_folder("semantics"), options or Options())


def test_no_backend_escapes_these_tests() -> None:
    assert set(OFFLINE) | set(NEEDS_A_NAME) == set(BACKENDS)


@pytest.mark.parametrize("table", [BACKENDS, LAYOUTS], ids=["backends", "layouts"])
def test_every_entry_is_a_documented_class(table: dict[str, str]) -> None:
    for name in table:
        found = resolve("entry", name, table)
        assert found.__doc__ and importlib.import_module(found.__module__).__doc__


@pytest.mark.parametrize("name", NEEDS_A_NAME)
def test_what_is_missing_is_asked_for_with_its_option(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend: type[Backend] = resolve("backend", name, BACKENDS)
    with pytest.raises(UsageError) as caught:
        backend.open(_setting(load_dataset("precog")))
    assert NEEDS_A_NAME[name] in f"{caught.value}"


@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.parametrize("dataset", ["precog", "demo"])
def test_answers_of_all_families_are_sound_and_repeatable(name: str, dataset: str, repository: Path) -> None:
    entry = load_dataset(dataset)
    texts = [_texts(name, entry, repository) for _ in range(2)]
    assert texts[0] == texts[1]
    assert {row.provenance.state for row in texts[0]} == {"generated"}
    assert len({(row.class_index, row.slot, row.text) for row in texts[0]}) == len(texts[0])


def _texts(name: str, dataset: Dataset, repository: Path) -> list[Description]:
    opener: type[Backend] = resolve("backend", name, BACKENDS)
    backend = opener.open(_setting(dataset))
    json.dumps(dict(backend.fingerprint))
    found: list[Description] = []
    desk = Desk(backend)
    dialogues = [
        Dialogue(desk.ask, backend.fingerprint, family, dataset.name, action, _common(family.id, family.hash, backend))
        for family in load_families(repository / "prompts").values()
        for action in dataset.classes[:4]
    ]
    hold(dialogues, desk, "texts", lambda _family, _index, rows: found.extend(rows))
    return found


def _common(family: str, template: str, backend: Backend) -> Provenance:
    return Provenance(family=family, template=template, backend=backend.name, model=backend.model)


def test_closing_twice_is_harmless() -> None:
    for name in OFFLINE:
        backend: Backend = resolve("backend", name, BACKENDS).open(_setting(load_dataset("precog")))
        asyncio.run(backend.close())
        asyncio.run(backend.close())
