"""Clips that stay on the disk train the same network; reading ahead changes neither order nor errors."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch

from zsl_skeleton.artifacts import Store
from zsl_skeleton.backbones import batches
from zsl_skeleton.backbones.batches import HeldClips, MappedClips, labelled, prefetched
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

SHORT = PretrainConfig(epochs=1, batch=8, device="cpu")
CPU = torch.device("cpu")


def test_clips_are_held_up_to_the_budget(skeletons):
    found, rows = SkeletonSet.open(skeletons()), np.array([5, 50, 7])
    size = 3 * found.clips[0].nbytes
    held, mapped = labelled(found, rows, CPU, size), labelled(found, rows, CPU, size - 1)
    assert (type(held), type(mapped)) == (HeldClips, MappedClips)
    wanted = [torch.tensor([2, 0]), torch.tensor([1])]
    for part in (held, mapped):
        assert torch.equal(part.labels, torch.from_numpy(found.labels[rows]))
        read = list(part.read(wanted))
        assert torch.equal(read[0], torch.from_numpy(found.clips[[7, 5]]))
        assert torch.equal(read[1], torch.from_numpy(found.clips[[50]]))


def test_clips_on_the_disk_give_the_same_bytes_and_identity(skeletons, dataset, split, store, tmp_path, monkeypatch):
    clips = skeletons()
    held = pretrain(store, clips, dataset, split, SHORT)
    monkeypatch.setattr(batches, "HeldClips", None)
    mapped = pretrain(Store(tmp_path / "mapped"), clips, dataset, split, SHORT.model_copy(update={"held_gib": 0.0}))
    assert mapped.id == held.id
    for name in held.card.files:
        assert (mapped.path / name).read_bytes() == (held.path / name).read_bytes()


def test_a_clip_on_the_disk_that_is_not_finite_is_named(skeletons, dataset, split, store):
    clips = skeletons(poison=lambda clip: clip.id == "a1_s1_t2")
    with pytest.raises(InputError, match="a1_s1_t2"):
        pretrain(store, clips, dataset, split, SHORT.model_copy(update={"held_gib": 0.0, "validation_fraction": 0.0}))


def test_bfloat16_trains_another_backbone_in_float32(skeletons, dataset, split, store):
    clips = skeletons()
    for backbone in ("st-gcn", "shift-gcn"):
        exact = SHORT.model_copy(update={"backbone": backbone})
        rough = exact.model_copy(update={"precision": "bf16"})
        assert "precision" not in exact.identity()
        assert rough.identity()["precision"] == "bf16"
        losses = [pretrain(store, clips, dataset, split, config).card.summary["kept"] for config in (exact, rough)]
        assert losses[0]["loss"] != losses[1]["loss"]
        assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=0.2)


def test_reading_ahead_keeps_the_order_and_a_distance():
    begun: list[int] = []

    def read(number: int) -> int:
        begun.append(number)
        assert threading.current_thread() is not threading.main_thread()
        return number * number

    results = prefetched(read, range(8), ahead=2)
    assert next(results) == 0
    time.sleep(0.05)
    assert begun == [0, 1, 2]
    assert list(results) == [number * number for number in range(1, 8)]


def test_reading_ahead_hands_an_error_on_in_its_turn_and_ends_its_thread():
    def read(number: int) -> int:
        if number == 3:
            raise InputError("broken")
        return number

    found = []
    with pytest.raises(InputError, match="broken"):
        for result in prefetched(read, range(9)):
            found.append(result)
    assert found == [0, 1, 2]
    results = prefetched(read, range(3))
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]
