"""From a bank's texts to class embeddings, with the cache full, half full and empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiny_encoders import tiny_sentence_model
from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import Description, Provenance, write_lines
from zsl_skeleton.text import encode as module
from zsl_skeleton.text.cache import open_vector_cache
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import EncodeOptions, Source, embed, encode, encode_all
from zsl_skeleton.text.encoders.hashing import Hashing

NAMES = ("wave", "squat", "walk")
TEXTS = {
    "label": [["wave"], ["squat"], ["walk"]],
    "codebook": [["raises an arm", "wave"], ["bends the knees", ""], ["steps forward", "strides on"]],
}


class Counting(Hashing):
    """Remembers what it was asked for, may read two words only, may be killed."""

    def __init__(self, max_tokens: int | None = None, die_after: int | None = None) -> None:
        super().__init__()
        self.max_tokens = max_tokens  # type: ignore[assignment]
        self.asked: list[str] = []
        self._die_after = die_after

    def encode(self, texts: Sequence[str]) -> Any:
        if self._die_after is not None and len(self.asked) >= self._die_after:
            raise KeyboardInterrupt
        self.asked += texts
        return super().encode(texts)


class Graphical(Hashing):
    """Says that it computes on a GPU, and rounds otherwise."""

    device = "cuda"

    def encode(self, texts: Sequence[str]) -> Any:
        return super().encode(texts)[:, ::-1]


def bank(store: Store, texts: dict[str, list[list[str]]] = TEXTS) -> Artifact:
    families = dict.fromkeys(slot.partition(".")[0] for slot in texts)
    config = {
        "dataset": "mine",
        "class_names": list(NAMES),
        "families": {family: {"version": "v1", "template": "0"} for family in families},
        "backend": {"name": "compose"},
    }

    def build(folder: Path) -> dict[str, Any]:
        lines: dict[str, list[Description]] = {family: [] for family in families}
        for slot, rows in texts.items():
            family = slot.partition(".")[0]
            provenance = Provenance(family=f"{family}@v1", template="0", backend="compose")
            common = {"dataset": "mine", "slot": slot, "provenance": provenance}
            lines[family] += [
                Description.model_validate(
                    common | {"class_index": c, "class_name": NAMES[c], "index": k, "text": text}
                )
                for c, row in enumerate(rows)
                for k, text in enumerate(row)
            ]
        for family, found in lines.items():
            write_lines(folder / f"{family}.jsonl", found)
        return {}

    return store.make(Recipe("banks", "mine", "test", config, synthetic=True), build)


def test_slots_and_masks(tmp_path: Path) -> None:
    made = embed(TEXTS, "mine", NAMES, Source(Hashing(), open_vector_cache(tmp_path)))
    assert made.slots["label"].shape == (3, 1, 256)
    assert made.slots["codebook"].shape == (3, 2, 256)
    np.testing.assert_array_equal(made.masks["codebook"], [[True, True], [True, False], [True, True]])
    np.testing.assert_array_equal(made.slots["codebook"][2, 1], Hashing().encode(["strides on"])[0])
    np.testing.assert_array_equal(made.slots["codebook"][0, 1], made.slots["label"][0, 0])
    assert not made.slots["codebook"][1, 1].any()


def test_equal_texts_are_encoded_once_and_known_ones_never(tmp_path: Path) -> None:
    cache = open_vector_cache(tmp_path)
    first, second = Counting(), Counting()
    embed(TEXTS, "mine", NAMES, Source(first, cache))
    assert sorted(first.asked) == sorted({t for rows in TEXTS.values() for row in rows for t in row if t})
    embed(TEXTS, "mine", NAMES, Source(second, cache))
    assert second.asked == []


def test_bytes_do_not_depend_on_the_cache(tmp_path: Path) -> None:
    artifact = bank(Store(tmp_path / "a"))
    empty, half, full = (Store(tmp_path / name) for name in ("empty", "half", "full"))
    for store, known in ((half, ["wave", "strides on"]), (full, [t for row in TEXTS["codebook"] for t in row])):
        cache = open_vector_cache(store.root / ".cache" / "embeddings")
        Source(Hashing(), cache).vectors(known)
        cache.close()
    made = [encode(store, artifact, "hashing") for store in (empty, half, full)]
    assert made[0].card.files == made[1].card.files == made[2].card.files
    assert made[0].id == made[1].id == made[2].id


def test_a_killed_encoding_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    artifact = bank(store)
    monkeypatch.setattr(module, "_CHUNKS", {"cpu": 2})
    killed, after = Counting(die_after=4), Counting()
    monkeypatch.setattr(module, "load_encoder", lambda name, **_: killed)
    with pytest.raises(KeyboardInterrupt):
        encode(store, artifact, "hashing")
    monkeypatch.setattr(module, "load_encoder", lambda name, **_: after)
    resumed = encode(store, artifact, "hashing")
    assert not set(after.asked) & set(killed.asked)
    assert len(after.asked) + len(killed.asked) == 7
    straight = encode(Store(tmp_path / "other"), artifact, "hashing")
    assert resumed.card.files == straight.card.files


def test_the_card(store: Store) -> None:
    artifact = bank(store)
    made = encode(store, artifact, "Hashing")
    card = made.card
    assert card.stage == "embeddings"
    assert card.synthetic
    assert card.inputs["bank"].id == artifact.id
    assert card.device == "cpu"
    assert (card.config["control"], card.config["join"]) == (None, None)
    assert card.config["encoder"] == {"name": "hashing", "revision": "1", "pooling": "sum", "normalise": True}
    assert card.summary == {"dim": 256, "texts": {"label": 3, "codebook": 5}, "missing": {"codebook": 1}, "cut": []}
    found = ClassEmbeddings.open(made)
    assert (found.dataset, found.class_names) == ("mine", NAMES)
    assert encode(store, artifact, "hashing").card.made == card.made


def test_texts_that_are_too_long_are_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "load_encoder", lambda name, **_: Counting(max_tokens=2))
    card = encode(store, bank(store), "hashing").card
    assert card.summary["cut"] == [
        {"slot": "codebook", "class": "wave", "index": 0, "tokens": 3},
        {"slot": "codebook", "class": "squat", "index": 0, "tokens": 3},
    ]
    assert "2 texts are longer than the 2 tokens" in capsys.readouterr().err


def test_wrong_row_counts_and_empty_banks(tmp_path: Path) -> None:
    source = Source(Hashing(), open_vector_cache(tmp_path))
    with pytest.raises(InputError, match="2 classes in slot 'label', not 3"):
        embed({"label": [["wave"], ["squat"]]}, "mine", NAMES, source)
    with pytest.raises(InputError, match="holds no text") as caught:
        embed({"label": [[], [" "], []]}, "mine", NAMES, source)
    assert caught.value.mend == "zsl-semantics generate --dataset mine"


def test_only_banks_are_encoded(store: Store) -> None:
    other = store.make(Recipe("runs", "x", "x", {}), lambda folder: {})
    with pytest.raises(InputError, match="is not a bank of texts"):
        encode(store, other, "hashing")


def test_controls_are_artifacts_of_their_own(store: Store) -> None:
    artifact = bank(store)
    plain, control = encode(store, artifact, "hashing"), encode(store, artifact, "hashing", "Name_Only")
    assert control.card.name == "mine-hashing-name-only"
    assert control.card.config["control"] == "name-only"
    assert control.id != plain.id
    with pytest.raises(UsageError, match="unknown control 'name-olny'"):
        encode(store, artifact, "hashing", "name-olny")


PHASES = {
    "label": [["wave"], ["squat"], ["walk"]],
    "temporal.start": [["lifts it."], ["bends."], ["leans."]],
    "temporal.main": [["swings it."], ["sinks."], ["steps."]],
    "temporal.end": [["lowers it."], ["rises."], ["stops."]],
}


def test_phases_are_joined_before_they_are_encoded(store: Store) -> None:
    artifact = bank(store, PHASES)
    plain, joined = (
        encode(store, artifact, "hashing"),
        encode_all(store, artifact, ["hashing"], EncodeOptions(join="Temporal"))[0],
    )
    assert joined.card.config["join"] == "temporal"
    assert joined.card.name == "mine-hashing-join-temporal"
    assert joined.id != plain.id
    before, after = ClassEmbeddings.open(plain), ClassEmbeddings.open(joined)
    assert before.slots.keys() == after.slots.keys()
    for slot in ("label", "temporal.start"):
        np.testing.assert_array_equal(after.slots[slot], before.slots[slot])
    expected = Hashing().encode(["lifts it. swings it. lowers it."])[0]
    np.testing.assert_array_equal(after.slots["temporal.end"][0, 0], expected)


def test_a_control_replaces_joined_texts(store: Store) -> None:
    options = EncodeOptions(join="temporal", control="name-only")
    (made,) = encode_all(store, bank(store, PHASES), ["hashing"], options)
    assert made.card.name == "mine-hashing-join-temporal-name-only"
    found = ClassEmbeddings.open(made)
    np.testing.assert_array_equal(found.slots["temporal.end"], found.slots["label"])


def test_joined_texts_that_are_too_long_are_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_encoder", lambda name, **_: Counting(max_tokens=5))
    card = encode_all(store, bank(store, PHASES), ["hashing"], EncodeOptions(join="temporal"))[0].card
    assert card.summary["cut"] == [{"slot": "temporal.end", "class": "wave", "index": 0, "tokens": 6}]


def test_a_bank_without_phases_cannot_be_joined(store: Store) -> None:
    with pytest.raises(InputError, match="cannot be joined") as caught:
        encode_all(store, bank(store), ["hashing"], EncodeOptions(join="temporal"))
    assert "temporal.start, no temporal.main" in caught.value.why
    assert "zsl-semantics generate --dataset mine" in caught.value.mend


def test_several_encoders_in_one_go(store: Store, tmp_path: Path) -> None:
    models = [tiny_sentence_model(tmp_path / name, seed=n) for n, name in enumerate(("First Model", "second"))]
    names = [f"st:{models[0]}", "hashing", f"st:{models[1]}"]
    made = encode_all(store, bank(store), names, EncodeOptions(device="cpu"))
    assert [artifact.card.name for artifact in made] == ["mine-first-model", "mine-hashing", "mine-second"]
    encoders = [artifact.card.config["encoder"] for artifact in made]
    assert encoders[0]["name"] == "sentence-transformers:First Model"
    assert len({encoder["revision"] for encoder in encoders}) == 3
    assert [ClassEmbeddings.open(artifact).dim for artifact in made] == [32, 256, 32]
    again = encode_all(store, bank(store), names, EncodeOptions(device="cpu"))
    assert [artifact.card.made for artifact in again] == [artifact.card.made for artifact in made]


def test_nothing_is_computed_when_one_of_the_encoders_is_missing(store: Store, tmp_path: Path) -> None:
    for wrong in ("minlm", f"st:{tmp_path}/nowhere"):
        with pytest.raises((InputError, UsageError)):
            encode_all(store, bank(store), ["hashing", wrong])
    assert store.all("embeddings") == []


def test_nothing_is_computed_when_the_device_cannot_do_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    names = ["hashing", f"st:{tiny_sentence_model(tmp_path / 'tiny')}"]
    with pytest.raises(UsageError, match="bf16 needs a GPU"):
        encode_all(store, bank(store), names, EncodeOptions(dtype="bf16"))
    assert store.all("embeddings") == []


def test_vectors_of_a_gpu_never_pass_for_those_of_the_cpu(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = bank(store)
    cache = open_vector_cache(store.root / ".cache" / "embeddings")
    there = Source(Graphical(), cache).vectors(["wave"])["wave"]
    here = Source(Hashing(), cache).vectors(["wave"])["wave"]
    np.testing.assert_array_equal(there, here[::-1])
    monkeypatch.setattr(module, "load_encoder", lambda name, **_: Graphical())
    made = encode(store, artifact, "hashing")
    assert made.card.device == "cuda"
    monkeypatch.undo()
    assert encode(store, artifact, "hashing").card.made == made.card.made  # the recipe does not depend on the device


def test_options_are_checked(store: Store) -> None:
    for options in ({"join": "temporel"}, {"control": "shuffeld"}, {"dtype": "bf61"}):
        with pytest.raises(UsageError, match="unknown"):
            encode_all(store, bank(store), ["hashing"], EncodeOptions(**options))


def test_other_texts_under_the_same_bank_id_are_other_embeddings(store: Store) -> None:
    made = bank(store)
    first = encode(store, made, "hashing")
    path = made.path / "codebook.jsonl"
    path.write_text(path.read_text().replace("bends the knees", "knees the bends"))  # as long as before
    again = Artifact.open(made.path)
    assert again.id == made.id, "the recipe is the same"
    assert encode(store, again, "hashing").id != first.id
