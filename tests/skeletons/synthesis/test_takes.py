"""Takes: pure functions of their numbers, in camera coordinates, with a sensor's errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS
from zsl_skeleton.skeletons.synthesis.performer import generator
from zsl_skeleton.skeletons.synthesis.sensor import YAWS, View, record, see
from zsl_skeleton.skeletons.synthesis.takes import Take

TAKE = Take(COMPOSITIONS[0], subject=1, camera=2, repetition=1)
LEFT_SHOULDER, RIGHT_SHOULDER, SPINE = 4, 8, 1


def test_equal_takes_are_byte_equal() -> None:
    one, two = TAKE.shoot(), replace(TAKE).shoot()
    assert one.joints.tobytes() == two.joints.tobytes()
    assert one.guessed.tobytes() == two.guessed.tobytes()


@pytest.mark.parametrize("change", [{"subject": 2}, {"camera": 1}, {"repetition": 2}, {"setup": 2}, {"seed": 1}])
def test_every_number_matters(change: dict[str, int]) -> None:
    assert replace(TAKE, **change).shoot().joints.tobytes() != TAKE.shoot().joints.tobytes()


def test_cameras_see_the_same_performance() -> None:
    assert len({len(replace(TAKE, camera=camera).shoot().joints) for camera in YAWS}) == 1


@pytest.mark.parametrize("camera", YAWS)
def test_people_face_the_camera_with_the_left_shoulder_at_the_smaller_x(camera: int) -> None:
    for composition in COMPOSITIONS[::7]:
        joints = Take(composition, subject=3, camera=camera, repetition=1).shoot().joints
        assert np.isfinite(joints).all()
        assert joints[0, LEFT_SHOULDER, 0] < joints[0, RIGHT_SHOULDER, 0]
        assert 2.0 < joints[:, SPINE, 2].mean() < 4.5
        farther = joints[0, LEFT_SHOULDER, 2] - joints[0, RIGHT_SHOULDER, 2]
        assert farther == pytest.approx({1: 0.25, 2: 0.0, 3: -0.25}[camera], abs=0.1)


def test_errors_grow_with_distance_and_hidden_joints_are_guessed() -> None:
    body = np.random.default_rng(0).normal(0.0, 0.3, (80, 25, 3)).mean(axis=0) * np.ones((80, 1, 1))
    body[:, 10] = body[:, 1] + [0.0, 0.05, -0.3]  # right wrist behind the back
    body[:, 20] = body[:, 1] + [0.0, 0.2, 0.0]
    body[:, 0] = body[:, 1] - [0.0, 0.2, 0.0]
    spread = []
    for distance in (2.0, 4.0):
        seen = see(body, View(0.0, distance, 1.0), generator("see", 1))
        recording = record(seen, 1.0, generator("record", distance))
        assert recording.guessed[:, 10].all()
        spread.append(np.std(recording.joints[:, :4] - seen[:, :4]))
    assert spread[1] > 2.0 * spread[0]
