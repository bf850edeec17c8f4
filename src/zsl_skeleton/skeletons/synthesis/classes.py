"""The demo classes: every one is composed of a limb, a movement, a direction, a repetition and a tempo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ARMS = ("right arm", "left arm", "both arms")
LEGS = ("right leg", "left leg")


@dataclass(frozen=True)
class Composition:
    """What a class is made of.

    Args:
        name: the class name in the catalog.
        limb: ``right arm``, ``left arm``, ``both arms``, ``right leg``, ``left leg``, ``trunk`` or ``whole body``.
        movement: ``raise``, ``push``, ``circle``, ``wave``, ``swing``, ``curl``, ``kick``, ``step``, ``bend``,
            ``turn``, ``squat``, ``jump`` or ``march``.
        direction: where it goes.
        repetition: how many times in one clip.
        tempo: ``slow``, ``steady`` or ``quick``.
    """

    name: str
    limb: str
    movement: str
    direction: str
    repetition: int
    tempo: str

    @property
    def factors(self) -> dict[str, str | int]:
        """The five factors by name."""
        return {
            "limb": self.limb,
            "movement": self.movement,
            "direction": self.direction,
            "repetition": self.repetition,
            "tempo": self.tempo,
        }


def _arms() -> Iterator[Composition]:
    for limb in ARMS:
        for direction in ("forward", "sideways", "overhead"):
            yield Composition(f"{limb} raise {direction}", limb, "raise", direction, 1, "slow")
        for direction in ("forward", "overhead"):
            yield Composition(f"{limb} push {direction} twice", limb, "push", direction, 2, "steady")
        yield Composition(f"{limb} circle once slowly", limb, "circle", "forward", 1, "slow")
        yield Composition(f"{limb} circle three times quickly", limb, "circle", "forward", 3, "quick")
        yield Composition(f"{limb} wave", limb, "wave", "sideways", 4, "quick")
        yield Composition(f"{limb} swing across the chest", limb, "swing", "across", 1, "steady")
        yield Composition(f"{limb} curl", limb, "curl", "upward", 3, "steady")


def _legs() -> Iterator[Composition]:
    for limb in LEGS:
        for direction in ("forward", "sideways"):
            yield Composition(f"{limb} kick {direction}", limb, "kick", direction, 1, "quick")
        yield Composition(f"{limb} raise forward", limb, "raise", "forward", 1, "slow")
        for direction in ("forward", "sideways"):
            yield Composition(f"{limb} step {direction}", limb, "step", direction, 1, "steady")


def _trunk_and_whole_body() -> Iterator[Composition]:
    yield Composition("trunk bend forward", "trunk", "bend", "forward", 1, "slow")
    for side in ("left", "right"):
        yield Composition(f"trunk bend to the {side}", "trunk", "bend", side, 1, "slow")
    for side in ("left", "right"):
        yield Composition(f"trunk turn to the {side}", "trunk", "turn", side, 1, "steady")
    yield Composition("squat", "whole body", "squat", "downward", 1, "slow")
    for direction in ("forward", "overhead"):
        name = f"squat with both arms raised {direction}"
        yield Composition(name, "whole body", "squat", direction, 1, "slow")
    yield Composition("jump in place", "whole body", "jump", "upward", 3, "quick")
    yield Composition("march in place", "whole body", "march", "upward", 6, "steady")


COMPOSITIONS: tuple[Composition, ...] = (*_arms(), *_legs(), *_trunk_and_whole_body())
"""All demo classes in label order, the order of the catalog."""
