"""Which of the bodies that a sensor tracked are the persons of a clip.

A Kinect v2 gives a body a new id whenever it finds it again, lists the bodies of a frame in any order, and now and then
takes furniture for a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError

Joints = NDArray[np.float64]
Integers = NDArray[np.int64]

PERSONS = 2
SHORT = 11
"""Frames; what is tracked no longer is noise (CTR-GCN)."""
FLAT = 0.8
"""A body is lying or no body where it is wider than this share of its height (CTR-GCN)."""
MOSTLY_FLAT = 0.69754
"""Share of flat frames from which on a body is noise (CTR-GCN)."""


@dataclass(frozen=True)
class Tracked:
    """Everything that a sensor tracked in a clip, a row per body and frame, in file order.

    Args:
        frames: T, the number of frames, those without bodies included.
        frame: int [B], the frame of each row, 0..T-1, ascending.
        ids: B texts; the same text is the same body.
        joints: [B, V, 3].
    """

    frames: int
    frame: Integers
    ids: tuple[str, ...]
    joints: Joints


@dataclass(eq=False)
class _Run:
    """A body from the frame in which it appears, without the gaps of its track."""

    start: int
    joints: Joints
    motion: float

    @property
    def end(self) -> int:
        """Its last frame."""
        return self.start + len(self.joints) - 1


def first_bodies(tracked: Tracked) -> Joints:
    """The first two bodies of each frame in file order, whoever they are (AimCLR, SMIE): joints [M, T, V, 3]."""
    place = np.arange(len(tracked.frame)) - np.searchsorted(tracked.frame, tracked.frame)
    kept = place < PERSONS
    joints = np.zeros((int(place[kept].max()) + 1, tracked.frames, *tracked.joints.shape[1:]))
    joints[place[kept], tracked.frame[kept]] = tracked.joints[kept]
    return joints


def moving_bodies(tracked: Tracked) -> Joints:
    """The two that move most, after what is no person was dropped: CTR-GCN's denoising; joints [M, T, V, 3].

    Where it would drop everybody for being seen in no more than 11 frames, nobody is dropped for that.

    Raises:
        InputError: a body is listed twice in a frame.
    """
    shown, index = np.unique(tracked.frame, return_inverse=True)
    runs = _denoised(_runs(tracked, index, len(shown)))
    actors = np.zeros((PERSONS, len(shown), *tracked.joints.shape[1:]))
    taken = _cast(runs)
    for actor, run in taken:
        actors[actor, run.start : run.end + 1] = run.joints
    joints = np.zeros((1 + max(actor for actor, _ in taken), tracked.frames, *tracked.joints.shape[1:]))
    joints[:, shown] = actors[: len(joints)]
    return joints


CHOICES: dict[str, Callable[[Tracked], Joints]] = {"first": first_bodies, "motion": moving_bodies}
"""Name -> the choice; the clip has one or two persons, frames without any are zero."""


def _runs(tracked: Tracked, index: Integers, frames: int) -> list[_Run]:
    """The bodies in the order in which they appear; frames are counted without those that show nobody."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(tracked.ids):
        rows.setdefault(name, []).append(row)
    runs = []
    for name, own in rows.items():
        if len(np.unique(index[own])) < len(own):
            raise InputError(f"the body {name} is listed twice in a frame")
        joints = tracked.joints[own]
        runs.append(_Run(int(index[own[0]]), joints, _motion(joints)))
    return runs


def _motion(joints: Joints) -> float:
    # In single precision, like the original: what it orders must come in the same order.
    return float(np.var(joints.astype(np.float32).reshape(-1, 3), axis=0).sum())


def _denoised(runs: list[_Run]) -> list[_Run]:
    """Without short tracks and flat things; those that move most first."""
    if len(runs) == 1:
        return runs
    left = [run for run in runs if len(run.joints) > SHORT] or runs
    for run in list(left):
        if len(left) == 1:
            break
        upright = _upright(run.joints)
        if not upright.all():
            if (~upright).sum() / len(upright) >= MOSTLY_FLAT:
                left.remove(run)
            else:
                run.motion = min(run.motion, _motion(run.joints[upright]))
    return sorted(left, key=lambda run: run.motion, reverse=True)


def _upright(joints: Joints) -> NDArray[np.bool_]:
    extent = np.ptp(joints.astype(np.float32), axis=1)
    upright: NDArray[np.bool_] = extent[:, 0] <= np.float32(FLAT) * extent[:, 1]
    return upright


def _cast(runs: list[_Run]) -> list[tuple[int, _Run]]:
    """Who plays which actor: the first whose time it is free, or nobody."""
    spans: list[tuple[int, int]] = [(runs[0].start, runs[0].end), (0, 0)]
    taken = [(0, runs[0])]
    for run in runs[1:]:
        for actor, (start, end) in enumerate(spans):
            if min(end, run.end) - max(start, run.start) <= 0:
                spans[actor] = min(start, run.start), max(end, run.end)
                taken.append((actor, run))
                break
    return taken
