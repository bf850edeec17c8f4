"""Extraction: what is written, for whom, and that a kill leaves no trace."""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from zsl_skeleton.artifacts import Store
from zsl_skeleton.backbones import extract as extract_package
from zsl_skeleton.backbones.classifier import BackboneSpec
from zsl_skeleton.backbones.config import ExtractConfig, PretrainConfig
from zsl_skeleton.backbones.extract import extract, seen_accuracy
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors, write_tensors
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

SHORT = PretrainConfig(epochs=1, batch=8, device="cpu")


@pytest.fixture
def clips(skeletons):
    return skeletons(persons=2)


@pytest.fixture
def backbone(store, clips, dataset, split):
    return pretrain(store, clips, dataset, split, SHORT)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(extract_package, "CHUNK", 16)


def test_features_of_all_clips(store, clips, backbone, dataset, split):
    artifact = extract(store, clips, backbone)
    features = FeatureSet.open(artifact)
    source = SkeletonSet.open(clips)
    shapes = {name: array.shape for name, array in features.arrays.items()}
    assert shapes == {"pooled": (60, 256), "joints": (60, 25, 256), "frames": (60, 3, 256), "logits": (60, 5)}
    assert features.ids == source.ids
    assert np.array_equal(features.labels, source.labels)
    assert np.array_equal(features.subjects, source.subjects)
    assert features.trained_on == (0, 1, 2, 3)
    assert (features.protocol, features.backbone) == ("xsub", backbone.path.name)
    assert features.synthetic
    assert artifact.card.inputs["backbone"].id == backbone.id
    np.testing.assert_allclose(features.arrays["joints"].mean(1), features.arrays["pooled"], atol=1e-5)
    np.testing.assert_allclose(features.arrays["frames"].mean(1), features.arrays["pooled"], atol=1e-5)
    parts = partition(features, dataset, split, dataset.protocol(None))
    assert 0 <= seen_accuracy(parts.test_seen) <= 1
    leaking = split.model_copy(update={"unseen": (1,)})
    with pytest.raises(InputError, match="trained on unseen classes"):
        partition(features, dataset, leaking, dataset.protocol(None))


def test_only_what_is_asked_for(store, clips, backbone):
    features = FeatureSet.open(extract(store, clips, backbone, ExtractConfig(keep=("frames",))))
    assert sorted(features.arrays) == ["frames", "pooled"]
    with pytest.raises(InputError, match="no logits"):
        seen_accuracy(features)


@pytest.mark.parametrize("writes", [0, 1, 3, 5])
def test_interrupted_anywhere_gives_equal_bytes(store, tmp_path, clips, backbone, monkeypatch, writes):
    """Four shards, the features, the names, the card: stopped after some of the writes, then started again."""
    whole = extract(store, clips, backbone)
    other = Store(tmp_path / "stopped")

    class StopError(BaseException):
        pass

    flush, done = os.fsync, []

    def fsync(file):
        if len(done) == writes:
            raise StopError
        done.append(file)
        flush(file)

    with monkeypatch.context() as patched, pytest.raises(StopError):
        patched.setattr(os, "fsync", fsync)
        extract(other, clips, backbone)
    assert not other.all("features")
    resumed = extract(other, clips, backbone)
    for name in whole.card.files:
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert set(resumed.card.files) == {"features.safetensors", "samples.txt"}


def test_broken_backbones_and_skeletons(store, clips, backbone, skeletons, tmp_path):
    with pytest.raises(InputError, match="trained on recipe aimclr-50, the skeletons have recipe ctr-64"):
        extract(store, skeletons(recipe="ctr-64"), backbone)
    poisoned = skeletons(store=Store(tmp_path / "poisoned"), poison=lambda clip: clip.id == "a4_s2_t0")
    with pytest.raises(InputError, match="not finite: a4_s2_t0"):
        extract(store, poisoned, backbone)
    with pytest.raises(InputError, match="not a backbone"):
        extract(store, clips, clips)
    weights = backbone.path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="is damaged"):
        store.get("backbones", backbone.path.name, mend="")
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        extract(store, clips, backbone)


def test_a_backbone_of_broken_weights(store, clips, backbone):
    weights = read_tensors(backbone.path / "weights.safetensors")
    weights["head.weight"][0, 0] = np.inf
    write_tensors(backbone.path / "weights.safetensors", weights)
    with pytest.raises(InputError, match="'logits' of clip a0_s1_t0 is not finite"):
        extract(store, clips, backbone)
    del weights["head.weight"]
    write_tensors(backbone.path / "weights.safetensors", weights)
    with pytest.raises(InputError, match="do not fit its card"):
        extract(store, clips, replace(backbone))


@pytest.mark.parametrize("pooling", ["mean", "present"])
@pytest.mark.parametrize("name", ["st-gcn", "shift-gcn"])
def test_the_inputs_of_neuron_are_means_of_the_whole_cube(store, clips, name, pooling):
    """Means per joint over time and per frame over joints, both over the persons, of maps [n, M, T', V, D]."""
    config = ExtractConfig(backbone=name, encoder={"person_pooling": pooling})
    features = FeatureSet.open(extract(store, clips, None, config)).arrays
    encoder = BackboneSpec.of(name, config.encoder).untrained().eval()
    persons = torch.from_numpy(np.array(SkeletonSet.open(clips).clips)).permute(0, 4, 2, 3, 1)
    with torch.no_grad():
        cube = encoder.maps(persons.flatten(0, 1)).unflatten(0, persons.shape[:2]).numpy()
    assert cube.shape == (60, 2, 3, 25, 256)
    weight = persons.flatten(2).ne(0).any(2).double().numpy()
    assert 60 < weight.sum() < 120
    if pooling == "mean":
        weight = np.ones_like(weight)
    cube = np.einsum("nmtvd,nm->ntvd", cube, weight / weight.sum(1, keepdims=True))
    for kind, axes in (("joints", 1), ("frames", 2), ("pooled", (1, 2))):
        np.testing.assert_allclose(features[kind], cube.mean(axes), atol=1e-5, rtol=1e-4)


def test_half_precision_is_another_artifact_of_half_the_size(store, clips, backbone):
    whole, half = extract(store, clips, backbone), extract(store, clips, backbone, ExtractConfig(dtype="float16"))
    assert "dtype" not in whole.card.config
    assert half.card.config["dtype"] == "float16"
    sizes = [artifact.card.files["features.safetensors"].bytes - 60 * 24 for artifact in (whole, half)]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.01)
    exact, rounded = FeatureSet.open(whole).arrays, FeatureSet.open(half).arrays
    for name, array in exact.items():
        assert rounded[name].dtype == np.float16
        np.testing.assert_allclose(rounded[name], array, rtol=1e-3, atol=1e-6)


def test_too_large_for_half_precision(store, clips, backbone):
    weights = read_tensors(backbone.path / "weights.safetensors")
    weights["head.bias"][2] = 70_000
    write_tensors(backbone.path / "weights.safetensors", weights)
    with pytest.raises(InputError, match="'logits' of clip a0_s1_t0 does not fit into float16") as error:
        extract(store, clips, backbone, ExtractConfig(dtype="float16"))
    assert "65504" in error.value.why
    assert "--dtype float32" in error.value.mend
    extract(store, clips, backbone)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(store, clips, backbone, monkeypatch, capsys):
    needed = 60 * (1 + 25 + 3) * 256 * 4 + 60 * 5 * 4
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(2**40, 2**40, 2 * needed - 1))
    with pytest.raises(InputError, match="do not fit on the disk") as error:
        extract(store, clips, backbone)
    assert "--dtype float16" in error.value.mend
    assert not list(store.root.rglob("0*.safetensors"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(2**40, 2**40, 2 * needed))
    extract(store, clips, backbone)
    assert "60 clips, 1.7 MiB and, until the end, 1.7 MiB in shards" in capsys.readouterr().err


def test_a_disk_that_fills_up_while_shards_are_joined(store, tmp_path, clips, backbone):
    """The system refuses the large file; nothing of it stays, the shards do, and the next run joins them."""
    whole = extract(store, clips, backbone)
    other = Store(tmp_path / "full")
    largest, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # a shard takes half of it
    try:
        with pytest.raises(OSError, match="File too large"):
            extract(other, clips, backbone)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    left = {path.name for path in other.root.rglob("*") if path.is_file() and ".locks" not in path.parts}
    assert left == {"command.json", *(f"{start:09d}.safetensors" for start in (0, 16, 32, 48))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract_package, "read_clips", None)  # no clip is encoded again
        resumed = extract(other, clips, backbone)
    assert (resumed.path / "features.safetensors").read_bytes() == (whole.path / "features.safetensors").read_bytes()


def test_raw_joints(store, skeletons):
    clips = skeletons(recipe="hip-32")
    features = FeatureSet.open(extract(store, clips, None))
    assert features.trained_on == ()
    assert features.backbone == "raw-joints"
    joints = SkeletonSet.open(clips).clips[7][..., 0]  # [3, T, V]
    t = joints.shape[1]
    pooled = features.arrays["pooled"][7]
    assert pooled.shape == (3 * 25 * (2 * t - 1),)
    np.testing.assert_array_equal(pooled[: 75 * t].reshape(t, 25, 3), joints.transpose(1, 2, 0))
    moved = 5 * np.diff(joints.transpose(1, 2, 0), axis=0)
    np.testing.assert_array_equal(pooled[75 * t :].reshape(t - 1, 25, 3), moved)
    with pytest.raises(InputError, match="it needs hip-32"):
        extract(store, skeletons(recipe="aimclr-50"), None)
