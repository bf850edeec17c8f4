"""Pre-training: hygiene, selection, errors, and exact resumption after SIGKILL."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.backbones.augment import NONE
from zsl_skeleton.backbones.classifier import open_classifier
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.extract import extract, seen_accuracy
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.features import FeatureSet, partition

SHORT = PretrainConfig(epochs=2, batch=8, checkpoint_seconds=0, device="cpu")

KILLED = """
import os, signal, sys
from pathlib import Path
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.catalog import Dataset

root, skeletons, dataset, config, count = sys.argv[1:]
left, flush = int(count), os.fsync

def fsync(file):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(file)

os.fsync = fsync
dataset = Dataset.model_validate_json(dataset)
config = PretrainConfig.model_validate_json(config)
pretrain(Store(Path(root)), Artifact.open(Path(skeletons)), dataset, dataset.split("one"), config)
"""


def contents(artifact) -> dict[str, bytes]:
    return {name: (artifact.path / name).read_bytes() for name in artifact.card.files}


@pytest.mark.slow
def test_killed_and_started_again_gives_equal_bytes(skeletons, dataset, split, tmp_path, store):
    """Killed during three of its writes: the command, six checkpoints, weights, metrics, card."""
    clips = skeletons()
    whole = pretrain(store, clips, dataset, split, SHORT)
    for moment in (2, 5, 9):
        other = Store(tmp_path / f"killed-{moment}")
        arguments = [other.root, clips.path, dataset.model_dump_json(), SHORT.model_dump_json(), moment]
        killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert not other.all("backbones")
        resumed = pretrain(other, clips, dataset, split, SHORT)
        assert contents(resumed) == contents(whole), f"killed during write {moment}"
        assert resumed.card.summary == whole.card.summary


def test_learns_the_seen_classes_and_tells_them(skeletons, dataset, split, store):
    config = PretrainConfig(epochs=15, batch=6, validation_fraction=0, augmentation=NONE, encoder={"dropout": 0.0})
    backbone = pretrain(store, skeletons(), dataset, split, config)
    assert backbone.card.config["trained_on"] == [0, 1, 2, 3]
    assert backbone.card.config["encoder"] == {"dropout": 0.0, "person_pooling": "present"}
    assert backbone.card.synthetic
    features = FeatureSet.open(extract(store, skeletons(), backbone))
    parts = partition(features, dataset, split, dataset.protocol(None))
    assert seen_accuracy(parts.train) > 0.9
    assert seen_accuracy(parts.test_seen) > 0.4  # chance: 0.25


def test_metrics_are_one_line_per_epoch_and_the_best_is_kept(skeletons, dataset, split, store):
    config = PretrainConfig(epochs=5, batch=8, validation_fraction=0.3)
    backbone = pretrain(store, skeletons(), dataset, split, config)
    rows = [json.loads(line) for line in (backbone.path / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["learning_rate"] == config.learning_rate
    assert rows[-1]["learning_rate"] == pytest.approx(config.learning_rate * (1 + np.cos(np.pi * 4 / 5)) / 2)
    best = max(rows, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert backbone.card.summary["kept"] == best
    assert backbone.card.summary["clips"] == {"train": 16, "validation": 8}


def test_unreachable_clips_do_not_matter(skeletons, dataset, split, store, tmp_path):
    """Poisoned unseen clips and poisoned clips of test subjects change no bit of the weights."""
    clean = pretrain(store, skeletons(), dataset, split, SHORT)
    elsewhere = Store(tmp_path / "poisoned")
    poisoned = skeletons(store=elsewhere, poison=lambda clip: clip.label in split.unseen or clip.subject in (2, 4))
    assert np.isnan(np.load(poisoned.path / "clips.npy")).any()
    assert contents(pretrain(elsewhere, poisoned, dataset, split, SHORT)) == contents(clean)


def test_pseudo_unseen_classes_can_be_left_out(skeletons, dataset, split, store, tmp_path):
    config = SHORT.model_copy(update={"exclude_validation_unseen": True})
    clips = skeletons(poison=lambda clip: clip.label == 3)
    assert pretrain(store, clips, dataset, split, config).card.config["trained_on"] == [0, 1, 2]


def test_validation_by_subject(skeletons, dataset, split, store):
    config = SHORT.model_copy(update={"validation_subjects": (3,)})
    made = pretrain(store, skeletons(), dataset, split, config)
    assert made.card.summary["clips"] == {"train": 12, "validation": 12}
    with pytest.raises(UsageError, match="validation subject 2 has no training clip"):
        pretrain(store, skeletons(), dataset, split, config.model_copy(update={"validation_subjects": (2,)}))


def test_softmax_over_the_seen_classes_only(skeletons, dataset, split, store):
    backbone = pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"logits": "seen"}))
    assert open_classifier(backbone).head.bias[4].item() == 0  # no gradient ever reached the unseen class
    official = pretrain(store, skeletons(), dataset, split, SHORT)
    assert open_classifier(official).head.bias[4].item() < 0


def test_settings_that_change_nothing_are_not_part_of_the_identity(skeletons, dataset, split, store):
    first = pretrain(store, skeletons(), dataset, split, SHORT)
    again = pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"checkpoint_seconds": 99.0}))
    assert first.path == again.path


def test_a_clip_that_is_not_finite_is_named(skeletons, dataset, split, store):
    clips = skeletons(poison=lambda clip: clip.id == "a1_s1_t2")
    with pytest.raises(InputError, match="a1_s1_t2") as error:
        pretrain(store, clips, dataset, split, SHORT)
    assert error.value.exit_code == 3


def test_divergence_is_an_error(skeletons, dataset, split, store):
    with pytest.raises(InputError, match="diverged in epoch 1"):
        pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"learning_rate": 1e36}))


def test_wrong_inputs(skeletons, dataset, split, store, tmp_path):
    with pytest.raises(InputError, match="cannot read skeletons of recipe hip-32"):
        pretrain(store, skeletons(recipe="hip-32"), dataset, split, SHORT)
    swapped = skeletons(
        store=Store(tmp_path / "swapped"), change=lambda clip: replace(clip, joints=clip.joints.swapaxes(2, 3))
    )
    with pytest.raises(InputError, match=r"have shape \[60, 3, 12, 1, 25\]"):
        pretrain(store, swapped, dataset, split, SHORT)
    other = dataset.model_copy(update={"name": "other"})
    with pytest.raises(InputError, match="of tiny, not of other"):
        pretrain(store, skeletons(), other, split, SHORT)
    with pytest.raises(UsageError, match=r"unknown backbone 'st-gnc'.*st-gcn"):
        pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"backbone": "st-gnc"}))
    with pytest.raises(UsageError, match="nothing to train"):
        pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"backbone": "raw-joints"}))
    with pytest.raises(UsageError, match="option 'dropuot'"):
        pretrain(store, skeletons(), dataset, split, SHORT.model_copy(update={"encoder": {"dropuot": 0.1}}))


def test_nothing_to_train_on(skeletons, dataset, split, store):
    strangers = dataset.model_copy(
        update={"protocols": {"xsub": dataset.protocols["xsub"].model_copy(update={"train": (9,)})}}
    )
    with pytest.raises(InputError, match="no clip to train on"):
        pretrain(store, skeletons(), strangers, split, SHORT)


def test_seen_classes_without_training_clips_are_named(skeletons, dataset, split, store, capsys):
    def elsewhere(clip):
        return replace(clip, subject=2) if clip.label == 1 else clip  # subject 2 only tests

    pretrain(store, skeletons(change=elsewhere), dataset, split, SHORT.model_copy(update={"epochs": 1}))
    assert "1 of 4 seen classes of split one have no training clip: move 1;" in capsys.readouterr().err
