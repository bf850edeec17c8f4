"""A Kinect-like sensor: where it stands, what it sees badly, how it errs.

Camera coordinates as in NTU RGB+D: metres, y up, z away from the camera, x so that a person facing the camera has the
left shoulder at the smaller x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.skeletons.synthesis.body import PARENTS
from zsl_skeleton.skeletons.synthesis.performer import generator

Floats = NDArray[np.float64]

YAWS = {1: -45.0, 2: 0.0, 3: 45.0}
"""Degrees by which each camera sees the person turned: the horizontal angles of NTU RGB+D's three cameras."""

# Standard deviation of the jitter in metres: firm near the trunk, loose at hands and feet.
_JITTER = np.array(
    [3, 3, 4, 6, 4, 6, 9, 12, 4, 6, 9, 12, 4, 6, 10, 14, 4, 6, 10, 14, 3, 17, 20, 17, 20], dtype=np.float64
)
_JITTER = _JITTER[:, None] / 1000.0
_DRIFT = 0.04
_LIMBS = (5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 24)


@dataclass(frozen=True)
class View:
    """A camera of a set-up: yaw in degrees, distance of the person and height above the floor in metres."""

    yaw: float
    distance: float
    height: float

    @classmethod
    def of(cls, setup: int, camera: int, seed: int) -> View:
        """Camera 1, 2 or 3 of a set-up; the cameras of a set-up share height and distance."""
        random = generator("setup", setup, seed)
        return cls(YAWS[camera], random.uniform(2.5, 4.0), random.uniform(0.7, 1.4))


@dataclass(frozen=True)
class Recording:
    """What the sensor delivers: joints [T, 25, 3] in camera coordinates and whether each was guessed, bool [T, 25]."""

    joints: Floats
    guessed: NDArray[np.bool_]


def see(joints: Floats, view: View, random: np.random.Generator) -> Floats:
    """Body coordinates -> camera coordinates [T, 25, 3], without any error.

    The person stands up to 30 cm beside the marked spot and faces the wrong way by a few degrees.
    """
    yaw = np.radians(view.yaw + random.normal(0.0, 5.0))
    facing = np.array([[-np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, -np.cos(yaw)]])
    spot = np.array([random.uniform(-0.3, 0.3), -view.height, view.distance + random.uniform(-0.3, 0.3)])
    seen: Floats = joints @ facing.T + spot
    return seen


def record(seen: Floats, noise: float, random: np.random.Generator) -> Recording:
    """Add jitter that grows with the square of the distance, drifting guesses for hidden joints, and rare slips."""
    frames = len(seen)
    jitter = _JITTER * noise * np.mean(seen[:, 0, 2]) ** 2 / 9.0
    joints = seen + jitter * _smoothed(random.normal(0.0, 1.0, seen.shape), 3)
    guessed = _hidden(seen) | _slips(frames, random)
    weight = _smoothed(guessed[:, :, None].astype(np.float64), 5, keep_scale=True)
    drift = _smoothed(random.normal(0.0, 1.0, seen.shape), 15)
    return Recording(joints + noise * _DRIFT * weight * drift, guessed)


def _hidden(seen: Floats) -> NDArray[np.bool_]:
    """Joints of limbs that lie behind the trunk as the camera sees it."""
    trunk = seen[:, 1:2]
    behind = seen[:, :, 2] > trunk[:, :, 2] + 0.06
    beside = np.abs(seen[:, :, 0] - trunk[:, :, 0]) < 0.14
    within = (seen[:, :, 1] > seen[:, 0:1, 1]) & (seen[:, :, 1] < seen[:, 20:21, 1])
    hidden = np.zeros(seen.shape[:2], dtype=np.bool_)
    limbs = list(_LIMBS)
    hidden[:, limbs] = (behind & beside & within)[:, limbs]
    return hidden


def _slips(frames: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Now and then the sensor loses a joint and all that hangs on it for up to half a second."""
    slipped = np.zeros((frames, len(PARENTS)), dtype=np.bool_)
    for _ in range(random.poisson(0.4)):
        lost = {int(random.choice(_LIMBS))}
        for _ in range(3):
            lost |= {joint for joint, parent in enumerate(PARENTS) if parent in lost}
        start, length = random.integers(frames), random.integers(4, 16)
        slipped[start : start + length, sorted(lost)] = True
    return slipped


def _smoothed(noise: Floats, width: int, keep_scale: bool = False) -> Floats:
    """Moving average over ``width`` frames; white noise keeps its variance unless ``keep_scale`` asks for the mean."""
    sums = np.cumsum(np.pad(noise, ((width // 2 + 1, width // 2), (0, 0), (0, 0)), mode="edge"), axis=0)
    return (sums[width:] - sums[:-width]) / (width if keep_scale else np.sqrt(width))
