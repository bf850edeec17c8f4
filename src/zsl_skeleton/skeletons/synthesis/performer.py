"""Performers: everybody has a body, a pace and a way of moving, and never does the same thing twice alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.skeletons.synthesis.body import Body
from zsl_skeleton.skeletons.synthesis.kinematics import REST, pose
from zsl_skeleton.skeletons.synthesis.movements import Movement

Floats = NDArray[np.float64]

FPS = 30.0
_HANDS = ("left-hand", "right-hand")


def generator(*key: object) -> np.random.Generator:
    """The random generator that belongs to a key: equal keys, equal numbers, on every machine."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


@dataclass(frozen=True)
class Performer:
    """A person.

    Args:
        body: proportions.
        pace: speed relative to the normal one (> 1 is faster).
        reach: size of the movements relative to the normal one.
        restlessness: size of involuntary movements relative to the normal one.
        noise: sensor noise relative to the normal one (clothes, reflections).
        hands: how the hands differ from where they normally hang, in arm lengths [2, 3].
    """

    body: Body
    pace: float
    reach: float
    restlessness: float
    noise: float
    hands: Floats

    @classmethod
    def of(cls, subject: int, seed: int) -> Performer:
        """The performer with a number, a pure function of number and seed."""
        random = generator("performer", subject, seed)
        body = Body.of(
            stature=random.uniform(1.55, 1.90),
            legs=random.uniform(0.96, 1.04),
            arms=random.uniform(0.95, 1.06),
            shoulders=random.uniform(0.90, 1.12),
        )
        return cls(
            body=body,
            pace=float(np.exp(random.uniform(-0.22, 0.22))),
            reach=random.uniform(0.84, 1.06),
            restlessness=random.uniform(0.6, 1.6),
            noise=random.uniform(0.7, 1.5),
            hands=random.normal(0.0, 0.03, (2, 3)),
        )


def perform(performer: Performer, movement: Movement, random: np.random.Generator) -> Floats:
    """One performance: joints [T, 25, 3] in body coordinates (see ``kinematics``), T about 60 to 200 frames.

    Pace, size, timing, the pauses before and after and idle swaying differ from performance to performance.
    """
    before, after = random.uniform(0.2, 0.7, 2)
    seconds = movement.seconds / (performer.pace * np.exp(random.normal(0.0, 0.08)))
    times = np.arange(round(FPS * (before + seconds + after))) / FPS
    moments = np.clip((times - before) / seconds, 0.0, 1.0)
    moments = moments + random.uniform(-0.5, 0.5) * np.sin(2.0 * np.pi * moments) / (2.0 * np.pi)
    controls = {}
    for channel, rest in REST.items():
        path = movement.paths.get(channel)
        base = np.broadcast_to(np.asarray(rest), (len(times), 3))
        moved = base if path is None else _styled(channel, path(moments) - base, performer.reach, random) + base
        controls[channel] = _smooth(moved + _idle(channel, times, random) * performer.restlessness)
    for channel, offset in zip(_HANDS, performer.hands, strict=True):
        controls[channel] += offset
    return pose(performer.body, controls)


def _styled(channel: str, away: Floats, reach: float, random: np.random.Generator) -> Floats:
    """Make the way from rest smaller or larger and lead it a little astray, the more the farther it goes. [T, 3]."""
    size = reach * np.exp(random.normal(0.0, 0.06))
    astray = random.normal(0.0, 0.07, 3)
    if channel.endswith("foot"):
        astray[1] = 0.0  # a foot put down far away still stands on the floor
    led: Floats = size * away + astray * np.linalg.norm(away, axis=1, keepdims=True)
    return led


def _idle(channel: str, times: Floats, random: np.random.Generator) -> Floats:
    """Slow involuntary movement [T, 3]; feet stand still."""
    size = {"left-hand": 0.015, "right-hand": 0.015, "pelvis": 0.005, "trunk": 0.012, "head": 0.04}.get(channel, 0.0)
    rates, phases = random.uniform(0.15, 0.6, 3), random.uniform(0.0, 2.0 * np.pi, 3)
    sizes = size * random.normal(0.0, 1.0, 3)
    return sizes * np.sin(2.0 * np.pi * rates * times[:, None] + phases)


def _smooth(points: Floats, width: int = 5) -> Floats:
    """Moving average over ``width`` frames; nobody changes direction in no time."""
    padded = np.pad(points, ((width // 2, width // 2), (0, 0)), mode="edge")
    smoothed: Floats = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).mean(axis=-1)
    return smoothed
