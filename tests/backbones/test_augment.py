"""Augmentations change bodies and speeds, never who is there or what is where."""

from __future__ import annotations

import pytest
import torch

from zsl_skeleton.backbones.augment import NONE, STANDARD, Augmentation


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def clips() -> torch.Tensor:
    made = torch.randn(6, 3, 20, 25, 2, generator=generator())
    made[:3, ..., 1] = 0
    return made


def test_off_is_off(clips):
    assert torch.equal(NONE(clips, generator()), clips)


def test_absent_persons_stay_absent_and_equal_draws_give_equal_clips(clips):
    changed = STANDARD(clips, generator())
    assert not changed[:3, ..., 1].any()
    assert changed[3:, ..., 1].ne(clips[3:, ..., 1]).all()
    assert torch.equal(changed, STANDARD(clips, generator()))
    assert not torch.equal(changed, STANDARD(clips, generator(1)))


def test_turning_keeps_heights_and_distances(clips):
    turned = Augmentation(turn=90)(clips, generator())
    torch.testing.assert_close(turned[:, 1], clips[:, 1])
    torch.testing.assert_close(turned.norm(dim=1), clips.norm(dim=1))
    assert not torch.allclose(turned, clips, atol=0.1)


def test_rotations_never_mirror():
    transforms = STANDARD.model_copy(update={"turn": 180.0})._transforms(200, generator())
    assert (torch.linalg.det(transforms) > 0).all()


def test_scale_and_tilt_stay_in_range(clips):
    scaled = Augmentation(scale=0.2)(clips, generator())
    ratio = (scaled / clips)[3:]
    assert ratio.min() > 0.8
    assert ratio.max() < 1.2
    upright = torch.zeros(50, 3, 1, 25, 1)
    upright[:, 1] = 1
    tilted = Augmentation(tilt=10)(upright, generator())
    assert tilted[:, 1].min() > torch.tensor(20.0).deg2rad().cos()


def test_crop_is_a_stretched_part_of_the_clip():
    ramp = torch.arange(20.0).view(1, 1, 20, 1, 1).expand(64, 3, 20, 25, 1)
    cropped = Augmentation(crop=0.5)(ramp, generator())[:, 0, :, 0, 0]
    steps = cropped.diff(dim=1)
    assert cropped.min() >= 0
    assert cropped.max() <= 19 + 1e-4
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), atol=1e-4, rtol=0)  # uniform speed stays uniform
    lengths = cropped[:, -1] - cropped[:, 0]
    assert lengths.min() >= 9.5 - 1e-4
    assert lengths.std() > 1


def test_one_frame_clips_survive():
    still = torch.ones(2, 3, 1, 25, 1)
    assert STANDARD(still, generator()).isfinite().all()
