"""Texts of typed names: one source for all of them, in every slot that the method reads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.prediction.opening import Opened, open_export
from zsl_skeleton.prediction.wording import Wording, worded


@pytest.fixture
def opened(world) -> Opened:
    return open_export(world.export("ridge"))


def test_the_bare_name_fills_every_slot_and_says_so(opened: Opened) -> None:
    found = worded(["juggle", "fly a kite"], opened, Wording(backend="name"))
    assert found.texts == {slot: [["juggle"], ["fly a kite"]] for slot in ("codebook", "motion")}
    assert "weaker" in found.remark
    assert found.embeddings.slots["codebook"].shape == (2, 1, opened.embeddings.dim)


def test_names_of_the_export_keep_its_own_texts(opened: Opened) -> None:
    found = worded(["Squat", "bow"], opened, Wording())
    assert found.source == "export"
    np.testing.assert_array_equal(found.embeddings.slots["motion"], opened.embeddings.slots["motion"][[3, 2]])
    assert found.texts["motion"] == [opened.texts["motion"][3], opened.texts["motion"][2]]


def test_names_that_facts_know_are_composed(opened: Opened) -> None:
    found = worded(["standing up", "waving hello with the right hand"], opened, Wording())
    assert found.source == "compose"
    assert all(len(texts) == 100 for texts in found.texts["codebook"])
    with pytest.raises(InputError, match="no facts know 'fly a kite'"):
        worded(["standing up", "fly a kite"], opened, Wording(backend="compose"))
    assert worded(["standing up", "fly a kite"], opened, Wording()).source == "name"


def test_a_backend_writes_only_what_the_method_reads_and_is_kept(opened: Opened, tmp_path: Path) -> None:
    wording = Wording(backend="echo", artifacts=tmp_path / "artifacts")
    found = worded(["juggle", "fly a kite"], opened, wording)
    assert set(found.texts) == {"codebook", "motion"}
    bank = next((tmp_path / "artifacts" / "banks").glob("typed-*"))
    assert json.loads((bank / "card.json").read_text())["config"]["class_names"] == ["juggle", "fly a kite"]


def table(folder: Path, slots: tuple[str, ...]) -> Path:
    rows = [f"{c},{name},{slot},{name} in {slot}" for c, name in enumerate(("juggle", "fly a kite")) for slot in slots]
    path = folder / "texts.csv"
    path.write_text("\n".join(["class,name,slot,text", *rows]) + "\n")
    return path


def test_own_texts_are_read_from_a_table(opened: Opened, tmp_path: Path) -> None:
    path = table(tmp_path, ("codebook", "motion"))
    found = worded(["juggle", "fly a kite"], opened, Wording(file=path))
    assert found.texts["motion"] == [["juggle in motion"], ["fly a kite in motion"]]
    assert found.source == "file texts.csv"
    with pytest.raises(InputError, match="lack the slot 'motion'"):
        worded(["juggle", "fly a kite"], opened, Wording(file=table(tmp_path, ("codebook",))))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["juggle"], "at least two"),
        (["juggle", " "], "no class name"),
        (["juggle", "a\x00b"], "no class name"),
        (["juggle", "word " * 13], "no class name"),
        (["juggle", "Juggle!"], "named twice"),
    ],
)
def test_names_that_cannot_be_classes(opened: Opened, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        worded(names, opened, Wording())


def test_the_encoder_must_be_the_export_s(opened: Opened) -> None:
    def with_encoder(**changes: str) -> Opened:
        encoder = opened.manifest.encoder.model_copy(update=changes)
        return replace(opened, manifest=opened.manifest.model_copy(update={"encoder": encoder}))

    with pytest.raises(InputError, match="revision is 1"):
        worded(["juggle", "fly a kite"], with_encoder(revision="0"), Wording(backend="name"))
    with pytest.raises(InputError, match="unknown here"):
        worded(["juggle", "fly a kite"], with_encoder(name="nobody's"), Wording(backend="name"))


def test_temporal_texts_are_joined_as_the_export_s_were(world) -> None:
    neuron = open_export(world.export("neuron"))
    found = worded(["juggle", "fly a kite"], neuron, Wording(backend="echo"))
    joined = neuron.manifest.joined
    start, main = found.texts["temporal.start"][0][0], found.texts["temporal.main"][0][0]
    assert main.startswith(start) == joined
