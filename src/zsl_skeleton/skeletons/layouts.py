"""Joint layouts of the Kinect sensors, and the map between them.

Left and right are the person's. Coordinates are metres, y up; seen from the camera, a person who faces it has the left
shoulder at the smaller x. Layouts as published with NTU RGB+D (Kinect v2) and the Kinect for Windows SDK 1.x.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.registry import find_name

Joints = NDArray[np.floating[Any]]

NTU, KINECT_V1 = "ntu-25", "kinect-v1"

_LIMBS = (
    "left-shoulder", "left-elbow", "left-wrist", "left-hand",
    "right-shoulder", "right-elbow", "right-wrist", "right-hand",
    "left-hip", "left-knee", "left-ankle", "left-foot",
    "right-hip", "right-knee", "right-ankle", "right-foot",
)  # fmt: skip

JOINTS: dict[str, tuple[str, ...]] = {
    NTU: (
        "spine-base", "spine-middle", "neck", "head", *_LIMBS,
        "spine-shoulder", "left-hand-tip", "left-thumb", "right-hand-tip", "right-thumb",
    ),
    KINECT_V1: ("hip-center", "spine", "shoulder-center", "head", *_LIMBS),
}  # fmt: skip
"""Joint names in file order."""

BONES: dict[str, tuple[tuple[int, int], ...]] = {
    NTU: (
        (1, 0), (20, 1), (2, 20), (3, 2),
        (4, 20), (5, 4), (6, 5), (7, 6), (21, 7), (22, 7),
        (8, 20), (9, 8), (10, 9), (11, 10), (23, 11), (24, 11),
        (12, 0), (13, 12), (14, 13), (15, 14),
        (16, 0), (17, 16), (18, 17), (19, 18),
    ),
    KINECT_V1: (
        (1, 0), (2, 1), (3, 2),
        (4, 2), (5, 4), (6, 5), (7, 6), (8, 2), (9, 8), (10, 9), (11, 10),
        (12, 0), (13, 12), (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18),
    ),
}  # fmt: skip
"""Bones as (joint, its parent); the root is joint 0. A tree, so one bone fewer than joints."""

MADE_UP: dict[str, tuple[str, ...]] = {
    NTU: (),
    KINECT_V1: ("neck", "left-hand-tip", "left-thumb", "right-hand-tip", "right-thumb"),
}
"""Joints of NTU's layout that a layout lacks: they are derived from others, not measured."""

# Row of the Kinect v1 skeleton that becomes each NTU joint; the neck (2) is overwritten by a mean.
_FROM_KINECT_V1 = np.array([0, 1, 2, 3, *range(4, 20), 2, 7, 7, 11, 11])
_TO_KINECT_V1 = np.array([0, 1, 20, 3, *range(4, 20)])


def to_ntu(joints: Joints, layout: str) -> Joints:
    """Map joints [..., V, 3] of a layout to NTU's 25 joints [..., 25, 3].

    From Kinect v1, the neck is the middle of shoulder centre and head, hand tips and thumbs lie in the hand.

    Raises:
        UsageError: the layout is unknown.
        InputError: V is not the layout's number of joints.
    """
    layout = find_name("joint layout", layout, JOINTS)
    _check_count(joints, layout)
    if layout == NTU:
        return joints
    mapped = joints[..., _FROM_KINECT_V1, :]
    mapped[..., 2, :] = (joints[..., 2, :] + joints[..., 3, :]) / 2
    return mapped


def to_kinect_v1(joints: Joints) -> Joints:
    """Map NTU joints [..., 25, 3] to Kinect v1 [..., 20, 3]; undoes :func:`to_ntu` exactly.

    Raises:
        InputError: there are not 25 joints.
    """
    _check_count(joints, NTU)
    return joints[..., _TO_KINECT_V1, :]


def match_layout(names: Sequence[str]) -> tuple[str, list[int]]:
    """The layout whose joints are all among ``names``, and the position of each of them.

    Spelling is forgiving: ``ShoulderLeft``, ``left_shoulder`` and ``Left Shoulder`` are the same joint.

    Raises:
        InputError: no layout is covered; the message names the joints that are missing.
    """
    position = {_joint_key(name): i for i, name in enumerate(names)}
    missing = {layout: [j for j in joints if _joint_key(j) not in position] for layout, joints in JOINTS.items()}
    layout = min(missing, key=lambda name: len(missing[name]))
    if missing[layout]:
        raise InputError(
            "the joint names match no known layout",
            why=f"closest is {layout}, which also needs {', '.join(missing[layout])}",
            mend=f"name the joints as in {', '.join(JOINTS[NTU])}",
        )
    return layout, [position[_joint_key(joint)] for joint in JOINTS[layout]]


def _joint_key(name: str) -> str:
    """Spelling-independent key: letters only, side first, American centre."""
    letters = re.sub(r"[^a-z]", "", name.lower()).replace("centre", "center")
    side = next((side for side in ("left", "right") if side in letters), "")
    return side + letters.replace(side, "", 1) if side else letters


def _check_count(joints: Joints, layout: str) -> None:
    if joints.shape[-2:] != (len(JOINTS[layout]), 3):
        raise InputError(
            f"expected {len(JOINTS[layout])} joints of 3 coordinates ({layout}), found shape {list(joints.shape)}"
        )
