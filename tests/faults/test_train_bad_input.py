"""What a training makes of bad features, splits and batches: an error that says what, why and what mends it, or the
right result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toy_methods import ITERATIVE, run_config, settings_of
from toy_runs import WORLD, altered, kept, other_features, refused, scores_of, sound
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset, Split
from zsl_skeleton.errors import UsageError
from zsl_skeleton.files import read_tensors
from zsl_skeleton.methods import METHODS
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import read_report, train

dataset, features, embeddings, task = WORLD.dataset, WORLD.features, WORLD.embeddings, WORLD.task

every_method = pytest.mark.parametrize("name", sorted(METHODS))


# Features


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("kind", ["pooled", "joints", "frames", "masked", "logits"])
def test_a_number_that_is_none_in_any_input(
    store: Store, task: Task, features: FeatureSet, kind: str, value: float
) -> None:
    arrays = altered(dict(features.arrays), kind, (17, ..., 1), value)
    reader = {"joints": "neuron", "frames": "neuron", "masked": "smie"}.get(kind, "ridge")
    error = refused(store, other_features(store, task, features, arrays=arrays), run_config(reader))
    assert f"{kind!r} of clip {features.ids[17]} are not finite" in error.what
    assert "1 of 120 clips" in error.why
    assert "zsl-data extract" in error.mend


def test_features_of_another_data_set(store: Store, task: Task, features: FeatureSet) -> None:
    error = refused(store, other_features(store, task, features, dataset="other"), run_config("ridge"))
    assert error.what == "the features are of other, not of toy"
    assert error.mend == "zsl-data extract --dataset toy"


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_that_is_no_class(store: Store, task: Task, features: FeatureSet, label: int) -> None:
    labels = features.labels.copy()
    labels[3] = label
    error = refused(store, other_features(store, task, features, labels=labels), run_config("ridge"))
    assert f"{features.ids[3]} has label {label}" in error.what
    assert "0..9" in error.why


@every_method
def test_a_visual_input_that_was_not_extracted(store: Store, task: Task, features: FeatureSet, name: str) -> None:
    for kind in settings_of(name).method.needed_inputs:
        if kind == "pooled":
            continue  # no feature set is without it
        arrays = {key: value for key, value in features.arrays.items() if key != kind}
        error = refused(store, other_features(store, task, features, arrays=arrays), run_config(name))
        assert error.what == f"the features hold no {kind!r}"
        assert "pooled" in error.why
        assert kind not in error.why
        assert error.mend.startswith("zsl-data extract --dataset toy")


@every_method
def test_clips_that_are_all_alike(store: Store, task: Task, features: FeatureSet, name: str) -> None:
    arrays = {key: np.ones_like(value) for key, value in features.arrays.items()}
    made = sound(store, other_features(store, task, features, arrays=arrays), run_config(name))
    scores = scores_of(made)
    np.testing.assert_allclose(scores, scores[:1].repeat(len(scores), axis=0), atol=1e-5)


# Splits


def test_unseen_classes_listed_in_another_order(store: Store, task: Task) -> None:
    split = Split(name="first", unseen=(7, 0, 4), validation_unseen=(2, 1), source="test")
    expected = train(store, task, run_config("ridge"))
    assert train(store, replace(task, split=split), run_config("ridge")).id == expected.id


@every_method
def test_a_seen_class_without_training_clips(store: Store, task: Task, features: FeatureSet, name: str) -> None:
    lost = (features.labels == 5) & np.isin(features.subjects, task.protocol.train)
    run = sound(store, replace(task, features=kept(store, features, ~lost)), run_config(name))
    assert read_report(run).clips == 18
    assert scores_of(run).shape == (18, 3)


@every_method
def test_an_unseen_class_without_test_clips(store: Store, task: Task, features: FeatureSet, name: str) -> None:
    """It stays a candidate, counts in no mean, and the other clips' scores are what they were."""
    whole, fewer = (
        sound(store, some, run_config(name))
        for some in (task, replace(task, features=kept(store, features, features.labels != 4)))
    )
    report = read_report(fewer)
    assert [(row.index, row.clips) for row in report.per_class] == [(0, 6), (4, 0), (7, 6)]
    assert report.per_class[1].accuracy is None
    assert report.mean_class_accuracy == pytest.approx(
        (report.per_class[0].accuracy + report.per_class[2].accuracy) / 2
    )
    assert report.chance == pytest.approx(1 / 3)
    labels = read_tensors(whole.path / "scores.safetensors")["labels"]
    np.testing.assert_allclose(scores_of(fewer), scores_of(whole)[labels != 4], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("part", ["training clip of a seen class", "test clip of an unseen class"])
def test_a_part_without_clips(store: Store, task: Task, features: FeatureSet, part: str) -> None:
    training = np.isin(features.subjects, task.protocol.train)
    keep = ~training if part.startswith("training") else training
    error = refused(store, replace(task, features=kept(store, features, keep)), run_config("ridge"))
    assert f"toy has no {part} under split first" in error.what
    assert error.mend


def test_held_out_classes_without_clips(store: Store, task: Task, features: FeatureSet) -> None:
    some = replace(task, features=kept(store, features, ~np.isin(features.labels, task.split.validation_unseen)))
    error = refused(store, some, run_config("ridge", select="val"))
    assert error.what == "there is no clip of the classes 1, 2 of toy"
    assert "3, 5, 6, 8, 9" in error.why
    assert "--split" in error.mend


@every_method
def test_a_single_seen_class(store: Store, task: Task, dataset: Dataset, name: str) -> None:
    """Every batch is then of one class, and there is nothing to tell apart."""
    lonely = Split(name="lonely", unseen=tuple(i for i in range(10) if i != 3), source="test")
    run = sound(store, replace(task, split=lonely), run_config(name))
    assert scores_of(run).shape == (54, 9)


def test_too_few_seen_classes_to_hold_some_out(store: Store, task: Task) -> None:
    small = Split(name="small", unseen=tuple(range(7)), source="test")
    with pytest.raises(UsageError, match="seen classes") as caught:
        train(store, replace(task, split=small), run_config("ridge", select="val"))
    assert caught.value.exit_code == 2
    assert "--select last" in caught.value.mend


# Batches


def test_batches_of_one_clip_that_are_all_left_out(store: Store, task: Task) -> None:
    with pytest.raises(UsageError, match="every batch is left out; set skip_single=false") as caught:
        train(store, task, run_config("mla", "batch=1", "skip_single=true"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ITERATIVE)
def test_batches_of_one_clip(store: Store, task: Task, name: str) -> None:
    sound(store, task, run_config(name, "batch=1", "skip_single=false", "epochs=2"))


@pytest.mark.parametrize("skip", ["true", "false"])
@pytest.mark.parametrize("name", ITERATIVE)
def test_a_last_batch_of_one_clip(store: Store, task: Task, name: str, skip: str) -> None:
    sound(store, task, run_config(name, "batch=41", f"skip_single={skip}", "epochs=2", "steps=null"))


@pytest.mark.parametrize("name", ITERATIVE)
def test_a_batch_larger_than_the_data(store: Store, task: Task, name: str) -> None:
    sound(store, task, run_config(name, "batch=5000"))
