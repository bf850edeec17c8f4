"""Prompt families: versioned ways of asking for texts, kept as data in ``prompts/<family>/<version>/``.

A version folder holds ``card.yaml`` (slots, counts, word limits, turns) and Jinja2 templates. Templates run in a
sandbox that knows nothing but the templates of its own folder and the declared placeholders. The hash of a version is
taken of the card and all templates, so texts always tell which wording they answer.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from jinja2 import DictLoader, StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zsl_skeleton.errors import InputError, UsageError, unknown_name
from zsl_skeleton.files import canonical_json, read_text, read_yaml, sha256_text
from zsl_skeleton.registry import find_name

_CARD = "card.yaml"
_VERSION = re.compile(r"v([1-9][0-9]*)")
PLACEHOLDERS = frozenset({"action", "count", "least", "most", "said", "fields"})
"""All that a template may use: action (name, persons), count of texts, word limits, earlier texts, answer fields."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AnswerField(_Strict):
    """A slot that a turn fills: the key in the JSON answer, how many texts per class, fewest and most words of each."""

    slot: Annotated[str, Field(pattern=r"^[a-z-]+(\.[a-z-]+)?$")]
    key: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    texts: int = Field(ge=1)
    per_call: int | None = Field(default=None, ge=1)
    words: tuple[int, int]


class Turn(_Strict):
    """One question of a dialogue.

    ``literal``: the rendered template is the text itself and nobody is asked.
    ``may_name``: the texts may use the class name.
    """

    name: Annotated[str, Field(pattern=r"^[a-z-]+$")]
    template: str
    literal: bool = False
    may_name: bool = False
    answers: tuple[AnswerField, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _calls(self) -> Turn:
        if len(self.answers) > 1 and any(answer.per_call for answer in self.answers):
            raise ValueError("per_call needs a turn with a single answer field")
        if self.literal and any(answer.texts != 1 for answer in self.answers):
            raise ValueError("a literal turn gives one text per slot")
        return self

    def calls(self, missing: Mapping[str, int] | None = None) -> tuple[dict[str, int], ...]:
        """How many texts of each slot every call asks for; one call unless ``per_call`` divides the work.

        Args:
            missing: how many texts of each slot are wanted; None: all of them. Slots that want none are left out.
        """
        wanted = {a.slot: a.texts if missing is None else missing[a.slot] for a in self.answers}
        step = self.answers[0].per_call
        found = []
        while wanted := {slot: count for slot, count in wanted.items() if count}:
            found.append({slot: min(step or count, count) for slot, count in wanted.items()})
            wanted = {slot: count - found[-1][slot] for slot, count in wanted.items()}
        return tuple(found)


class PromptCard(_Strict):
    """``card.yaml``: what a version asks, and what it expects back."""

    family: Annotated[str, Field(pattern=r"^[a-z-]+$")]
    version: Annotated[str, Field(pattern=_VERSION.pattern + "$")]
    purpose: str
    author: str
    notes: str
    placeholders: frozenset[str]
    system: str | None = None
    turns: tuple[Turn, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> PromptCard:
        slots = [answer.slot for turn in self.turns for answer in turn.answers]
        if len(set(slots)) < len(slots):
            raise ValueError("a slot is filled twice")
        foreign = [slot for slot in slots if slot.split(".")[0] != self.family]
        if foreign:
            raise ValueError(f"the slot {foreign[0]!r} does not begin with the name of the family")
        unknown = self.placeholders - PLACEHOLDERS
        if unknown:
            raise ValueError(f"unknown placeholder {min(unknown)!r}; known: {', '.join(sorted(PLACEHOLDERS))}")
        return self


@dataclass(frozen=True)
class PromptFamily:
    """One version of a family, checked and ready to render.

    Args:
        card: its card.
        templates: file name -> source; all that a template can include.
        folder: where it was read from (for messages).
    """

    card: PromptCard
    templates: Mapping[str, str]
    folder: Path
    _environment: ImmutableSandboxedEnvironment = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        environment = ImmutableSandboxedEnvironment(
            loader=DictLoader(dict(self.templates)), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # Globals such as `cycler` or `lipsum` are of no use in a prompt and would escape the declared placeholders.
        environment.globals.clear()
        object.__setattr__(self, "_environment", environment)

    @property
    def name(self) -> str:
        """Name of the family, e.g. ``"spatial"``."""
        return self.card.family

    @property
    def id(self) -> str:
        """``<family>@<version>``."""
        return f"{self.card.family}@{self.card.version}"

    @functools.cached_property
    def hash(self) -> str:
        """Hex SHA-256 of the card and all templates."""
        return sha256_text(
            canonical_json([self.card.model_dump(mode="json") | _ordered(self.card), dict(self.templates)])
        )

    @property
    def slots(self) -> dict[str, int]:
        """Slot -> number of texts per class."""
        return {answer.slot: answer.texts for turn in self.card.turns for answer in turn.answers}

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Render a template of this version.

        Raises:
            InputError: the template is wrong, uses an undeclared name, or tries to leave its sandbox.
        """
        declared = {name: value for name, value in values.items() if name in self.card.placeholders}
        try:
            text = self._environment.get_template(template).render(declared)
        except (TemplateError, SecurityError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise InputError(
                f"the prompt template {self.folder / template} cannot be rendered",
                why=f"{type(error).__name__}: {error}",
                mend=f"edit {self.folder / template}",
            ) from error
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def check(self) -> None:
        """Check that all templates are there, parse, and use declared placeholders only.

        Raises:
            InputError: one of them does not.
        """
        wanted = {turn.template for turn in self.card.turns} | ({self.card.system} if self.card.system else set())
        for template in sorted(wanted - set(self.templates)):
            raise InputError(f"{self.folder / template} is missing", mend=f"write it, or edit {self.folder / _CARD}")
        for template, source in self.templates.items():
            try:
                used = meta.find_undeclared_variables(self._environment.parse(source))
            except TemplateSyntaxError as error:
                why = f"line {error.lineno}: {error.message}"
                raise InputError(
                    f"{self.folder / template} is not a valid template", why=why, mend=f"edit {self.folder / template}"
                ) from error
            undeclared = used - self.card.placeholders
            if undeclared:
                raise InputError(
                    f"{self.folder / template} uses the undeclared placeholder {min(undeclared)!r}",
                    why=f"declared in {_CARD}: {', '.join(sorted(self.card.placeholders))}",
                    mend=f"edit {self.folder / template}, or declare it in {self.folder / _CARD}",
                )


def load_family(folder: Path) -> PromptFamily:
    """Read and check one version folder.

    Raises:
        InputError: the card or a template is missing or not valid, or a template is a link to outside the folder.
    """
    path = folder / _CARD
    try:
        card = PromptCard.model_validate(read_yaml(path))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors()]
        raise InputError(f"{path} is not a valid prompt card", why="; ".join(lines), mend=f"edit {path}") from error
    if (card.family, card.version) != (folder.parent.name, folder.name):
        why = f"it says {card.family}@{card.version}"
        raise InputError(f"{path} is not the card of its folder", why=why, mend=f"edit {path}, or move the folder")
    templates = {}
    for file in sorted(folder.glob("*.j2")):
        if not file.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{file} leads out of its folder", why="a version must hold all that it renders")
        templates[file.name] = read_text(file)
    family = PromptFamily(card, templates, folder)
    family.check()
    return family


def load_families(folder: Path, names: Iterable[str] | None = None) -> dict[str, PromptFamily]:
    """Load prompt families, by default all of them in alphabetical order, each in its newest version.

    Args:
        folder: the ``prompts`` folder.
        names: ``"spatial"`` or, for a certain version, ``"spatial@v1"``; spelling is forgiven.

    Raises:
        UsageError: a family or version does not exist, a family is named twice, or the folder holds none.
        InputError: a family is not valid.
    """
    known = {path.name: versions for path in sorted(folder.glob("*/")) if (versions := _versions(path))}
    if not known:
        raise UsageError(
            f"{folder} holds no prompt families",
            why="they lie in FAMILY/VERSION/, each with a card.yaml",
            mend=f"zsl-semantics new-version spatial --to {shlex.quote(str(folder))}",
        )
    chosen: dict[str, PromptFamily] = {}
    for wanted in list(known) if names is None else names:
        plain, _, version = wanted.partition("@")
        name = find_name("prompt family", plain, known)
        versions = known[name]
        if version and version not in versions:
            raise unknown_name(f"version of the prompt family {name!r}:", version, versions)
        if name in chosen:
            raise UsageError(f"the prompt family {name!r} is named twice", mend="name it once")
        chosen[name] = load_family(folder / name / (version or versions[-1]))
    return chosen


def _versions(folder: Path) -> list[str]:
    found = [int(match[1]) for path in folder.glob(f"v*/{_CARD}") if (match := _VERSION.fullmatch(path.parent.name))]
    return [f"v{number}" for number in sorted(found)]


def _ordered(card: PromptCard) -> dict[str, list[str]]:
    return {"placeholders": sorted(card.placeholders)}
