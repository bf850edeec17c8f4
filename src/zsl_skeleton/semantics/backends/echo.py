"""The backend for tests and dry runs: made-up sentences that pass the checks. They do not describe the class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.files import sha256_text
from zsl_skeleton.semantics.backends.base import Account, Answer, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.checks import text_problem
from zsl_skeleton.semantics.prompts import AnswerField
from zsl_skeleton.semantics.words import same_key, word_count

_VERSION = 1
"""Raised when other sentences come out, so that old banks are not taken for new ones."""

_CLASSES = 1009
"""Two classes with indices below this share no sentence of a slot (as long as its sentences last)."""

_ATTEMPTS = 1000
_STRIDE = 2_654_435_761  # a prime: it has no divisor in common with any number of sentences
_LIMBS = ("arm", "hand", "elbow", "wrist", "shoulder", "leg", "knee", "foot", "hip", "ankle")
_PARTS = tuple(f"{side} {limb}" for limb in _LIMBS for side in ("left", "right"))
_OWN = {"head": "head", "torso": "torso"} | {
    f"{side}-{limb}": f"{side} {limb}" for side in ("left", "right") for limb in ("arm", "leg")
}
_VERBS = ("rises", "sinks", "swings", "turns", "tilts", "travels", "drops", "lifts", "rotates", "drifts", "sways")
_WAYS = ("forward", "backward", "upward", "downward", "inward", "outward", "sideways")
_HEIGHTS = tuple(f"at {level} height" for level in ("knee", "hip", "waist", "chest", "shoulder", "head"))
_COUNTS = tuple(f"{count} times" for count in ("two", "three", "four", "five", "six", "seven"))
_PACES = ("slowly", "quickly", "smoothly", "steadily", "abruptly")
_SECOND = tuple(f"{side} the second person" for side in ("toward", "beside", "facing", "behind", "past"))
_STATES = tuple(f"stays {state}" for state in ("bent", "straight", "still", "low", "lifted"))
_TAILS = (("evenly", "loosely"), ("fully", "partly"), ("lightly", "firmly"), ("again", "throughout"), ("once", "twice"))
_ROOM = 8  # words that a sentence has besides its core, where there is room

_Chunks = Sequence[tuple[str, ...]]
"""What a sentence is made of: alternatives of equal length, one after the other."""


class EchoBackend:
    """Answers every family, at once and always in the same way; depends on class index, slot and number only."""

    name = "echo"
    model: str | None = None
    concurrency = 8
    accounts: Mapping[str, Account] = MappingProxyType({})

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Get ready; nothing is needed."""
        return cls()

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Name and version."""
        return {"name": self.name, "version": _VERSION}

    async def answer(self, request: Request) -> Answer:
        """Write the texts that the request asks for, none of which was given before.

        Raises:
            UnusableAnswerError: no sentence fits into the word limits, or there are not enough different ones.
        """
        return Answer({field.slot: self._texts(field, request) for field in request.fields})

    async def close(self) -> None:
        """Nothing is open."""

    def _texts(self, field: AnswerField, request: Request) -> tuple[str, ...]:
        seen = {same_key(text) for text in request.given.get(field.slot, ())}
        found: list[str] = []
        for text in _sentences(field, request.action):
            if len(found) == request.counts[field.slot]:
                break
            if same_key(text) not in seen and text_problem(text, field, request.turn, request.action) is None:
                found.append(text)
                seen.add(same_key(text))
        if len(found) < request.counts[field.slot]:
            least, most = field.words
            raise UnusableAnswerError(
                f"echo has {len(found)} sentences of {least} to {most} words for {field.slot}, "
                f"{request.counts[field.slot]} were asked for",
                mend="allow 5 to 20 words (two people: 8 to 20) in the card of the prompts",
            )
        return tuple(found)


def _sentences(field: AnswerField, action: ActionClass) -> Iterator[str]:
    """Sentences of a slot, different ones for different classes.

    Every number stands for one combination of alternatives. Classes take turns in counting, and a long stride makes
    neighbours unlike.
    """
    chunks = _chunks(field, action.persons)
    if not chunks:
        return
    size = math.prod(map(len, chunks))
    shift = int(sha256_text(field.slot)[:12], 16)
    for attempt in range(min(_ATTEMPTS, size)):
        number = ((attempt * _CLASSES + action.index) * _STRIDE + shift) % size
        words = []
        for alternatives in chunks:
            number, choice = divmod(number, len(alternatives))
            words.append(alternatives[choice])
        yield f"The {' '.join(words)}."


def _chunks(field: AnswerField, persons: int) -> _Chunks:
    """What the word limits have room for: the core, and more while the sentence is short; none if it cannot fit."""
    least, most = field.words
    own = _OWN.get(field.slot.partition(".")[2])
    subject = (own,) if own else _PARTS
    if persons == 2:
        subject = tuple(f"{part} of the first person" for part in subject)
    chunks = [subject, _VERBS, _WAYS, *([_SECOND] if persons == 2 else [])]
    clauses = [[tuple(f"{joint} the {part}" for part in _PARTS), _STATES] for joint in ("while", *["and"] * most)]
    length = 1 + _length(chunks)
    # The core alone gives too few sentences for many classes.
    enough = max(least, length + _ROOM)
    extras: list[_Chunks] = [[_HEIGHTS], [_PACES], [_COUNTS], *clauses]
    for extra in extras:
        if length < enough and length + _length(extra) <= most:
            chunks += extra
            length += _length(extra)
    # Single words, for limits that the longer pieces do not meet.
    for tail in _TAILS[: max(least - length, 0)]:
        chunks.append(tail)
        length += 1
    return chunks if least <= length <= most else []


def _length(chunks: _Chunks) -> int:
    return sum(word_count(alternatives[0]) for alternatives in chunks)
