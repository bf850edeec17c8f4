"""From banks to the text sets that are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.quality.candidates import TextSet, candidates, slot_group
from zsl_skeleton.quality.compare import compare_banks
from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton.quality.predict import Seen
from zsl_skeleton.quality.render import ONE_DRAW, render
from zsl_skeleton.semantics.bank import Description, Provenance, write_lines

SLOTS = ("label", "spatial.coarse", "spatial.fine", "motion", "codebook")
NAMES = [f"class {index}" for index in range(12)]
WORDS = ["arm", "leg", "hand", "head", "lift", "bend", "turn", "swing", "push", "left", "right", "up"]
HASHING = CompareConfig(encoder=["hashing"], folds=4, permutations=9, resamples=100, shuffles=2)


def make_bank(store: Store, slots: tuple[str, ...] = SLOTS, name: str = "made") -> Artifact:
    families = tuple(dict.fromkeys(slot.partition(".")[0] for slot in slots))
    config = {
        "dataset": "toy",
        "class_names": NAMES,
        "families": {family: {"version": "v1", "template": "0"} for family in families},
        "backend": {"name": "echo"},
    }

    def build(folder: Path) -> dict[str, str]:
        for family in families:
            own = [slot for slot in slots if slot.partition(".")[0] == family]
            common = Provenance(family=f"{family}@v1", template="0", backend="echo")
            rows = [
                Description(
                    dataset="toy",
                    class_index=index,
                    class_name=NAMES[index],
                    slot=slot,
                    index=number,
                    text=NAMES[index] if slot == "label" else f"the {word} goes {slot} {WORDS[index - number]}",
                    provenance=common,
                )
                for slot in own
                for index, word in enumerate(WORDS)
                for number in range(3 if slot == "codebook" else 1)
            ]
            write_lines(folder / f"{family}.jsonl", rows)
        return {}

    return store.make(Recipe("banks", name, "test", config, synthetic=True), build)


def test_every_group_has_its_controls_and_the_name_comes_once(store: Store) -> None:
    bank = make_bank(store)
    found = {candidate.name: candidate for candidate in candidates(store, [bank], HASHING)}
    name = bank.path.name
    assert set(found) == {
        *(TextSet(name, "hashing", group, control) for group in ("codebook+motion", "all")
          for control in ("none", "shuffled", "random-words")),
        TextSet(name, "hashing", "label", "name-only"),
    }  # fmt: skip
    assert found[TextSet(name, "hashing", "all")].slots == SLOTS
    real, scrambled = (found[TextSet(name, "hashing", "all", control)] for control in ("none", "random-words"))
    assert not np.allclose(real.vectors(), scrambled.vectors())


def test_vectors_average_slots_and_texts_list_them(store: Store) -> None:
    config = HASHING.model_copy(update={"slots": ["codebook+motion"], "controls": False})
    (found,) = candidates(store, [make_bank(store)], config)
    assert found.texts(5).shape == (4, 256)
    expected = (found.texts(5)[:3].mean(0) + found.texts(5)[3]) / 2
    np.testing.assert_allclose(found.vectors()[5], expected, atol=1e-6)


def test_groups_mean_slots_and_families() -> None:
    assert slot_group("spatial+label", SLOTS, "toy") == ("spatial.coarse", "spatial.fine", "label")
    assert slot_group("spatial.fine", SLOTS, "toy") == ("spatial.fine",)
    assert slot_group("default", SLOTS, "toy") == ("codebook", "motion")
    with pytest.raises(UsageError, match="Did you mean 'spatial'"):
        slot_group("spatal", SLOTS, "toy")


def test_a_bank_without_the_ridges_slots_and_labels_is_compared_with_what_it_has(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = make_bank(store, ("motion",))
    assert {c.name.group for c in candidates(store, [bank], HASHING)} == {"all"}
    said = capsys.readouterr().err
    assert "lacks codebook" in said
    assert "the control name-only is left out" in said
    with pytest.raises(InputError, match="no bank has the slots"):
        candidates(store, [bank], HASHING.model_copy(update={"slots": ["default"]}))


def test_banks_are_compared_from_end_to_end(store: Store, seen: Seen) -> None:
    banks = [make_bank(store), make_bank(store, ("label", "codebook", "motion"), "other")]
    comparison = compare_banks(store, banks, seen, HASHING)
    assert {row.name.bank for row in comparison.rows} == {bank.path.name for bank in banks}
    assert len(comparison.rows) == 14
    assert comparison.best.name.control == "none"
    assert ONE_DRAW in render(comparison)
