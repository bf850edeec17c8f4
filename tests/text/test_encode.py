"""From a bank's texts to class embeddings, with the cache full, half full and empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.bank import Description, Provenance, write_lines
from zsl_skeleton.text import encode as module
from zsl_skeleton.text.cache import open_vector_cache
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import Source, embed, encode
from zsl_skeleton.text.encoders.hashing import Hashing

NAMES = ("wave", "squat", "walk")
TEXTS = {
    "label": [["wave"], ["squat"], ["walk"]],
    "codebook": [["raises an arm", "wave"], ["bends the knees", ""], ["steps forward", "strides on"]],
}


class Counting(Hashing):
    """Remembers what it was asked for, may read two words only, may be killed."""

    def __init__(self, max_tokens: int | None = None, die_after: int | None = None) -> None:
        self.max_tokens = max_tokens  # type: ignore[assignment]
        self.asked: list[str] = []
        self._die_after = die_after

    def encode(self, texts: Sequence[str]) -> Any:
        if self._die_after is not None and len(self.asked) >= self._die_after:
            raise KeyboardInterrupt
        self.asked += texts
        return super().encode(texts)


def bank(store: Store) -> Artifact:
    config = {
        "dataset": "mine",
        "class_names": list(NAMES),
        "families": {slot: {"version": "v1", "template": "0"} for slot in TEXTS},
        "backend": {"name": "compose"},
    }

    def build(folder: Path) -> dict[str, Any]:
        for slot, rows in TEXTS.items():
            provenance = Provenance(family=f"{slot}@v1", template="0", backend="compose")
            common = {"dataset": "mine", "slot": slot, "provenance": provenance}
            lines = [
                Description.model_validate(
                    common | {"class_index": c, "class_name": NAMES[c], "index": k, "text": text}
                )
                for c, row in enumerate(rows)
                for k, text in enumerate(row)
            ]
            write_lines(folder / f"{slot}.jsonl", lines)
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
    monkeypatch.setattr(module, "_CHUNK", 2)
    killed, after = Counting(die_after=4), Counting()
    monkeypatch.setattr(module, "load_encoder", lambda name: killed)
    with pytest.raises(KeyboardInterrupt):
        encode(store, artifact, "hashing")
    monkeypatch.setattr(module, "load_encoder", lambda name: after)
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
    assert card.config["encoder"] == {"name": "hashing", "revision": "1", "pooling": "sum", "normalise": True}
    assert card.summary == {"dim": 256, "texts": {"label": 3, "codebook": 5}, "missing": {"codebook": 1}, "cut": []}
    found = ClassEmbeddings.open(made)
    assert (found.dataset, found.class_names) == ("mine", NAMES)
    assert encode(store, artifact, "hashing").card.made == card.made


def test_texts_that_are_too_long_are_named(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "load_encoder", lambda name: Counting(max_tokens=2))
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
