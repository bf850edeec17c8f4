"""Training from the clips behind a feature set, through the frozen backbone that made it."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from zsl_skeleton.backbones.config import ExtractConfig, PretrainConfig
from zsl_skeleton.backbones.extract import extract
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods.base import ClassText
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import load_clips
from zsl_skeleton.training.frozen import FrozenClips, frozen_clips
from zsl_skeleton.training.job import build_method
from zsl_skeleton.training.loop import Plan, fit
from zsl_skeleton.training.settings import resolve_settings

_SPEC = importlib.util.spec_from_file_location("tiny_clips", Path(__file__).parents[1] / "backbones" / "conftest.py")
_TINY = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TINY)
dataset, split, skeletons = _TINY.dataset, _TINY.split, _TINY.skeletons

CPU = torch.device("cpu")
EXACT = ("text=[label]", "temporal=clips", "hidden=[16,8]", "epochs=3", "batch=8", "learning_rate=1e-3", "warmup=1")


@pytest.fixture
def clips(skeletons):
    return skeletons(persons=2)


@pytest.fixture
def features(store, clips, dataset, split):
    backbone = pretrain(store, clips, dataset, split, PretrainConfig(epochs=1, batch=8, device="cpu"))
    return extract(store, clips, backbone, ExtractConfig(keep=("pooled",), masked_views=2))


@pytest.fixture
def text():
    rows = F.normalize(torch.randn(5, 1, 12, generator=torch.Generator().manual_seed(0)), dim=-1)
    return ClassText({"label": rows}, {"label": torch.ones(5, 1, dtype=torch.bool)})


@pytest.fixture
def train(features, dataset, split):
    return partition(FeatureSet.open(features), dataset, split, dataset.protocol()).train


def trained(train, text, overrides=EXACT, epochs=3, checkpoint=None):
    settings = resolve_settings(RunConfig(method="smie", overrides=overrides), "tiny")
    part = load_clips(train, text, (0, 1, 2, 3), settings.method.needed_inputs)
    method = build_method(settings, part, 0)
    return method, part, fit(method, part, settings.train, Plan(0, epochs, checkpoint=checkpoint))


def test_training_reads_its_own_clips_batch_by_batch(train, text, clips, monkeypatch):
    read = []
    original = FrozenClips.read
    monkeypatch.setattr(FrozenClips, "read", lambda self, rows: (read.append(self.rows[rows]), original(self, rows))[1])
    method, part, records = trained(train, text)
    assert [len(rows) for rows in read] == [8, 8, 8] * 3
    reached = {part.frozen.skeletons.ids[row] for row in np.concatenate(read)}
    assert reached == set(train.ids)
    assert not any(name.startswith("a4_") for name in reached)  # class 4 is unseen
    assert all(np.isfinite(record["gap"]) for record in records)
    assert part.sizes.visual["clips"] == 12
    assert "clips" not in part.whole().features
    assert class_scores(method, part.features, part.text).isfinite().all()


def test_clips_labels_and_features_of_a_batch_belong_together(train, text):
    part = load_clips(train, text, (0, 2), ("pooled", "clips"))
    rows = torch.tensor([9, 0, 4])
    batch = part.batch(rows, epoch=0)
    torch.testing.assert_close(batch.encode(batch.features["clips"]), batch.features["pooled"], atol=1e-5, rtol=1e-5)
    labels = [int(part.frozen.skeletons.labels[row]) for row in part.frozen.rows[rows]]
    assert [part.classes[label] for label in batch.labels] == labels


def test_a_stopped_training_from_clips_goes_on_exactly(train, text, tmp_path):
    whole, _, _ = trained(train, text)
    trained(train, text, epochs=1, checkpoint=tmp_path / "c.safetensors")
    resumed, _, _ = trained(train, text, checkpoint=tmp_path / "c.safetensors")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_the_backbone_stays_as_it_is(train, text):
    part = load_clips(train, text, (0, 1), ("pooled", "clips"))
    before = {name: value.clone() for name, value in part.frozen.backbone.state_dict().items()}
    encoded = part.frozen.encode(part.frozen.read(torch.arange(3)))
    assert not encoded.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in part.frozen.backbone.state_dict().items())


def test_what_is_missing_is_named(train, text, features, clips, store):
    without = replace(train, arrays={"pooled": train.arrays["pooled"]})
    with pytest.raises(InputError, match="no 'masked'") as caught:
        load_clips(without, text, (0, 1), ("pooled", "masked"))
    assert "--masked-views 8" in caught.value.mend
    assert "--set temporal=off" in caught.value.mend
    with pytest.raises(InputError, match="lie in no folder"):
        load_clips(replace(train, source=None), text, (0, 1), ("pooled", "clips"))
    clips.path.rename(clips.path.parent / "gone")
    with pytest.raises(InputError, match="no artifact") as caught:
        frozen_clips(features, CPU)
    assert "temporal=views" in caught.value.mend
