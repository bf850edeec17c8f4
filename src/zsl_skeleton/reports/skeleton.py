"""Skeletons as drawings: NTU's 25 joints, the person's left and right in two colours."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from zsl_skeleton.html.svg import compact, element
from zsl_skeleton.skeletons.layouts import BONES, JOINTS, NTU

Clip = NDArray[np.floating[Any]]
SIDES = ("middle", "left", "right")
SIZE = (200.0, 210.0)
_ROOM = 12.0
_LEVELS = 255.0


def side(joint: int) -> int:
    """0: middle of the body, 1: left, 2: right."""
    return next((k for k, name in enumerate(SIDES) if k and JOINTS[NTU][joint].startswith(name)), 0)


def bones() -> list[list[int]]:
    """(joint, its parent, side) of every bone."""
    return [[joint, parent, side(joint)] for joint, parent in BONES[NTU]]


class Placed:
    """A clip [3, T, V, M] brought to the size of a drawing: 0..255 per coordinate, all axes alike.

    Persons that are absent (all zero) are left out. Coordinates: x to the right, y up, z towards the camera or away.
    """

    def __init__(self, clip: Clip) -> None:
        present = [person for person in range(clip.shape[3]) if np.any(clip[..., person])] or [0]
        xyz = np.asarray(clip, np.float64)[..., present].transpose(1, 3, 2, 0)  # [T, M, V, 3]
        low, high = xyz.min(axis=(0, 1, 2)), xyz.max(axis=(0, 1, 2))
        span = float((high - low).max()) or 1.0
        # Turned about the vertical axis the body must stay inside: its middle is the middle of x and z.
        self.levels = np.rint((xyz - (low + high) / 2) / span * _LEVELS + _LEVELS / 2).clip(0, 255).astype(np.uint8)
        tall = float((high - low)[1] / span) * _LEVELS
        self.scale = min((SIZE[0] - 2 * _ROOM) / _LEVELS, (SIZE[1] - 3 * _ROOM) / max(tall, 1.0))
        self.centre = SIZE[0] / 2
        self.top = (SIZE[1] - _ROOM) / 2 - self.scale * _LEVELS / 2

    @property
    def frames(self) -> int:
        """T."""
        return len(self.levels)

    @property
    def liveliest(self) -> int:
        """The frame that differs most from the mean pose, which tells most of all single frames."""
        poses = self.levels.astype(np.float64)
        return int(np.square(poses - poses.mean(0)).sum(axis=(1, 2, 3)).argmax())

    def points(self, frame: int) -> NDArray[np.float64]:
        """Places [M, V, 2] on the drawing."""
        pose = self.levels[frame].astype(np.float64)
        x = (pose[..., 0] - _LEVELS / 2) * self.scale + self.centre
        return np.stack([x, (_LEVELS - pose[..., 1]) * self.scale + self.top], axis=-1)

    def as_json(self) -> dict[str, Any]:
        """What the script needs to move it."""
        return {
            "frames": self.frames,
            "persons": self.levels.shape[1],
            "joints": self.levels.shape[2],
            "scale": round(self.scale, 4),
            "centre": round(self.centre, 2),
            "top": round(self.top, 2),
            "still": self.liveliest,
            "xyz": base64.b64encode(self.levels.tobytes()).decode(),
        }


def pose(points: NDArray[np.float64], kind: str = "") -> Iterator[Markup]:
    """Bones of one person at ``points`` [V, 2], a path per side."""
    for number, name in enumerate(SIDES):
        parts = [
            f"M{compact(points[a, 0])} {compact(points[a, 1])}L{compact(points[b, 0])} {compact(points[b, 1])}"
            for a, b, where in bones()
            if where == number
        ]
        yield element("path", d="".join(parts), class_=f"bones {name} {kind}".strip())
