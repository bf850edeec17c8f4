"""Held-out seen classes: which are drawn, which clips stand for test clips, what the calibration gets to see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.heldout import held_out_clips, pseudo_unseen
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import evaluate, read_report, train

SEEN = (1, 2, 3, 5, 6, 8, 9)


def test_the_named_classes_come_first_and_the_others_by_seed() -> None:
    first, *others = pseudo_unseen(SEEN, (2, 1), 3, 4, seed=0)
    assert first == (1, 2)
    assert all(len(set(drawn)) == 2 and set(drawn) <= set(SEEN) for drawn in others)
    assert pseudo_unseen(SEEN, (2, 1), 3, 4, seed=0)[1:] == tuple(others)
    assert pseudo_unseen(SEEN, (2, 1), 3, 4, seed=1)[1:] != tuple(others)
    assert pseudo_unseen(SEEN, (2, 1), 3, 1, seed=1) == ((1, 2),)


def test_without_named_classes_as_many_are_drawn_as_asked_for_but_two_stay() -> None:
    assert [len(drawn) for drawn in pseudo_unseen(SEEN, (), 3, 2, seed=0)] == [3, 3]
    assert [len(drawn) for drawn in pseudo_unseen(SEEN, (), 20, 1, seed=0)] == [5]
    with pytest.raises(UsageError, match="3 seen classes are too few"):
        pseudo_unseen((1, 2, 3), (), 3, 1, seed=0)
    with pytest.raises(UsageError, match="4 seen classes are too few"):
        pseudo_unseen((1, 2, 3, 5), (1, 2, 3), 5, 1, seed=0)
    for named, asked in (((), 1), ((2,), 3)):
        with pytest.raises(UsageError, match="a single class"):
            pseudo_unseen(SEEN, named, asked, 1, seed=0)


def test_a_fifth_of_the_clips_stands_for_test_clips_by_subject_if_possible(features: FeatureSet) -> None:
    held = held_out_clips(features)
    assert set(features.subjects[held]) == {4}
    alone = features.subset(features.subjects == 1)
    by_clip = held_out_clips(alone)
    assert [int(by_clip[alone.labels == label].sum()) for label in range(10)] == [1] * 10


def run_config(**changes: object) -> RunConfig:
    return RunConfig(**({"method": "ridge", "device": "cpu", "gzsl": True, "draws": 2} | changes))


def test_a_generalised_run_is_reported_and_computed_again_from_its_files(store: Store, task: Task) -> None:
    run = train(store, task, run_config())
    report = read_report(run).generalised
    assert report is not None
    assert [row.rule for row in report.rows] == ["uncalibrated", "held-out", "gate", "oracle", "perfect routing"]
    assert (report.seen_classes, report.unseen_classes) == (7, 3)
    assert evaluate(run, task, "cpu") == read_report(run)
    assert run.card.config["held_out"][0] == [1, 2]
    oracle, held_out = (next(row for row in report.rows if row.rule == rule) for rule in ("oracle", "held-out"))
    assert oracle.sample.harmonic >= held_out.sample.harmonic > 0.3
    assert not train(store, task, run_config(gzsl=False)).card.config["held_out"]


def test_the_calibration_does_not_depend_on_test_clips(store: Store, task: Task, features: FeatureSet) -> None:
    changed = dict(features.arrays)
    changed["pooled"] = features.arrays["pooled"].copy()
    changed["pooled"][~np.isin(features.subjects, task.protocol.train)] += 3
    moved = replace(task, features=feature_artifact(store, replace(features, arrays=changed), "moved"))
    first, second = (train(store, one, run_config()) for one in (task, moved))
    assert first.id != second.id
    assert (first.path / "calibration.json").read_bytes() == (second.path / "calibration.json").read_bytes()


def test_the_first_validation_uses_features_that_do_not_know_its_classes(
    store: Store, task: Task, features: FeatureSet
) -> None:
    other = {name: array + 1.0 if name == "pooled" else array for name, array in features.arrays.items()}
    honest = feature_artifact(store, replace(features, arrays=other), "honest", trained_on=[3, 5, 6, 8, 9])
    leaking = feature_artifact(store, features, "leaking", trained_on=[1, 3, 5, 6, 8, 9])
    with pytest.raises(InputError, match=r"trained on class 1\b"):
        train(store, replace(task, validation=leaking), run_config())
    same, own = (train(store, one, run_config(draws=1)) for one in (task, replace(task, validation=honest)))
    assert "validation" in own.card.inputs
    assert "validation" not in same.card.inputs
    with pytest.raises(UsageError, match="do not fit --held-out"):
        train(store, replace(task, validation=honest), run_config(draws=1, held_out=3))


def feature_artifact(store: Store, features: FeatureSet, name: str, trained_on: list[int] | None = None) -> Artifact:
    config = {"dataset": "toy", "backbone": name, "trained_on": trained_on or [], "protocol": "xsub"}

    def build(folder: Path) -> dict[str, str]:
        features.write(folder)
        return {}

    return store.make(Recipe("features", name, "", config, synthetic=True), build)


def test_several_draws_are_averaged(store: Store, task: Task) -> None:
    overrides = ("hidden=[16,8]", "series=[1,3]", "epochs=5", "batch=16", "learning_rate=1e-3", "warmup=1")
    changes = {"method": "mla", "overrides": overrides, "select": "val", "gzsl": False, "draws": 3}
    run = train(store, task, run_config(**changes))
    records = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    curves = [
        [record["accuracy"] for record in records if record["phase"] == phase]
        for phase in ("validation", "validation-2", "validation-3")
    ]
    means = np.mean(curves, axis=0)
    chosen = read_report(run).selection
    assert chosen.accuracy == pytest.approx(means.max())
    assert means[chosen.epoch] == means.max()
