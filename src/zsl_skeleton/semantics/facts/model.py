"""The schema of facts. All of them are phrases: ASCII, lower case, without closing punctuation."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from zsl_skeleton.files import canonical_json, sha256_text

PartName = Literal["head", "torso", "left-arm", "right-arm", "left-leg", "right-leg"]
PARTS: tuple[PartName, ...] = get_args(PartName)
Level = Literal["coarse", "medium", "fine"]
LEVELS: tuple[Level, ...] = get_args(Level)
Phase = Literal["start", "main", "end"]
PHASES: tuple[Phase, ...] = get_args(Phase)


def _phrase(text: str) -> str:
    if not text.isascii():
        odd = next(letter for letter in text if not letter.isascii())
        raise ValueError(f"the letter {odd!r} is not ASCII")
    if not text.strip() or text != " ".join(text.split()):
        raise ValueError("empty, or with blanks at an end or doubled")
    if text[-1] in ".!?;,:":
        raise ValueError(f"ends with {text[-1]!r}; a phrase has no closing punctuation")
    return text


def _lower(text: str) -> str:
    if text[0].isupper() and not text[:2].isupper():
        raise ValueError("starts with a capital; a phrase continues a sentence")
    return text


Name = Annotated[str, AfterValidator(_phrase)]
Phrase = Annotated[str, AfterValidator(_phrase), AfterValidator(_lower)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartFacts(_Strict):
    """One body part: whether it moves, and a clause about it at each level of detail."""

    moves: bool
    coarse: Phrase
    medium: Phrase
    fine: Phrase

    def at(self, level: Level) -> str:
        """The clause at a level of detail."""
        return {"coarse": self.coarse, "medium": self.medium, "fine": self.fine}[level]


class PhaseFacts(_Strict):
    """Alternatives for how the movement starts, goes on and comes to rest: verb phrases without a subject."""

    start: tuple[Phrase, ...] = Field(min_length=4)
    main: tuple[Phrase, ...] = Field(min_length=4)
    end: tuple[Phrase, ...] = Field(min_length=4)

    def at(self, phase: Phase) -> tuple[str, ...]:
        """The alternatives of a phase."""
        return {"start": self.start, "main": self.main, "end": self.end}[phase]


class SecondFacts(_Strict):
    """What the second person does meanwhile: short verb phrases without a subject."""

    start: tuple[Phrase, ...] = Field(min_length=2)
    main: tuple[Phrase, ...] = Field(min_length=2)
    end: tuple[Phrase, ...] = Field(min_length=2)

    def at(self, phase: Phase) -> tuple[str, ...]:
        """The alternatives of a phase."""
        return {"start": self.start, "main": self.main, "end": self.end}[phase]


class Confusion(_Strict):
    """A class that looks alike, and the difference that a skeleton shows."""

    other: Name = Field(alias="class")
    difference: Phrase


class ClassFacts(_Strict):
    """What is known of one class. Only ``action`` and ``objects`` may name intentions or things.

    In an action of two people all phrases are about the first person, ``second`` about the other one.
    """

    name: Name
    action: Phrase
    synonyms: tuple[Phrase, ...] = Field(min_length=2)
    posture: Phrase
    tempo: Phrase
    repetition: Phrase
    objects: tuple[Phrase, ...]
    confused_with: tuple[Confusion, ...]
    motion: tuple[Phrase, ...] = Field(min_length=5)
    parts: dict[PartName, PartFacts]
    phases: PhaseFacts
    second: SecondFacts | None = None

    @field_validator("parts")
    @classmethod
    def _all_parts(cls, parts: dict[PartName, PartFacts]) -> dict[PartName, PartFacts]:
        missing = [part for part in PARTS if part not in parts]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return {part: parts[part] for part in PARTS}

    @field_validator("motion")
    @classmethod
    def _different(cls, motion: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(motion)) < len(motion):
            raise ValueError("two alternatives are equal")
        return motion

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Every text about what a skeleton shows, as (where it stands, rule of length, text)."""
        for number, text in enumerate(self.motion):
            yield f"motion[{number}]", "motion", text
        for part, facts in self.parts.items():
            for level in LEVELS:
                yield f"parts.{part}.{level}", level, facts.at(level)
        for phase in PHASES:
            for number, text in enumerate(self.phases.at(phase)):
                yield f"phases.{phase}[{number}]", "phases", text
        for phase in PHASES if self.second else ():
            for number, text in enumerate(self.second.at(phase) if self.second else ()):
                yield f"second.{phase}[{number}]", "second", text


class Facts(_Strict):
    """The facts of a data set, in the order of its classes; references are written out.

    ``shared`` is a place for YAML anchors and nothing else.
    """

    dataset: Name
    source: str = Field(min_length=1)
    shared: dict[str, PartFacts] = Field(default={}, exclude=True)
    classes: tuple[ClassFacts, ...] = Field(min_length=1)

    @functools.cached_property
    def hash(self) -> str:
        """Hex SHA-256 of the content (comments, layout and ways of referring do not count)."""
        # Without the fields that are not there, so that a class of one person keeps the hash it had before `second`.
        return sha256_text(canonical_json(self.model_dump(mode="json", by_alias=True, exclude_none=True)))
