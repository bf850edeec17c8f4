"""The demo data: its catalog entry, its facts, its skeleton sets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.facts import load_facts, style_problems
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS
from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set

SMALL = SynthesisConfig(subjects=2, repetitions=1)


@pytest.fixture(scope="module")
def demo() -> Dataset:
    return load_dataset("demo")


def missing_factors(held: Iterable[int], shown: Iterable[int], times: int) -> list[tuple[int, str]]:
    factors = [COMPOSITIONS[index].factors for index in shown]
    return [
        (index, name)
        for index in held
        for name, value in COMPOSITIONS[index].factors.items()
        if sum(other[name] == value for other in factors) < times
    ]


def test_catalog_and_compositions_agree(demo: Dataset) -> None:
    assert demo.synthetic
    assert demo.class_names == tuple(composition.name for composition in COMPOSITIONS)
    assert len(demo.classes) >= 40


def test_unseen_classes_are_new_compositions_of_what_seen_ones_show(demo: Dataset) -> None:
    assert set(demo.splits) == {f"random-{number}" for number in range(1, 6)} | {"compositional"}
    combinations = [tuple(composition.factors.values()) for composition in COMPOSITIONS]
    assert len(set(combinations)) == len(combinations)
    for name, split in demo.splits.items():
        times = 1 if name == "compositional" else 2
        held = {*split.unseen, *split.validation_unseen}
        shown = [index for index in range(len(COMPOSITIONS)) if index not in held]
        assert missing_factors(held, shown, times) == [], name
        assert len(split.unseen) == (10 if name == "compositional" else 5)
        assert len(split.validation_unseen) == 4


def test_facts_are_complete_and_in_good_style(demo: Dataset) -> None:
    facts = load_facts(demo, data_folder("semantics"))
    assert style_problems(facts) == []
    for composition, entry in zip(COMPOSITIONS, facts.classes, strict=True):
        moving = {part for part, text in entry.parts.items() if text.moves}
        named = {
            "both arms": {"left-arm", "right-arm"},
            "trunk": {"torso"},
            "whole body": {"left-leg", "right-leg"},
        }.get(composition.limb, {composition.limb.replace(" ", "-")})
        assert named <= moving, entry.name
        assert {confusion.other for confusion in entry.confused_with} <= set(demo.class_names) - {entry.name}
    motions = [frozenset(entry.motion) for entry in facts.classes]
    assert len(set().union(*motions)) == sum(map(len, motions))  # no text serves two classes


def test_a_small_set_is_written_in_the_common_form(store: Store, demo: Dataset) -> None:
    artifact = synthesize_set(store, demo, SMALL)
    found = SkeletonSet.open(artifact)
    assert artifact.card.synthetic
    assert artifact.path.name.startswith("demo-")
    assert found.clips.shape == (2 * len(COMPOSITIONS), 3, 50, 25, 1)
    assert np.isfinite(found.clips).all()
    assert np.bincount(found.labels).tolist() == artifact.card.summary["per_class"] == [2] * len(COMPOSITIONS)
    assert set(found.views) == {1, 2, 3}
    assert set(found.subjects) == {1, 2}
    assert found.lengths.min() > 40


def test_equal_configurations_give_equal_bytes_and_others_do_not(tmp_path: Path, demo: Dataset) -> None:
    def clips(folder: str, config: SynthesisConfig) -> str:
        artifact = synthesize_set(Store(tmp_path / folder), demo, config)
        return hashlib.sha256((artifact.path / "clips.npy").read_bytes()).hexdigest()

    one = clips("a", SMALL)
    assert one == clips("b", SMALL)
    assert one != clips("c", SMALL.model_copy(update={"seed": 1}))


@pytest.mark.slow
def test_the_whole_set_has_the_clips_that_the_catalog_promises(store: Store, demo: Dataset) -> None:
    found = SkeletonSet.open(synthesize_set(store, demo))
    assert len(found.ids) == demo.expected_clips
    for protocol in demo.protocols.values():
        numbers = found.subjects if protocol.by == "subject" else found.views
        assert protocol.counts is not None
        assert np.isin(numbers, protocol.train).sum() == protocol.counts.train


def test_unknown_classes_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="ntu60"):
        synthesize_set(store, load_dataset("ntu60"), SMALL)
