"""How a composition moves the controls of a body: one small function per movement.

Hands are placed in arm lengths from the shoulder, feet and pelvis in leg lengths from where they rest, trunk and head
in radians (see ``kinematics.REST``). Nothing here knows of a performer; everybody moves alike up to style.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zsl_skeleton.skeletons.synthesis.classes import Composition
from zsl_skeleton.skeletons.synthesis.kinematics import REST
from zsl_skeleton.skeletons.synthesis.paths import Path, Point, arc, eased_arc, joined, straight, swung

Paths = dict[str, Path]

_SECONDS_PER_BEAT = {"slow": 0.75, "steady": 0.48, "quick": 0.34}
_HAND = REST["right-hand"]
_SHOULDER, _HANG = (_HAND[0], 0.0, _HAND[2]), -_HAND[1]  # an arc around here leads back to the hanging hand
_STILL: Point = (0.0, 0.0, 0.0)
_REACH: Mapping[str, Point] = {
    "forward": (0.02, 0.02, 0.97),
    "sideways": (0.97, 0.02, 0.08),
    "overhead": (0.10, 0.95, 0.12),
}


@dataclass(frozen=True)
class Movement:
    """Paths of the channels that move (the others rest) and how long the whole takes in seconds."""

    paths: Mapping[str, Path]
    seconds: float


def movement(composition: Composition) -> Movement:
    """The movement of a class at normal speed."""
    paths = _MAKERS[composition.movement](composition)
    beats = max(path.beats for path in paths.values())
    return Movement(paths, beats * _SECONDS_PER_BEAT[composition.tempo])


def _sides(composition: Composition) -> tuple[str, ...]:
    side = composition.limb.split()[0]
    return ("left", "right") if side == "both" else (side,)


def _hands(composition: Composition, path: Path) -> Paths:
    return {f"{side}-hand": path for side in _sides(composition)}


def _lift(direction: str) -> Path:
    """The straight arm goes up, stays and comes down; on its way overhead it passes the front."""
    if direction == "overhead":
        top = (_SHOULDER[0], _HANG, _SHOULDER[2])
        up = eased_arc(_SHOULDER, _HANG, (0.0, 0.5), 1.6)
        return joined(up, straight((top, top), (1.0,)), eased_arc(_SHOULDER, _HANG, (0.5, 0.0), 1.6))
    target = _REACH[direction]
    return swung((_HAND, target, target, _HAND), (1.5, 1.0, 1.5))


def _raise(composition: Composition) -> Paths:
    if composition.limb.endswith("arm") or composition.limb.endswith("arms"):
        return _hands(composition, _lift(composition.direction))
    hip, turns, leg = (0.0, 0.97, 0.0), 1.0 / 6.0, 0.97
    up = (0.0, leg * (1.0 - math.cos(2 * math.pi * turns)), leg * math.sin(2 * math.pi * turns))
    lifting, lowering = (eased_arc(hip, leg, way, 1.5) for way in ((0.0, turns), (turns, 0.0)))
    path = joined(lifting, straight((up, up), (1.0,)), lowering)
    return _on_one_leg(composition, path)


def _push(composition: Composition) -> Paths:
    near = (-0.05, -0.12, 0.34) if composition.direction == "forward" else (0.18, 0.10, 0.24)
    far = _REACH[composition.direction]
    stations = (_HAND, *(near, far) * composition.repetition, near, _HAND)
    return _hands(composition, straight(stations, (1.1,) + (0.9,) * (2 * composition.repetition) + (1.1,)))


def _circle(composition: Composition) -> Paths:
    return _hands(composition, arc(_SHOULDER, _HANG, (0.0, composition.repetition), 3.0 * composition.repetition))


def _wave(composition: Composition) -> Paths:
    out, into = (0.58, 0.40, 0.26), (0.04, 0.46, 0.34)
    stations = (_HAND, *(out, into) * composition.repetition, _HAND)
    return _hands(composition, swung(stations, (1.5,) + (0.75,) * (2 * composition.repetition - 1) + (1.5,)))


def _swing(composition: Composition) -> Paths:
    side, over = (0.92, 0.0, 0.20), (-0.50, 0.0, 0.62)
    return _hands(composition, swung((_HAND, side, over, over, _HAND), (1.4, 1.6, 0.5, 1.5)))


def _curl(composition: Composition) -> Paths:
    bent = (0.06, -0.16, 0.30)
    stations = (_HAND, *(bent, _HAND) * composition.repetition)
    return _hands(composition, straight(stations, (1.0,) * (2 * composition.repetition)))


def _on_one_leg(composition: Composition, foot: Path) -> Paths:
    """A foot in the air, the weight on the other leg."""
    side = composition.limb.split()[0]
    shift = (0.07 if side == "right" else -0.07, -0.01, 0.0)
    pelvis = straight((_STILL, shift, shift, _STILL), (0.25 * foot.beats, 0.5 * foot.beats, 0.25 * foot.beats))
    return {f"{side}-foot": foot, "pelvis": pelvis}


def _kick(composition: Composition) -> Paths:
    if composition.direction == "forward":
        ready, out = (0.0, 0.36, -0.02), (0.0, 0.52, 0.76)
    else:
        ready, out = (0.05, 0.36, 0.02), (0.78, 0.48, 0.06)
    foot = straight((_STILL, ready, out, ready, _STILL), (1.3, 1.0, 1.0, 1.3))
    paths = _on_one_leg(composition, foot)
    if composition.direction == "sideways":
        lean = (0.0, 0.30 if composition.limb == "right leg" else -0.30, 0.0)
        paths["trunk"] = straight((_STILL, lean, _STILL), (2.3, 2.3))
    return paths


def _step(composition: Composition) -> Paths:
    side = composition.limb.split()[0]
    sign = 1.0 if side == "left" else -1.0
    if composition.direction == "forward":
        half, far, weight = (0.0, 0.12, 0.28), (0.0, 0.0, 0.56), (0.0, -0.06, 0.34)
    else:
        half, far, weight = (0.26, 0.10, 0.0), (0.52, 0.0, 0.0), (sign * 0.32, -0.06, 0.0)
    foot = straight((_STILL, half, far, far, half, _STILL), (0.7, 0.7, 1.4, 0.7, 0.7))
    pelvis = straight((_STILL, weight, weight, _STILL), (1.6, 1.0, 1.6))
    return {f"{side}-foot": foot, "pelvis": pelvis}


def _bend(composition: Composition) -> Paths:
    angle = math.radians(68.0 if composition.direction == "forward" else 32.0)
    lean = {
        "forward": (angle, 0.0, 0.0),
        "left": (0.0, angle, 0.0),
        "right": (0.0, -angle, 0.0),
    }[composition.direction]
    back = (0.0, -0.01, -0.10) if composition.direction == "forward" else _STILL
    beats = (1.6, 0.8, 1.6)
    return {
        "trunk": straight((_STILL, lean, lean, _STILL), beats),
        "pelvis": straight((_STILL, back, back, _STILL), beats),
    }


def _turn(composition: Composition) -> Paths:
    angle = math.radians(52.0 if composition.direction == "left" else -52.0)
    turned, looking = (0.0, 0.0, angle), (0.0, 0.0, 0.4 * angle)
    beats = (1.8, 1.2, 1.8)
    return {
        "trunk": straight((_STILL, turned, turned, _STILL), beats),
        "head": straight((_STILL, looking, looking, _STILL), beats),
    }


def _squat(composition: Composition) -> Paths:
    low, lean = (0.0, -0.44, -0.12), (math.radians(28.0), 0.0, 0.0)
    beats = (1.7, 0.6, 1.7)
    paths = {
        "pelvis": straight((_STILL, low, low, _STILL), beats),
        "trunk": straight((_STILL, lean, lean, _STILL), beats),
    }
    if composition.direction != "downward":
        paths |= dict.fromkeys(("left-hand", "right-hand"), _lift(composition.direction))
    return paths


def _jump(composition: Composition) -> Paths:
    low, high, air = (0.0, -0.22, -0.04), (0.0, 0.24, 0.0), (0.0, 0.24, 0.0)
    times = composition.repetition
    pelvis = joined(*[straight((_STILL, low, _STILL, high, _STILL), (0.9, 0.5, 0.55, 0.55))] * times)
    feet = joined(*[straight((_STILL, _STILL, air, _STILL), (1.4, 0.55, 0.55))] * times)
    return {"pelvis": pelvis, "left-foot": feet, "right-foot": feet}


def _march(composition: Composition) -> Paths:
    up, front, rear = (0.0, 0.40, 0.14), (0.10, -0.86, 0.32), (0.14, -0.90, -0.16)
    lift, wait = straight((_STILL, up, _STILL), (0.5, 0.5)), straight((_STILL, _STILL), (1.0,))
    ahead, back = straight((_HAND, front, _HAND), (0.5, 0.5)), straight((_HAND, rear, _HAND), (0.5, 0.5))
    times = composition.repetition // 2
    return {
        "right-foot": joined(*[lift, wait] * times),
        "left-foot": joined(*[wait, lift] * times),
        "left-hand": joined(*[ahead, back] * times),
        "right-hand": joined(*[back, ahead] * times),
    }


_MAKERS: Mapping[str, Callable[[Composition], Paths]] = {
    "raise": _raise,
    "push": _push,
    "circle": _circle,
    "wave": _wave,
    "swing": _swing,
    "curl": _curl,
    "kick": _kick,
    "step": _step,
    "bend": _bend,
    "turn": _turn,
    "squat": _squat,
    "jump": _jump,
    "march": _march,
}
