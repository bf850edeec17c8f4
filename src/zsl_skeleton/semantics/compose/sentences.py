"""Sentences made of facts, each with a record of the facts and the pattern it was made from."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zsl_skeleton.semantics.facts import LEVELS, ClassFacts, Level, PartName, Phase
from zsl_skeleton.semantics.words import same_key, words

_JOINT = re.compile(r"\b(while|as|until|before|after|so that|then|finally|where)\b")
_ORDER = re.compile(r"\b(then|finally|before|after|first|at the end)\b")
_MOVEMENT = re.compile(r"\b\w*(swing|push|pull|stroke|reach|throw|kick|step|jump|beat|turn|strike|hold|stop)s?\b")
_NUMBER = re.compile(r"\b(once|twice|times|repeatedly|continuously|again|back and forth)\b")
_MOST_ANDS = 4
# Prefixes of words that tempo, number and posture may share with the phrase they stand beside.
_LIGHT = frozenset({"the", "a", "an", "and", "or", "at", "in", "on", "one", "with", "to", "of", "by", "both", "body"})
_LIMBS = {"arm": "arm|forearm|hand|elbow|wrist|fist|palm", "leg": "leg|foot|feet|knee|thigh|ankle|heel"}
_PART_NAMES = {
    "head": re.compile(r"\b(head (?!height)\w+s\b|gaze|chin|neck)"),
    "torso": re.compile(r"\b(trunk|torso|upper body|bends forward|leans|hips)\b"),
}


FIRST, SECOND = "the first person", "the second person"


@dataclass(frozen=True)
class Fact:
    """A phrase from the facts and the place it stands at (``"motion.2"``, ``"right-arm.fine"``)."""

    place: str
    text: str

    @property
    def compound(self) -> bool:
        """Whether words joined to its end could be read as belonging to its last clause only."""
        return "," in self.text or _JOINT.search(self.text) is not None

    @property
    def ordered(self) -> bool:
        """Whether it tells of a before and after itself, so that it fits no longer sequence."""
        return _ORDER.search(self.text) is not None

    @property
    def counted(self) -> bool:
        """Whether it says already how often something happens."""
        return _NUMBER.search(self.text) is not None

    @property
    def names_movement(self) -> bool:
        """Whether it names a movement that one limb makes, as the tempo "in one quick swing" does."""
        return _MOVEMENT.search(self.text) is not None

    @property
    def participle(self) -> bool:
        """Whether it begins with a participle, so that a person can stand before it ("the person standing upright")."""
        return re.match(r"\w+(ing|ed)\b", self.text) is not None

    def names(self, part: PartName) -> bool:
        """Whether it speaks of a body part (not merely of a height or place beside it)."""
        if part in _PART_NAMES:
            return _PART_NAMES[part].search(self.text) is not None
        side, _, limb = part.partition("-")
        return _limb_pattern(side, limb).search(self.text) is not None

    def repeats(self, other: Fact) -> bool:
        """Whether it shares a telling word (its first five letters) with another fact."""
        return bool(_telling(self.text) & _telling(other.text))


@dataclass(frozen=True)
class Candidate:
    """A finished sentence, its pattern, and the places of the facts in it.

    ``spare`` is 0, or higher for a sentence that is taken only when none with a lower number is left.
    """

    text: str
    pattern: str
    places: tuple[str, ...]
    spare: int = 0

    @functools.cached_property
    def key(self) -> str:
        """Equal for texts that count as the same."""
        return same_key(self.text)


@functools.cache
def _limb_pattern(side: str, limb: str) -> re.Pattern[str]:
    """Mentions of a limb: of that side ("right forearm", "right bent elbow") or of no side ("both hands")."""
    unsided = r"(both|the|bent|straight|extended)( (?!left|right)\w+)?"
    return re.compile(rf"\b({side}( \w+)?|{unsided}) ({_LIMBS[limb]})s?\b")


def sentence(text: str) -> str:
    """The text with a capital at its beginning and a full stop at its end."""
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def candidate(pattern: str, *, spare: int = 0, **facts: Fact) -> Candidate:
    """Fill facts into a pattern such as ``"{t}, the person {m}"``."""
    text = pattern.format(**{name: fact.text for name, fact in facts.items()})
    return Candidate(sentence(text), pattern, tuple(fact.place for fact in facts.values()), spare)


def readable(item: Candidate) -> bool:
    """Whether a sentence is easy to take apart: no joint twice, few commas and few ``and``."""
    joints = _JOINT.findall(item.text.lower())
    ands = len(re.findall(r"\band\b", item.text))
    return len(joints) == len(set(joints)) and ands <= _MOST_ANDS and item.text.count(",") <= _MOST_ANDS


def names_second(text: str) -> bool:
    """Whether a text speaks of the second person."""
    return SECOND in text.lower()


def _telling(text: str) -> set[str]:
    return {word[:5] for word in words(text) if word not in _LIGHT}


@dataclass(frozen=True)
class Voice:
    """The facts of one class as phrases ready to be joined.

    Args:
        facts: the class; where they tell of a second person, sentences are about two people.
    """

    facts: ClassFacts

    @property
    def subject(self) -> str:
        """Who acts."""
        return "the person" if self.facts.second is None else FIRST

    def owned(self, clause: Fact, *, after: Fact | None = None) -> Fact:
        """A clause about a part that says whose part it is, where that is in doubt.

        Args:
            clause: what ``part`` gives.
            after: what the sentence says before it; None: it comes first.
        """
        clear = after is not None and not names_second(after.text)
        if self.facts.second is None or clear or not clause.text.startswith("the "):
            return clause
        return Fact(clause.place, f"{FIRST}'s {clause.text.removeprefix('the ')}")

    def second(self, phase: Phase) -> tuple[Fact, ...]:
        """Verb phrases about what the second person does in a phase; none in an action of one person."""
        phrases = () if self.facts.second is None else self.facts.second.at(phase)
        return tuple(Fact(f"second.{phase}.{n}", text) for n, text in enumerate(phrases))

    @property
    def posture(self) -> Fact:
        """Participle phrase."""
        return Fact("posture", self.facts.posture)

    @property
    def tempo(self) -> Fact:
        """Adverbial phrase."""
        return Fact("tempo", self.facts.tempo)

    @property
    def repetition(self) -> Fact:
        """Adverbial phrase."""
        return Fact("repetition", self.facts.repetition)

    @property
    def rhythm(self) -> Fact:
        """Number of repetitions and tempo, joined."""
        return Fact("rhythm", f"{self.facts.repetition} and {self.facts.tempo}")

    @property
    def motions(self) -> tuple[Fact, ...]:
        """Verb phrases about the whole movement."""
        return tuple(Fact(f"motion.{n}", text) for n, text in enumerate(self.facts.motion))

    def phase(self, phase: Phase) -> tuple[Fact, ...]:
        """Verb phrases about one phase."""
        return tuple(Fact(f"{phase}.{n}", text) for n, text in enumerate(self.facts.phases.at(phase)))

    def part(self, part: PartName, level: Level) -> Fact:
        """The clause about a part at a level."""
        return Fact(f"{part}.{level}", self.facts.parts[part].at(level))

    def paces(self, clause: Fact) -> bool:
        """Whether tempo and number of the class are those of a clause about a part."""
        # Of several parts, head and trunk often follow more slowly, and "one quick swing" is that of one limb.
        shared = len(self.moving) == 1 or not (self.tempo.names_movement or self.repetition.names_movement)
        return shared and clause.place.startswith(("left", "right"))

    def numbers(self, clause: Fact) -> bool:
        """Whether the number of repetitions can be said right after a clause about a part."""
        return self.paces(clause) and not (clause.counted or self.repetition.compound)

    @property
    def moving(self) -> tuple[PartName, ...]:
        """Parts that move; all parts of a class in which none does."""
        found = tuple(name for name, part in self.facts.parts.items() if part.moves)
        return found or tuple(self.facts.parts)

    @property
    def resting(self) -> tuple[PartName, ...]:
        """The other parts."""
        return tuple(name for name in self.facts.parts if name not in self.moving)

    def clauses(self, parts: Sequence[PartName], levels: Sequence[Level] = LEVELS) -> Iterator[Fact]:
        """Clauses about several parts at several levels."""
        for part in parts:
            for level in levels:
                yield self.part(part, level)
