"""What must hold for every registered method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from zsl_skeleton import methods
from zsl_skeleton.artifacts import Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods import METHODS
from zsl_skeleton.methods.base import Method
from zsl_skeleton.registry import resolve
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training import train as train_module
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import Clips, load_clips, load_text
from zsl_skeleton.training.loop import Plan, fit
from zsl_skeleton.training.presets import preset_names
from zsl_skeleton.training.selection import build_method
from zsl_skeleton.training.settings import Settings, resolve_settings
from zsl_skeleton.training.train import Task, evaluate, read_report, train

SMALL = {"mla": ("hidden=[16,8]", "series=[1,3]", "epochs=4", "batch=16", "learning_rate=1e-3", "warmup=1")}
ITERATIVE = [name for name in METHODS if not resolve("method", name, METHODS).closed_form]


@pytest.fixture(params=sorted(METHODS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def settings_of(name: str) -> Settings:
    return resolve_settings(RunConfig(method=name, overrides=SMALL.get(name, ())), "toy")


@pytest.fixture
def clips(name: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings) -> Clips:
    return seen_clips(settings_of(name), dataset, features, embeddings)


def seen_clips(settings: Settings, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings) -> Clips:
    split = dataset.split("first")
    text = load_text(embeddings, settings.method.needed_slots, torch.device("cpu"))
    parts = partition(features, dataset, split, dataset.protocol())
    return load_clips(parts.train, text, dataset.seen(split), settings.method.needed_inputs)


def trained(settings: Settings, clips: Clips, seed: int = 0) -> Method:
    method = build_method(settings, clips, seed)
    if settings.train:
        fit(method, clips, settings.train, Plan(seed, settings.train.epochs))
    return method


def test_the_table_is_the_folder() -> None:
    files = {path.stem for path in Path(methods.__file__).parent.glob("*.py")} - {"__init__", "base"}
    modules = {target.partition(":")[0].rpartition(".")[2] for target in METHODS.values()}
    assert files == modules
    for name in METHODS:
        kind = resolve("method", name, METHODS)
        assert issubclass(kind, Method)
        assert {"paper", "default"} <= set(preset_names(name))


def test_every_setting_says_where_its_value_comes_from(name: str) -> None:
    fields = resolve("method", name, METHODS).Config.model_fields
    assert fields
    assert all(field.description for field in fields.values())


def test_scores_have_one_finite_column_per_class(name: str, clips: Clips) -> None:
    scores = class_scores(trained(settings_of(name), clips), clips.features, clips.text)
    assert scores.shape == (len(clips), len(clips.classes))
    assert scores.isfinite().all()


@pytest.mark.parametrize("rows", [range(12), [0], [0, 1]], ids=["batch", "batch of one", "batch of one class"])
@pytest.mark.parametrize("name", ITERATIVE)
def test_the_loss_is_finite_and_reaches_every_parameter(
    name: str, rows: range, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    settings = settings_of(name)
    clips = seen_clips(settings, dataset, features, embeddings)
    method = build_method(settings, clips, seed=0)
    batch = clips.batch(torch.tensor(list(rows)) * (3 if len(rows) > 2 else 1), epoch=99)
    batch = replace(batch, draws=method.draws(batch.labels, torch.Generator().manual_seed(0)))
    before = {key: value.clone() for key, value in method.state_dict().items()}
    losses = method.losses(batch)
    assert losses["loss"].shape == ()
    assert all(value.isfinite() for value in losses.values())
    losses["loss"].backward()
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
    for parameter_name, parameter in method.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        if len(rows) > 2:
            assert parameter.grad.abs().sum() > 0, parameter_name


def test_permuting_the_classes_permutes_the_scores(name: str, clips: Clips) -> None:
    method = trained(settings_of(name), clips)
    order = torch.randperm(len(clips.classes), generator=torch.Generator().manual_seed(3))
    plain = class_scores(method, clips.features, clips.text)
    permuted = class_scores(method, clips.features, clips.text.select(order))
    torch.testing.assert_close(permuted, plain[:, order], atol=1e-5, rtol=1e-5)


def test_a_single_candidate_class_can_be_scored(name: str, clips: Clips) -> None:
    method = trained(settings_of(name), clips)
    alone = class_scores(method, clips.features, clips.text.select(torch.tensor([2])))
    torch.testing.assert_close(alone, class_scores(method, clips.features, clips.text)[:, 2:3], atol=1e-5, rtol=1e-5)


def test_same_seed_same_weights(name: str, clips: Clips) -> None:
    settings = settings_of(name)
    first, again, other = (trained(settings, clips, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    if settings.train:
        assert any(not torch.equal(value, other[key]) for key, value in first.items())


@pytest.mark.parametrize("name", ITERATIVE)
def test_a_resumed_training_equals_an_unbroken_one(
    name: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings, tmp_path: Path
) -> None:
    settings = settings_of(name)
    clips = seen_clips(settings, dataset, features, embeddings)
    method = build_method(settings, clips, seed=0)
    fit(method, clips, settings.train, Plan(0, 2, checkpoint=tmp_path / "c.safetensors"))
    resumed = build_method(settings, clips, seed=9)
    fit(resumed, clips, settings.train, Plan(9, 4, checkpoint=tmp_path / "c.safetensors"))
    unbroken = trained(settings, clips).state_dict()
    assert all(torch.equal(value, unbroken[key]) for key, value in resumed.state_dict().items())


def test_a_run_is_reused_evaluated_and_saved(name: str, store: Store, task: Task) -> None:
    config = RunConfig(method=name, overrides=SMALL.get(name, ()), device="cpu")
    run = train(store, task, config)
    assert train(store, task, config).card.made == run.card.made
    assert evaluate(run, task, "cpu") == read_report(run)


def test_no_clip_of_an_unseen_class_reaches_the_training(
    name: str, store: Store, task: Task, features: FeatureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[FeatureSet] = []
    original = train_module.train_selected

    def spy(job, select, oracle):  # type: ignore[no-untyped-def]
        received.append(job.seen)
        for value in vars(job).values():
            assert not isinstance(value, FeatureSet) or value is job.seen
        return original(job, select, oracle)

    monkeypatch.setattr(train_module, "train_selected", spy)
    first = train(store, task, RunConfig(method=name, overrides=SMALL.get(name, ()), device="cpu"))
    (seen,) = received
    assert len(seen)
    assert not np.isin(seen.labels, task.split.unseen).any()
    assert np.isin(seen.subjects, task.protocol.train).all()
    assert (first.path / "weights.safetensors").read_bytes() == _weights_without_unseen(name, store, task, features)


def _weights_without_unseen(name: str, store: Store, task: Task, features: FeatureSet) -> bytes:
    """Weights of the same run on features whose unseen and test clips hold other numbers."""
    forbidden = np.isin(features.labels, task.split.unseen) | ~np.isin(features.subjects, task.protocol.train)
    changed = features.arrays["pooled"].copy()
    changed[forbidden] = 7.0
    other = Store(store.root.parent / "other")
    altered = replace(features, arrays={"pooled": changed})

    def build(folder: Path) -> dict[str, str]:
        altered.write(folder)
        return {}

    config = {"dataset": "toy", "backbone": "none", "trained_on": []}
    artifact = other.make(Recipe("features", "toy", "other features", config, synthetic=True), build)
    run = train(
        other,
        replace(task, features=artifact),
        RunConfig(method=name, overrides=SMALL.get(name, ()), device="cpu"),
    )
    return (run.path / "weights.safetensors").read_bytes()
