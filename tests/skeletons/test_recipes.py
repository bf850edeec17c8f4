from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.recipes import (
    RECIPES,
    align_shoulders,
    centre_crop,
    find_recipe,
    random_crop,
    resize,
    rotation,
    translate,
)


@pytest.fixture
def joints() -> np.ndarray:
    """Two persons, 40 frames; the second one comes and goes."""
    joints = np.random.default_rng(0).normal(size=(2, 40, 25, 3)) + np.array([0, 0, 3])
    joints[1, 10:20] = 0
    return joints


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("frames", [1, 2, 40, 300])
def test_every_recipe_gives_its_shape_and_only_finite_numbers(name: str, frames: int) -> None:
    recipe = RECIPES[name]
    clip = recipe(np.random.default_rng(1).normal(size=(1, frames, 25, 3)))
    assert clip.shape == (3, recipe.frames, 25, 1)
    assert clip.dtype == np.float32
    assert np.isfinite(clip).all()


@pytest.mark.parametrize("name", RECIPES)
def test_an_absent_second_person_stays_zero(name: str, joints: np.ndarray) -> None:
    joints[1] = 0
    assert not RECIPES[name](joints)[..., 1].any()


@pytest.mark.parametrize("name", RECIPES)
def test_place_in_the_room_does_not_matter(name: str) -> None:
    joints = np.random.default_rng(2).normal(size=(1, 40, 25, 3))
    moved = RECIPES[name](joints + np.array([1.0, -2.0, 3.0]))
    np.testing.assert_allclose(moved, RECIPES[name](joints), atol=1e-5)


def test_recipes_are_centred_where_they_say(joints: np.ndarray) -> None:
    assert np.abs(RECIPES["hip-32"](joints)[:, :, 0]).max() == 0
    assert np.abs(RECIPES["aimclr-50"](joints)[:, :, 20]).max() < 1e-6
    assert not translate(joints)[0, 0, 1].any()
    assert not translate(joints)[1, 10:20].any()


def test_aimclr_turns_the_shoulders_parallel_to_x() -> None:
    # A person half turned away, the same in every frame, as seen from both sides.
    for angle in (0.7, -0.7):
        joints = np.random.default_rng(3).normal(size=(1, 1, 25, 3)).repeat(20, axis=1)
        joints[:, :, 8] = joints[:, :, 4] + np.array([np.cos(angle), 0.1, np.sin(angle)])
        clip = RECIPES["aimclr-50"](joints)
        line = clip[:, :, 8, 0] - clip[:, :, 4, 0]
        np.testing.assert_allclose(line[0], 1, atol=1e-3)
        np.testing.assert_allclose(line[2], 0, atol=1e-2)


def test_aimclr_counts_frames_at_the_hip_of_the_first_person() -> None:
    joints = np.random.default_rng(4).normal(size=(1, 30, 25, 3))
    short = RECIPES["aimclr-50"](joints[:, :20])
    joints[:, 20:] = 0
    np.testing.assert_array_equal(RECIPES["aimclr-50"](joints), short)


def test_alignment_keeps_distances(joints: np.ndarray) -> None:
    before = np.linalg.norm(joints[:, :, 1:] - joints[:, :, :1], axis=-1)
    aligned = align_shoulders(joints)
    np.testing.assert_allclose(np.linalg.norm(aligned[:, :, 1:] - aligned[:, :, :1], axis=-1), before, atol=1e-12)


def test_resize_is_linear_with_half_pixel_centres() -> None:
    ramp = np.arange(4.0)[None, :, None, None] * np.ones((1, 4, 25, 3))
    np.testing.assert_allclose(resize(ramp, 8)[0, :, 0, 0], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    np.testing.assert_allclose(resize(ramp, 2)[0, :, 0, 0], [0.5, 2.5])
    np.testing.assert_array_equal(resize(ramp, 4), ramp)


def test_centre_crop_cuts_both_ends_of_the_valid_frames() -> None:
    clip = np.ones((1, 100, 25, 3)) * np.arange(1, 101)[None, :, None, None]
    padded = np.concatenate([clip, np.zeros_like(clip)], axis=1)
    assert centre_crop(padded)[0, [0, -1], 0, 0].tolist() == [3, 98]


@pytest.mark.parametrize(
    ("fraction", "offset", "first", "last"), [(0.8, 0.0, 1, 80), (0.8, 0.999, 21, 100), (0.5, 0.0, 1, 64)]
)
def test_random_crop_follows_its_draws(fraction: float, offset: float, first: int, last: int) -> None:
    clip = np.ones((1, 100, 25, 3)) * np.arange(1, 101)[None, :, None, None]
    assert random_crop(clip, fraction, offset)[0, [0, -1], 0, 0].tolist() == [first, last]


def test_random_crop_takes_a_short_clip_whole() -> None:
    assert random_crop(np.ones((1, 30, 25, 3)), 0.5, 0.7).shape[1] == 30


def test_rotations_are_rotations() -> None:
    matrices = rotation(np.random.default_rng(5).uniform(-3, 3, size=(7, 3)))
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (7, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1)


def test_names_are_forgiving_and_wrong_ones_explained() -> None:
    assert find_recipe("AimCLR_50").name == "aimclr-50"
    with pytest.raises(UsageError, match="ctr-64"):
        find_recipe("ctr-46")
