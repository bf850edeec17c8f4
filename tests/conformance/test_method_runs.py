"""What must hold for the runs of every registered method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from toy_methods import run_config
from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.methods import METHODS
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training import train as train_module
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.job import Job
from zsl_skeleton.training.train import evaluate, read_report, train


@pytest.fixture(params=sorted(METHODS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_run_is_reused_evaluated_and_saved(name: str, store: Store, task: Task) -> None:
    config = run_config(name)
    run = train(store, task, config)
    assert train(store, task, config).card.made == run.card.made
    assert evaluate(run, task, "cpu") == read_report(run)


@pytest.mark.parametrize("task_kind", ["zsl", "gzsl"])
def test_no_clip_of_an_unseen_class_reaches_the_training(
    name: str, task_kind: str, store: Store, task: Task, features: FeatureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Selection and calibration included: weights and constants do not change when all other clips do."""
    received: list[Job] = []
    original = train_module.train_selected

    def spy(job, select, oracle):  # type: ignore[no-untyped-def]
        received.append(job)
        return original(job, select, oracle)

    monkeypatch.setattr(train_module, "train_selected", spy)
    run = run_config(name, **({"select": "val", "gzsl": True} if task_kind == "gzsl" else {}))
    learned = _learned(train(store, task, run))
    assert len(learned) == (3 if task_kind == "gzsl" else 2)
    other = _changed_elsewhere(Store(store.root.parent / "other"), task, features)
    assert _learned(train(Store(store.root.parent / "other"), replace(task, features=other), run)) == learned
    for job in received:
        for value in vars(job).values():
            if isinstance(value, FeatureSet):
                assert len(value)
                assert not np.isin(value.labels, task.split.unseen).any()
                assert np.isin(value.subjects, task.protocol.train).all()


def _learned(run: Artifact) -> dict[str, bytes]:
    """Everything in a run that must not depend on its test clips."""
    names = ("weights.safetensors", "metrics.jsonl", "calibration.json")
    return {name: (run.path / name).read_bytes() for name in names if (run.path / name).is_file()}


def _changed_elsewhere(store: Store, task: Task, features: FeatureSet) -> Artifact:
    """Features whose unseen and test clips hold other numbers."""
    forbidden = np.isin(features.labels, task.split.unseen) | ~np.isin(features.subjects, task.protocol.train)
    arrays = {key: value.copy() for key, value in features.arrays.items()}
    for value in arrays.values():
        value[forbidden] = 7.0

    def build(folder: Path) -> dict[str, str]:
        replace(features, arrays=arrays).write(folder)
        return {}

    config = {"dataset": "toy", "backbone": "none", "trained_on": []}
    return store.make(Recipe("features", "toy", "other features", config, synthetic=True), build)
