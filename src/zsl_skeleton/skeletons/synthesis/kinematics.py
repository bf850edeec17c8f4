"""From controls (where hands, feet, pelvis and trunk are) to the positions of the 25 joints.

Body coordinates: x to the person's left, y up, z forward; the floor is y = 0 and the person stands over the origin.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.skeletons.synthesis.body import Body

Floats = NDArray[np.float64]

REST: Mapping[str, tuple[float, float, float]] = {
    # (out to the limb's own side, up, forward) from the shoulder, in arm lengths
    "left-hand": (0.14, -0.95, 0.08),
    "right-hand": (0.14, -0.95, 0.08),
    # (out, up, forward) from where the foot stands at rest, in leg lengths
    "left-foot": (0.0, 0.0, 0.0),
    "right-foot": (0.0, 0.0, 0.0),
    # (left, up, forward) from where the pelvis is at rest, in leg lengths
    "pelvis": (0.0, 0.0, 0.0),
    # radians: leaning forward, leaning to the left, turning to the left
    "trunk": (0.0, 0.0, 0.0),
    "head": (0.0, 0.0, 0.0),
}
"""The channels that control a body, with their values while it stands still."""

_SIDES = (("left", 1.0, 4, 12, 21), ("right", -1.0, 8, 16, 23))
_STRETCH = 0.985  # legs at rest, as a part of their full length: knees are never quite straight


def pose(body: Body, controls: Mapping[str, Floats]) -> Floats:
    """Joint positions [T, 25, 3] in metres for controls [T, 3] per channel of ``REST``.

    Hands and feet that are out of reach stop at the limb's length, so bone lengths never change.
    """
    trunk, head = controls["trunk"], controls["head"]
    joints = np.zeros((len(trunk), 25, 3))
    hip_height = body.ankle_height + _STRETCH * body.leg
    joints[:, 0] = np.array([0.0, hip_height + body.hip_drop, 0.0]) + body.leg * controls["pelvis"]
    upper = _rotations(trunk)
    joints[:, 1] = joints[:, 0] + body.lower_spine * _rotations(0.5 * trunk)[:, :, 1]
    joints[:, 20] = joints[:, 1] + body.upper_spine * upper[:, :, 1]
    joints[:, 2] = joints[:, 20] + body.neck * _rotations(trunk + 0.3 * head)[:, :, 1]
    joints[:, 3] = joints[:, 2] + body.head * _rotations(trunk + head)[:, :, 1]
    around = _rotations(trunk * np.array([0.0, 0.0, 1.0]))
    pelvis = _rotations(trunk * np.array([0.0, 0.0, 0.25]))
    for side, sign, shoulder, hip, tip in _SIDES:
        joints[:, shoulder] = joints[:, 20] + upper @ np.array(
            [sign * body.shoulder_half_width, -body.shoulder_drop, 0]
        )
        joints[:, hip] = joints[:, 0] + pelvis @ np.array([sign * body.hip_half_width, -body.hip_drop, 0])
        _arm(body, joints, (shoulder, tip, sign), controls[f"{side}-hand"], around)
        _leg(body, joints, (hip, sign), controls[f"{side}-foot"])
    return joints


def _arm(body: Body, joints: Floats, where: tuple[int, int, float], hand: Floats, around: Floats) -> None:
    shoulder, tip, sign = where
    outwards = np.array([sign, 1.0, 1.0])
    root = joints[:, shoulder]
    target = root + body.arm * _turn(around, hand * outwards)
    elbow_side = _turn(around, np.broadcast_to(np.array([0.45, -0.65, -0.6]) * outwards, hand.shape))
    elbow, wrist = _two_bones(root, target, (body.upper_arm, body.forearm), elbow_side)
    along = _unit(wrist - elbow)
    inwards = _turn(around, np.broadcast_to(np.array([-0.6, 0.2, 0.8]) * outwards, hand.shape))
    across = _unit(inwards - _dot(inwards, along) * along)
    joints[:, shoulder + 1], joints[:, shoulder + 2] = elbow, wrist
    joints[:, shoulder + 3] = wrist + body.hand * along
    joints[:, tip] = joints[:, shoulder + 3] + body.hand_tip * along
    joints[:, tip + 1] = wrist + body.thumb * _unit(along + across)


def _leg(body: Body, joints: Floats, where: tuple[int, float], foot: Floats) -> None:
    hip, sign = where
    outwards = np.array([sign, 1.0, 1.0])
    stand = np.array([sign * 1.1 * body.hip_half_width, body.ankle_height, 0.0])
    root = joints[:, hip]
    knee_side = np.broadcast_to(np.array([0.12, 0.0, 1.0]) * outwards, foot.shape)
    knee, ankle = _two_bones(root, stand + body.leg * foot * outwards, (body.thigh, body.shank), knee_side)
    shank = _unit(ankle - knee)
    planted = _unit(np.array([[0.2 * sign, -0.4, 1.0]]))
    ahead = np.array([[0.1 * sign, 0.0, 1.0]])
    free = _unit(_unit(ahead - _dot(ahead, shank) * shank) + 0.4 * shank)
    lifted = np.clip(foot[:, 1:2] / 0.15, 0.0, 1.0)
    joints[:, hip + 1], joints[:, hip + 2] = knee, ankle
    joints[:, hip + 3] = ankle + body.foot * _unit(lifted * free + (1.0 - lifted) * planted)


def _two_bones(root: Floats, target: Floats, lengths: tuple[float, float], bend: Floats) -> tuple[Floats, Floats]:
    """Middle and end [T, 3] of two bones from ``root`` towards ``target``; the middle joint bends towards ``bend``."""
    first, second = lengths
    reach = np.linalg.norm(target - root, axis=-1, keepdims=True)
    ahead = (target - root) / np.maximum(reach, 1e-9)
    reach = np.clip(reach, 0.2 * (first + second), 0.999 * (first + second))
    along = (first**2 - second**2 + reach**2) / (2.0 * reach)
    beside = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    middle = root + along * ahead + beside * _unit(bend - _dot(bend, ahead) * ahead)
    return middle, root + reach * ahead


def _rotations(angles: Floats) -> Floats:
    """[T, 3, 3] from [T, 3] (forward, left, turn): first lean forward, then to the left, then turn to the left."""
    (sp, sr, st), (cp, cr, ct) = np.sin(angles).T, np.cos(angles).T
    zero, one = np.zeros_like(sp), np.ones_like(sp)
    pitch = np.array([[one, zero, zero], [zero, cp, -sp], [zero, sp, cp]])
    roll = np.array([[cr, sr, zero], [-sr, cr, zero], [zero, zero, one]])
    turn = np.array([[ct, zero, st], [zero, one, zero], [-st, zero, ct]])
    first, second, third = (np.moveaxis(matrix, -1, 0) for matrix in (turn, roll, pitch))
    rotations: Floats = first @ second @ third
    return rotations


def _turn(rotations: Floats, vectors: Floats) -> Floats:
    turned: Floats = np.einsum("tij,tj->ti", rotations, vectors)
    return turned


def _unit(vectors: Floats) -> Floats:
    units: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return units


def _dot(first: Floats, second: Floats) -> Floats:
    products: Floats = np.sum(first * second, axis=-1, keepdims=True)
    return products
