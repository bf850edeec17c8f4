"""Hand-written facts about how each class of a data set looks as a skeleton: ``semantics/<dataset>/facts.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, read_yaml, sha256_text
from zsl_skeleton.semantics.words import leaks_name, word_count

if TYPE_CHECKING:
    from zsl_skeleton.catalog import Dataset

PartName = Literal["head", "torso", "left-arm", "right-arm", "left-leg", "right-leg"]
PARTS: tuple[PartName, ...] = get_args(PartName)
Level = Literal["coarse", "medium", "fine"]
LEVELS: tuple[Level, ...] = get_args(Level)
Phase = Literal["start", "main", "end"]
PHASES: tuple[Phase, ...] = get_args(Phase)

# Fewest and most words; texts outside are bad style, not errors.
_LENGTHS: dict[str, tuple[int, int]] = {
    "motion": (8, 20),
    "phases": (8, 18),
    "coarse": (4, 9),
    "medium": (9, 16),
    "fine": (14, 26),
}


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


class Confusion(_Strict):
    """A class that looks alike, and the difference that a skeleton shows."""

    other: Name = Field(alias="class")
    difference: Phrase


class ClassFacts(_Strict):
    """What is known of one class. Only ``action`` and ``objects`` may name intentions or things."""

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


class Facts(_Strict):
    """The facts of a data set, in the order of its classes."""

    dataset: Name
    source: str = Field(min_length=1)
    classes: tuple[ClassFacts, ...] = Field(min_length=1)

    @property
    def hash(self) -> str:
        """Hex SHA-256 of the content (comments and layout of the file do not count)."""
        return sha256_text(canonical_json(self.model_dump(mode="json", by_alias=True)))


def load_facts(dataset: Dataset, folder: Path) -> Facts:
    """Read ``<folder>/<dataset>/facts.yaml`` and hold it against the data set.

    Args:
        dataset: the catalog entry whose classes must be there, all of them, in order.
        folder: the ``semantics`` folder.

    Raises:
        InputError: the file is missing, breaks the schema, or has other classes than the data set.
    """
    path = folder / dataset.name / "facts.yaml"
    if not path.is_file():
        raise InputError(
            f"there are no facts for the data set {dataset.name!r}",
            why=f"{path} does not exist",
            mend=f"write {path} after the pattern of {folder / 'demo' / 'facts.yaml'}, or name another folder",
        )
    content = read_yaml(path)
    try:
        facts = Facts.model_validate(content)
    except ValidationError as error:
        lines = [f"{_where(problem['loc'], content)}: {problem['msg']}" for problem in error.errors()]
        raise InputError(
            f"{path} breaks the schema of facts in {len(lines)} place{'s' * (len(lines) > 1)}",
            why="; ".join(lines[:8]) + ("; ..." if len(lines) > 8 else ""),
            mend=f"edit {path}",
        ) from error
    if facts.dataset != dataset.name:
        raise InputError(
            f"{path} is about another data set",
            why=f"it says {facts.dataset!r}, not {dataset.name!r}",
            mend=f"edit {path}",
        )
    _check_classes(path, dataset.class_names, [entry.name for entry in facts.classes])
    return facts


def style_problems(facts: Facts) -> list[str]:
    """Texts that are too short, too long or give their class's name away, one line each."""
    found = []
    for entry in facts.classes:
        for place, rule, text in entry.shown():
            least, most = _LENGTHS[rule]
            if not least <= word_count(text) <= most:
                found.append(f"{entry.name}: {place} has {word_count(text)} words, not {least} to {most}: {text!r}")
            if leaks_name(text, entry.name):
                found.append(f"{entry.name}: {place} gives the class name away: {text!r}")
    return found


def _check_classes(path: Path, expected: Sequence[str], found: Sequence[str]) -> None:
    if list(found) == list(expected):
        return
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    twice = sorted({name for name in found if found.count(name) > 1})
    reasons = [
        f"{label}: {', '.join(map(repr, names))}"
        for label, names in (("missing", missing), ("not in the data set", extra), ("there twice", twice))
        if names
    ]
    if not reasons:
        at = next(index for index, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b)
        reasons = [f"wrong order: entry {at} is {found[at]!r}, the class {at} is {expected[at]!r}"]
    raise InputError(
        f"the classes of {path} are not those of the data set",
        why="; ".join(reasons),
        mend=f"edit {path}: one entry per class, in the order of the catalog, with exactly its name",
    )


def _where(location: tuple[int | str, ...], content: Any) -> str:
    """Readable place of a schema error: the class by its name instead of its number."""
    place = [str(step) for step in location if step != "[key]"]
    if len(location) > 1 and location[0] == "classes":
        try:
            place = [repr(content["classes"][location[1]]["name"]), *place[2:]]
        except (KeyError, TypeError, IndexError):
            place = [f"class {location[1]}", *place[2:]]
    return ".".join(place) or "the file"
