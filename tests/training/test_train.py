"""Runs: identity, files, selection, controls, bad input, and the same bytes after being killed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import evaluate, read_report, train

SMALL = ("hidden=[16,8]", "series=[1,3]", "epochs=5", "batch=16", "learning_rate=1e-3", "warmup=1")


def config(**changes: object) -> RunConfig:
    return RunConfig(**({"method": "mla", "overrides": SMALL, "device": "cpu"} | changes))


def embeddings_artifact(store: Store, embeddings: ClassEmbeddings, **extra: object) -> Artifact:
    values = {"dataset": embeddings.dataset, "class_names": list(embeddings.class_names), **extra}
    recipe = Recipe("embeddings", "other", "", {**values, "encoder": embeddings.encoder.model_dump()}, synthetic=True)

    def build(folder: Path) -> dict[str, str]:
        embeddings.write(folder)
        return {}

    return store.make(recipe, build)


def test_a_run_holds_what_it_promises(store: Store, task: Task) -> None:
    run = train(store, task, config())
    report, scores = read_report(run), read_tensors(run.path / "scores.safetensors")
    assert {path.name for path in run.path.iterdir()} == {
        "card.json", "metrics.jsonl", "report.json", "samples.txt", "scores.safetensors", "weights.safetensors"
    }  # fmt: skip
    assert scores["classes"].tolist() == [0, 4, 7]
    right = scores["classes"][scores["scores"].argmax(1)] == scores["labels"]
    assert report.accuracy == right.mean()
    ids = (run.path / "samples.txt").read_text().splitlines()
    assert [int(name[1]) for name in ids] == scores["labels"].tolist()
    records = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(5))
    assert report.synthetic
    assert not report.selection.oracle
    assert run.card.summary["accuracy"] == report.accuracy


def test_a_report_says_which_settings_are_not_the_presets(store: Store, task: Task) -> None:
    plain, changed = (train(store, task, config(method="ridge", overrides=o)) for o in ((), ("text=[label]",)))
    assert read_report(plain).changed == ()
    assert read_report(changed).changed == ('text=["label"]',)
    assert evaluate(changed, task) == read_report(changed)


def test_what_decides_the_result_decides_the_name(store: Store, task: Task) -> None:
    changes = [{}, {"seed": 1}, {"select": "val"}, {"control": "shuffled"}, {"overrides": (*SMALL, "epochs=4")}]
    runs = [train(store, task, config(**change)) for change in changes]
    assert len({run.id for run in runs}) == len(runs)
    same = train(store, task, config(checkpoint_seconds=0, device="auto"))
    assert same.card.made == runs[0].card.made


@pytest.mark.parametrize("select", ["last", "val", "oracle"])
def test_selection(store: Store, task: Task, select: str) -> None:
    run = train(store, task, config(select=select))
    report = read_report(run)
    records = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert report.selection.rule == select
    assert report.selection.oracle == (select == "oracle")
    if select == "last":
        assert report.selection.epoch == 4
        assert all("accuracy" not in record for record in records)
        return
    curve = [record["accuracy"] for record in records if "accuracy" in record]
    assert len(curve) == 5
    assert curve[report.selection.epoch] == max(curve) == report.selection.accuracy
    if select == "oracle":
        assert report.accuracy == pytest.approx(max(curve))
    else:
        phases = [record["phase"] for record in records]
        assert phases == ["validation"] * 5 + ["training"] * (report.selection.epoch + 1)


def test_validation_never_sees_a_test_clip(store: Store, task: Task, features: FeatureSet) -> None:
    changed = features.arrays["pooled"].copy()
    changed[~np.isin(features.subjects, task.protocol.train)] += 3
    recipe = Recipe("features", "moved", "", {"dataset": "toy", "backbone": "none", "trained_on": []}, synthetic=True)

    def build(folder: Path) -> dict[str, str]:
        replace(features, arrays={"pooled": changed}).write(folder)
        return {}

    runs = [train(store, t, config(select="val")) for t in (task, replace(task, features=store.make(recipe, build)))]
    metrics = {(run.path / "metrics.jsonl").read_bytes() for run in runs}
    assert runs[0].id != runs[1].id
    assert len(metrics) == 1


def test_a_split_without_validation_classes_has_them_drawn(store: Store, task: Task) -> None:
    run = train(store, replace(task, split=task.dataset.split("bare")), config(select="val"))
    (held_out,) = run.card.config["held_out"]
    assert len(held_out) == len(task.split.unseen)
    assert not set(held_out) & set(task.split.unseen)


def test_a_learnable_relation_is_learned_and_shuffled_text_destroys_it(store: Store, task: Task) -> None:
    honest = read_report(train(store, task, config(method="ridge", overrides=("text=[codebook]",))))
    assert honest.accuracy > 0.9
    shuffled = [
        read_report(train(store, task, config(method="ridge", overrides=(), control="shuffled", seed=seed))).accuracy
        for seed in range(12)
    ]
    assert abs(np.mean(shuffled) - honest.chance) < 0.2


@pytest.mark.parametrize("control", ["random-words", "name-only"])
def test_altered_texts_must_be_declared_on_both_sides(
    store: Store, task: Task, embeddings: ClassEmbeddings, control: str
) -> None:
    with pytest.raises(InputError, match=f"do not fit the control '{control}'"):
        train(store, task, config(control=control))
    altered = replace(task, embeddings=embeddings_artifact(store, embeddings, control=control))
    with pytest.raises(InputError, match="do not fit the control 'none'"):
        train(store, altered, config())
    assert read_report(train(store, altered, config(control=control))).control == control


def test_embeddings_of_other_classes_are_refused(store: Store, task: Task, embeddings: ClassEmbeddings) -> None:
    names = embeddings.class_names
    swapped = replace(embeddings, class_names=(names[1], names[0], *names[2:]))
    with pytest.raises(InputError, match="do not fit toy"):
        train(store, replace(task, embeddings=embeddings_artifact(store, swapped)), config())


def test_a_missing_slot_names_the_command(store: Store, task: Task) -> None:
    with pytest.raises(InputError, match=r"lack the text slot 'spatial.absent'") as caught:
        train(store, task, config(overrides=(*SMALL, "codebook=spatial.absent")))
    assert "zsl-semantics generate --dataset toy" in caught.value.mend


def test_evaluating_against_other_inputs_is_refused(store: Store, task: Task, embeddings: ClassEmbeddings) -> None:
    run = train(store, task, config())
    other = replace(task, embeddings=embeddings_artifact(store, embeddings, other=1))
    with pytest.raises(InputError, match="was not made from"):
        evaluate(run, other)


_CHILD = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("world", sys.argv[1])
world = importlib.util.module_from_spec(spec); spec.loader.exec_module(world)
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import train
dataset = world.toy_dataset()
store = Store(Path(sys.argv[2]))
features = world.make_features(store, world.toy_features())
embeddings = world.make_embeddings(store, world.toy_embeddings())
task = Task(features, embeddings, dataset, dataset.split("first"), dataset.protocol())
run = RunConfig(method="mla", overrides=tuple(sys.argv[3:]), select="val", checkpoint_seconds=0, device="cpu")
train(store, task, run)
"""


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path) -> None:
    world = str(Path(__file__).with_name("conftest.py"))
    long = [*SMALL, "epochs=150", "mixed=0.5", "dropout=0.1"]

    def start(root: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", _CHILD, world, str(root), *long])

    assert start(tmp_path / "whole").wait(120) == 0
    killed, rng = 0, random.Random(0)
    while (child := start(tmp_path / "killed")).poll() is None and killed < 3:
        while child.poll() is None and not list((tmp_path / "killed" / "runs").glob(".*/work/*.safetensors")):
            time.sleep(0.02)
        time.sleep(rng.uniform(0.05, 0.4) + 0.3 * killed)
        child.kill()
        killed += child.wait() == -9
    assert child.wait(120) == 0
    assert killed == 3
    (whole,), (resumed,) = (list((tmp_path / n / "runs").glob("mla*")) for n in ("whole", "killed"))
    for path in whole.iterdir():
        if path.name != "card.json":
            assert path.read_bytes() == (resumed / path.name).read_bytes(), path.name
