"""Crops, rotation and shoulder alignment against the authors' code (tolerances: 1e-5, alignment 1e-9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zsl_skeleton.skeletons.recipes import align_shoulders, centre_crop, random_crop, resize, rotation


@pytest.fixture(scope="module")
def file(golden: Any) -> Any:
    return golden("neuron_preproc")


def _padded(clip: Any, total: int) -> Any:
    """[3, T, V, M] -> [M, total, V, 3], zeros behind the valid frames."""
    joints = np.zeros((clip.shape[3], total, clip.shape[2], 3))
    joints[:, : clip.shape[1]] = clip.transpose(3, 1, 2, 0)
    return joints


@pytest.mark.parametrize("name", ["long", "short"])
def test_centre_crop(file: Any, name: str) -> None:
    cfg, arrays = file
    result = resize(centre_crop(_padded(arrays[f"in.{name}.clip"], cfg["total"])), cfg["window"])
    expected = arrays[f"exp.{name}.center95"]
    np.testing.assert_allclose(result.transpose(3, 1, 2, 0)[:, :, ::4], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["long", "short"])
def test_random_crop(file: Any, name: str) -> None:
    cfg, arrays = file
    joints = _padded(arrays[f"in.{name}.clip"], cfg["total"])
    draws = np.random.RandomState(cfg["crop_seed"])
    fraction = draws.rand() * 0.5 + 0.5
    valid = arrays[f"in.{name}.clip"].shape[1]
    places = valid - min(max(int(fraction * valid), cfg["window"]), valid) + 1
    offset = (draws.randint(0, places) + 0.5) / places
    result = resize(random_crop(joints, fraction, offset, cfg["window"]), cfg["window"])
    np.testing.assert_allclose(result.transpose(3, 1, 2, 0)[:, :, ::4], arrays[f"exp.{name}.random"], atol=1e-5)


def test_rotation(file: Any) -> None:
    _, arrays = file
    np.testing.assert_allclose(rotation(arrays["in.angles"]), arrays["exp.rotation"], atol=1e-5)


def test_shoulder_alignment(file: Any) -> None:
    _, arrays = file
    names = [key.removeprefix("in.") for key in arrays if key.startswith("in.align")]
    for name in names:
        result = align_shoulders(arrays[f"in.{name}"].transpose(1, 2, 0)[None])
        np.testing.assert_allclose(result[0].transpose(2, 0, 1), arrays[f"exp.{name}"], atol=1e-9)
    assert names
