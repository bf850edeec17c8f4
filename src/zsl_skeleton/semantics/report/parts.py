"""Which body parts a text names, on which side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from zsl_skeleton.semantics.lint.vocabulary import plural
from zsl_skeleton.semantics.words import words

PARTS = ("head", "torso", "left arm", "right arm", "arm, no side", "left leg", "right leg", "leg, no side")
"""Columns of the coverage table."""

# The nouns of the lint vocabulary by part, as the joint layouts divide a body: shoulders belong to the arms, hips to
# the legs. A plural means both sides, but for the small things that one limb has several of.
_NOUNS = {
    "head": "brow cheek chin ear eye eyebrow face forehead head jaw lip mouth neck nose temple throat",
    "torso": "abdomen back belly buttock chest pelvis rib spine stomach torso trunk waist",
    "arm": "arm elbow fist forearm hand palm shoulder wrist",
    "arm, several": "finger fingertip forefinger knuckle thumb",
    "leg": "ankle calf foot heel hip knee leg shin thigh",
    "leg, several": "toe",
}
_IRREGULAR = {"foot": "feet", "calf": "calves"}
UNSPECIFIC = frozenset({"body", "bodies", "limb", "limbs", "joint", "joints"})
"""Words for the body that name no part of it."""
_SIDES = {"left": ("left",), "right": ("right",), "both": ("left", "right")}
_HEIGHTS = frozenset({"height", "level", "high"})
# "pulls back", "faces forward": a part only where an article or the like stands before it.
_AMBIGUOUS = frozenset({"back", "backs", "face", "faces"})
_BEFORE_PARTS = frozenset({"the", "upper", "lower", "own", "his", "her", "their", "s"})
_REACH = 2


@functools.cache
def part_words() -> dict[str, tuple[str, bool]]:
    """Word -> (head, torso, arm or leg; whether it is a plural that means both sides)."""
    found = {}
    for group, nouns in _NOUNS.items():
        part, _, several = group.partition(", ")
        for noun in nouns.split():
            found[noun] = (part, False)
            found |= dict.fromkeys((plural(noun), _IRREGULAR.get(noun, noun + "s")), (part, not several))
    return found


def named_parts(text: str) -> frozenset[str]:
    """The columns of ``PARTS`` that a text names.

    A side counts when it stands within two words before the part ("the raised right hand"). A part that measures a
    height ("at head height") is not named, nor are the direction "back" and the verb "faces".
    """
    return frozenset(_columns(words(text)))


def _columns(found: Sequence[str]) -> Iterator[str]:
    table = part_words()
    for place, word in enumerate(found):
        if word not in table or not _is_part(found, place):
            continue
        part, both = table[word]
        if part in ("head", "torso"):
            yield part
            continue
        sides = _sides(found, place) or (("left", "right") if both else ())
        yield from (f"{side} {part}" for side in sides) if sides else (f"{part}, no side",)


def _is_part(found: Sequence[str], place: int) -> bool:
    after = found[place + 1] if place + 1 < len(found) else ""
    if found[place] in _AMBIGUOUS:
        before = found[place - 1] if place else ""
        return before in _BEFORE_PARTS and after != "of"
    return after not in _HEIGHTS


def _sides(found: Sequence[str], place: int) -> tuple[str, ...]:
    """The side before a part, with the other one in "left and right hand"."""
    for start in range(place - 1, max(place - 1 - _REACH, -1), -1):
        if found[start] in _SIDES:
            pair = start >= 2 and found[start - 1] in ("and", "or") and found[start - 2] in _SIDES
            return ("left", "right") if pair else _SIDES[found[start]]
        if found[start] in part_words():
            return ()
    return ()
