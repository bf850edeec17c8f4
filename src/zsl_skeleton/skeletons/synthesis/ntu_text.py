"""One clip as the text of NTU's ``.skeleton`` files: frames, bodies, joints with twelve numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.skeletons.synthesis.body import LEAVES, PARENTS
from zsl_skeleton.skeletons.synthesis.decimals import table_text

Floats = NDArray[np.float64]

# x y z in metres, two pairs of pixels, a quaternion, the tracking state.
_DECIMALS = (7, 7, 7, 4, 4, 3, 3, 7, 7, 7, 7, 0)
# Focal length and image centre in pixels (nominal Kinect v2): depth image 512 x 424, colour image 1920 x 1080.
_DEPTH, _COLOUR = (366.0, 256.0, 212.0), (1058.0, 960.0, 540.0)
_COLOUR_BESIDE = 0.052  # metres between the two lenses
_GUESSED, _TRACKED = 1, 2


@dataclass(frozen=True)
class TrackedBody:
    """A body as the sensor tracks it through a clip.

    Args:
        id: about 17 digits, as text.
        joints: [T, 25, 3] in camera coordinates.
        guessed: bool [T, 25]; such joints get the tracking state 1 (inferred), the others 2 (tracked).
        present: bool [T]; frames in which the sensor reports the body.
    """

    id: str
    joints: Floats
    guessed: NDArray[np.bool_]
    present: NDArray[np.bool_]


def skeleton_text(bodies: Sequence[TrackedBody], swapped: NDArray[np.bool_]) -> bytes:
    """The file's text.

    Args:
        bodies: all of the same number of frames T.
        swapped: bool [T]; frames that list the bodies in reverse order.
    """
    written = [_frames(body) for body in bodies]
    lines = [f"{len(swapped)}\n".encode()]
    for frame, reverse in enumerate(swapped):
        shown = [index for index, body in enumerate(bodies) if body.present[frame]]
        lines.append(f"{len(shown)}\n".encode())
        lines += [written[index][frame] for index in (reversed(shown) if reverse else shown)]
    return b"".join(lines)


def _frames(body: TrackedBody) -> list[bytes]:
    """The text of the body in each frame: ten fields, then 25 joints."""
    numbers = np.concatenate(
        [
            body.joints,
            _project(body.joints, _DEPTH, 0.0),
            _project(body.joints, _COLOUR, _COLOUR_BESIDE),
            orientations(body.joints),
            np.where(body.guessed, _GUESSED, _TRACKED)[:, :, None],
        ],
        axis=-1,
    )
    joints = table_text(numbers.reshape(-1, len(_DECIMALS)), _DECIMALS)
    ends = (np.flatnonzero(np.frombuffer(joints, dtype=np.uint8) == ord("\n")) + 1)[24::25].tolist()
    lean = np.clip((body.joints[:, 20] - body.joints[:, 0])[:, [0, 2]] / 0.5, -1.0, 1.0)
    return [
        f"{body.id} 0 1 1 1 1 0 {sideways:.7g} {-back:.7g} 2\n25\n".encode() + joints[start:end]
        for (sideways, back), start, end in zip(lean.tolist(), [0, *ends], ends, strict=False)
    ]


def orientations(joints: Floats) -> Floats:
    """Unit quaternions w x y z [T, 25, 4] that turn the vertical into each bone's direction; leaf joints have 0 0 0 0.

    The turn about the bone itself, which positions do not tell, is none.
    """
    bones = joints - joints[:, PARENTS]
    bones[:, 0] = joints[:, 1] - joints[:, 0]  # the root has no bone: the spine's direction
    bones /= np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    x, y, z = np.moveaxis(bones, -1, 0)
    turned = np.stack([1.0 + y, z, np.zeros_like(x), -x], axis=-1)
    length = np.linalg.norm(turned, axis=-1, keepdims=True)
    # Straight down there are many shortest turns; this one is about x.
    upside_down = np.array([0.0, 1.0, 0.0, 0.0])
    quaternions = np.where(length < 1e-6, upside_down, turned / np.maximum(length, 1e-6))
    quaternions[:, list(LEAVES)] = 0.0
    return quaternions


def _project(joints: Floats, lens: tuple[float, float, float], beside: float) -> Floats:
    """Pixels [T, 25, 2] of a pinhole camera ``beside`` metres from the sensor's origin."""
    focal, centre_x, centre_y = lens
    x, y, z = np.moveaxis(joints, -1, 0)
    return np.stack([centre_x + focal * (x + beside) / z, centre_y - focal * y / z], axis=-1)
