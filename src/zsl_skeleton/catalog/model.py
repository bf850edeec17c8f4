"""The typed nouns of the catalog. All of them are frozen; class indices are 0-based."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, model_validator

from zsl_skeleton.registry import find_name


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    twice = _repeated(values)
    if twice:
        raise ValueError(f"{twice[0]} is listed twice")
    return tuple(sorted(values))


def _repeated(values: Iterable[object]) -> list[object]:
    return [value for value, count in Counter(values).items() if count > 1]


Numbers = Annotated[tuple[NonNegativeInt, ...], AfterValidator(_ascending)]
"""Distinct numbers >= 0, kept in ascending order."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionClass(_Entry):
    """One action: its index (label), the publisher's code, its name, and how many people perform it."""

    index: int
    code: str
    name: str = Field(min_length=1)
    persons: Literal[1, 2] = 1


class ClipCounts(_Entry):
    """Clips in the training and in the test part of a protocol."""

    train: NonNegativeInt
    test: NonNegativeInt


class Protocol(_Entry):
    """How clips are divided into a training and a test part; the test part is everything that is not training.

    ``train`` holds subject, view or setup numbers as the publisher counts them. ``by="recording"`` knows no such
    rule: the publisher ships the names of the training recordings in a file called ``train_list``.
    """

    name: str
    by: Literal["subject", "view", "setup", "recording"]
    train: Numbers = ()
    train_list: str | None = None
    counts: ClipCounts | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Protocol:
        if self.by == "recording" and (self.train or not self.train_list):
            raise ValueError("a protocol by recording has a train_list (file name) and no train numbers")
        if self.by != "recording" and (self.train_list or not self.train):
            raise ValueError(f"a protocol by {self.by} needs the {self.by} numbers in train, and no train_list")
        return self


class SplitClips(_Entry):
    """Clips of a split under one protocol: training clips of seen classes, test clips of unseen and of seen ones."""

    seen_train: NonNegativeInt
    unseen_test: NonNegativeInt
    seen_test: NonNegativeInt


class Split(_Entry):
    """A zero-shot split: the unseen classes; all others are seen.

    ``validation_unseen`` are seen classes that model selection may treat as unseen (empty where none are defined).
    ``protocol_ids`` name the published evaluation protocols it belongs to; ``clips`` counts clips by protocol name.
    """

    name: str
    unseen: Numbers = Field(min_length=1)
    validation_unseen: Numbers = ()
    source: str
    protocol_ids: tuple[str, ...] = ()
    clips: dict[str, SplitClips] = {}
    note: str = ""

    @model_validator(mode="after")
    def _disjoint(self) -> Split:
        shared = sorted(set(self.unseen) & set(self.validation_unseen))
        if shared:
            raise ValueError(f"validation_unseen must be seen classes, but {shared} are listed in unseen too")
        return self


class Fault(_Entry):
    """A published clip that cannot be used, and why."""

    id: str
    reason: str


class Dataset(_Entry):
    """A data set: what its labels mean, how its clips are divided, and how many there should be.

    ``expected_*`` count the clips as published, those in ``known_faults`` included. ``missing`` lists ids that the
    numbering suggests but that were never published. ``fps`` is nominal; ``reader`` is a key of the reader table.
    """

    name: str
    title: str
    synthetic: bool
    layout: Literal["ntu-25", "kinect-v1"]
    fps: PositiveFloat
    persons: Literal[1, 2]
    reader: str | None = None
    classes: tuple[ActionClass, ...] = Field(min_length=2)
    protocols: dict[str, Protocol] = Field(min_length=1)
    default_protocol: str
    expected_clips: NonNegativeInt | None = None
    expected_per_class: tuple[NonNegativeInt, ...] | None = None
    expected_per_subject: dict[int, NonNegativeInt] | None = None
    missing: tuple[str, ...] = ()
    known_faults: tuple[Fault, ...] = ()
    splits: dict[str, Split] = {}

    @functools.cached_property
    def class_names(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(action.name for action in self.classes)

    def split(self, name: str) -> Split:
        """The split that ``name`` means, forgiving case, hyphens and underscores.

        Raises:
            UsageError: there is no such split; the message lists the data set's splits.
        """
        return self.splits[find_name(f"split of {self.name}", name, self.splits)]

    def seen(self, split: Split) -> tuple[int, ...]:
        """Indices of the classes that are not unseen in ``split``, ascending."""
        return tuple(action.index for action in self.classes if action.index not in split.unseen)

    def protocol(self, name: str | None = None) -> Protocol:
        """The protocol that ``name`` means; the data set's usual one for None.

        Raises:
            UsageError: there is no such protocol.
        """
        return self.protocols[find_name(f"protocol of {self.name}", name or self.default_protocol, self.protocols)]

    @model_validator(mode="after")
    def _names_agree(self) -> Dataset:
        for field, values in (("name", self.class_names), ("code", [action.code for action in self.classes])):
            if twice := _repeated(values):
                raise ValueError(f"classes: two classes have the {field} {twice[0]!r}")
        if self.default_protocol not in self.protocols:
            raise ValueError(f"default_protocol: {self.default_protocol!r} is not among protocols")
        return self

    @model_validator(mode="after")
    def _indices_agree(self) -> Dataset:
        size = len(self.classes)
        for name, split in self.splits.items():
            for field in ("unseen", "validation_unseen"):
                beyond = [index for index in getattr(split, field) if index >= size]
                if beyond:
                    raise ValueError(
                        f"splits.{name}.{field}: there is no class {beyond[0]} (indices are 0..{size - 1})"
                    )
            if len(split.unseen) == size:
                raise ValueError(f"splits.{name}.unseen: no seen class is left")
            if unknown := sorted(set(split.clips) - set(self.protocols)):
                raise ValueError(f"splits.{name}.clips: {unknown[0]!r} is not among protocols")
        return self

    @model_validator(mode="after")
    def _counts_agree(self) -> Dataset:
        if self.expected_per_class is not None and len(self.expected_per_class) != len(self.classes):
            raise ValueError(f"expected_per_class: {len(self.expected_per_class)} counts, {len(self.classes)} classes")
        totals = {
            "expected_per_class": self.expected_per_class and sum(self.expected_per_class),
            "expected_per_subject": self.expected_per_subject and sum(self.expected_per_subject.values()),
        } | {f"protocols.{p.name}.counts": p.counts and p.counts.train + p.counts.test for p in self.protocols.values()}
        for field, total in totals.items():
            if total is not None and total != self.expected_clips:
                raise ValueError(f"{field}: the counts sum up to {total}, expected_clips is {self.expected_clips}")
        return self
