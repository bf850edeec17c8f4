"""Preprocessing recipes: from a clip as recorded to an array of fixed size. Named and versioned.

All steps work on joints [M, T, 25, 3] (persons, frames, NTU's joints, xyz) in float64; a recipe ends in float32
[3, T', 25, M]. An absent person, or a person absent from a frame, is all zero and stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.registry import find_name

Joints = NDArray[np.floating[Any]]

HIP, SPINE, LEFT_SHOULDER, RIGHT_SHOULDER, SPINE_SHOULDER = 0, 1, 4, 8, 20


@dataclass(frozen=True)
class ClipRecipe:
    """One way of preprocessing.

    Args:
        name: as written in commands and cards.
        version: raised whenever it would give other numbers.
        frames: T', the frames of every clip.
        what: one sentence for people.
        prepare: maps joints [M, T, 25, 3] to [M, T', 25, 3].
        bodies: how its authors choose the persons among tracked bodies, a key of
            :data:`zsl_skeleton.skeletons.bodies.CHOICES`.
    """

    name: str
    version: int
    frames: int
    what: str
    prepare: Callable[[Joints], Joints]
    bodies: str

    def __call__(self, joints: Joints) -> NDArray[np.float32]:
        """Preprocess one clip [M, T, 25, 3] (T >= 1) to float32 [3, T', 25, M]."""
        prepared = self.prepare(joints.astype(np.float64))
        return np.ascontiguousarray(prepared.transpose(3, 1, 2, 0), dtype=np.float32)


def resize(joints: Joints, frames: int) -> Joints:
    """Resample [M, T, V, 3] to ``frames`` frames: linear interpolation, half-pixel centres, edges replicated."""
    count = joints.shape[1]
    position = np.clip((np.arange(frames) + 0.5) * (count / frames) - 0.5, 0, count - 1)
    before = np.floor(position).astype(np.int64)
    after = np.minimum(before + 1, count - 1)
    weight = (position - before)[:, None, None]
    resized: Joints = joints[:, before] * (1 - weight) + joints[:, after] * weight
    return resized


def translate(joints: Joints) -> Joints:
    """Move the origin to the spine of person 0 in the first frame that shows them (CTR-GCN); absences stay zero."""
    present = np.asarray(joints.any(axis=(2, 3)))
    first = int(present[0].argmax())
    return np.where(present[:, :, None, None], joints - joints[0, first, SPINE], 0.0)


def align_shoulders(joints: Joints) -> Joints:
    """Turn every frame of every person [M, T, 25, 3] about the vertical until the shoulder line is parallel to x.

    The angle is per frame, its sign per clip and person, as in AimCLR's preprocessing: frames in which a person turns
    beyond the profile are therefore turned the wrong way.
    """
    line = joints[:, :, RIGHT_SHOULDER] - joints[:, :, LEFT_SHOULDER]
    length = np.hypot(line[..., 0], line[..., 2])
    angle = np.arccos(line[..., 0] / (length + 1e-4))
    angle = np.where(line[..., 2].sum(axis=1, keepdims=True) >= 0, -angle, angle)
    return rotate(joints, _about(1, angle)[:, :, None])


def rotation(angles: Joints) -> Joints:
    """Rotation matrices [..., 3, 3] = R_z R_y R_x of angles [..., 3] about x, y, z in radians (Neuron, section 4.1).

    The positive sense is clockwise seen from the positive end of the axis, as in the official code.
    """
    x, y, z = np.moveaxis(np.asarray(angles), -1, 0)
    return _about(2, z) @ _about(1, y) @ _about(0, x)


def rotate(joints: Joints, matrices: Joints) -> Joints:
    """Apply matrices [..., 3, 3] to vectors [..., 3]; the leading axes broadcast."""
    turned: Joints = np.einsum("...ij,...j->...i", matrices, joints)
    return turned


def valid_frames(joints: Joints) -> int:
    """Number of frames that are not all zero: the length of a clip padded with zeros at the end."""
    return int(np.count_nonzero(joints.any(axis=(0, 2, 3))))


def centre_crop(joints: Joints, fraction: float = 0.95) -> Joints:
    """The middle of the valid frames: (1 - fraction) / 2 of them, rounded down, is cut at each end."""
    valid = valid_frames(joints)
    cut = int((1 - fraction) * valid / 2)
    return joints[:, cut : valid - cut]


def random_crop(joints: Joints, fraction: float, offset: float, window: int = 64) -> Joints:
    """A random part of the valid frames, from draws made by the caller (Neuron's training augmentation).

    Args:
        joints: [M, T, 25, 3], padded or not.
        fraction: share of the valid frames to keep; officially uniform in [0.5, 1).
        offset: where the part lies between the earliest (0) and the latest place (1, excluded).
        window: the part is not cut below that many frames, if there are as many.
    """
    valid = valid_frames(joints)
    length = min(max(int(fraction * valid), window), valid)
    start = int(offset * (valid - length + 1))
    return joints[:, start : start + length]


def _about(axis: int, angle: Joints) -> Joints:
    """Matrices [..., 3, 3] that turn by ``angle`` [...] about one coordinate axis."""
    matrix = np.zeros((*np.shape(angle), 3, 3))
    after, last = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., after, after] = matrix[..., last, last] = np.cos(angle)
    matrix[..., after, last] = np.sin(angle)
    matrix[..., last, after] = -np.sin(angle)
    return matrix


def _aimclr(joints: Joints) -> Joints:
    """AimCLR's pipeline: spine-centred per frame and person, resized, shoulders parallel to the image."""
    # Counted at the hip of the first person, as officially: one exact zero there costs a frame at the end.
    count = int(np.count_nonzero(joints[0, :, HIP].any(axis=-1))) or joints.shape[1]
    centred = joints - joints[:, :, SPINE_SHOULDER, None]
    return align_shoulders(resize(centred[:, :count], 50))


def _ctr(joints: Joints) -> Joints:
    """CTR-GCN's translation, then the deterministic crop of Neuron's pre-training tests."""
    return resize(centre_crop(translate(joints)), 64)


def _hip(joints: Joints) -> Joints:
    """Hip-centred per frame and person."""
    return resize(joints - joints[:, :, HIP, None], 32)


RECIPES: dict[str, ClipRecipe] = {
    recipe.name: recipe
    for recipe in (
        ClipRecipe(
            "aimclr-50",
            1,
            50,
            "spine-centred, 50 frames, shoulders turned to the camera (AimCLR, SMIE)",
            _aimclr,
            "first",
        ),
        ClipRecipe(
            "ctr-64",
            1,
            64,
            "first frame's spine at the origin, middle 95 %, 64 frames (CTR-GCN, Neuron)",
            _ctr,
            "motion",
        ),
        ClipRecipe("hip-32", 1, 32, "hip-centred, 32 frames, not rotated (raw-joint baseline)", _hip, "motion"),
    )
}


def find_recipe(name: str) -> ClipRecipe:
    """The recipe that ``name`` means.

    Raises:
        UsageError: there is none of that name.
    """
    return RECIPES[find_name("recipe", name, RECIPES)]
