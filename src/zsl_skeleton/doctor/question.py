"""What is asked about a training, and the form of the answer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.errors import InputError
from zsl_skeleton.methods.base import MethodConfig
from zsl_skeleton.pipeline import Sources
from zsl_skeleton.setting import Setting
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import resolve_settings

State = Literal["ready", "made", "yours"]
"""``ready``: it is there. ``made``: ``zsl-train`` makes it. ``yours``: only the user can provide or mend it."""


@dataclass(frozen=True)
class Step:
    """Something a training is made from: its role, its state, what it is or why it is missing, what makes it."""

    role: str
    state: State
    what: str = ""
    command: str = ""


@dataclass(frozen=True)
class Found:
    """A step and, where it is ready, its artifact."""

    step: Step
    artifact: Artifact | None = None

    @classmethod
    def ready(cls, role: str, artifact: Artifact) -> Self:
        """It is there."""
        return cls(Step(role, "ready", artifact.path.name), artifact)

    @classmethod
    def made(cls, role: str, command: str) -> Self:
        """The training makes it, as ``command`` does."""
        return cls(Step(role, "made", command=command))

    @classmethod
    def yours(cls, role: str, error: InputError) -> Self:
        """The pipeline gives up here."""
        return cls(Step(role, "yours", "; ".join(filter(None, (error.what, error.why))), error.mend))


@dataclass(frozen=True)
class Question:
    """What is to be trained on what.

    Args:
        setting: store, data set, split and protocol.
        run: method and settings; None: what every method needs.
        sources: what the user names of features and texts.
        place: words that end every command, e.g. ``--artifacts DIR``.
    """

    setting: Setting
    run: RunConfig | None = None
    sources: Sources = field(default_factory=Sources)
    place: tuple[str, ...] = ()

    @property
    def needs(self) -> MethodConfig | None:
        """What the method declares."""
        return resolve_settings(self.run, self.setting.dataset.name).method if self.run else None

    def typed(self, program: str, options: Mapping[str, object], *, split: bool = True) -> str:
        """A command about the data set; options without a value, and those with the usual one, are left out."""
        setting, usual = self.setting, Sources()
        given: dict[str, object] = {"dataset": setting.dataset.name}
        if split:
            protocol = setting.protocol.name
            given |= {"split": setting.split.name}
            given |= {"protocol": protocol} if protocol != setting.dataset.protocol().name else {}
        given |= {name: value for name, value in options.items() if value}
        left_out = (("backbone", usual.backbone), ("encoder", usual.words.encoder), ("preset", "default"))
        words = [
            word for name, value in given.items() if (name, value) not in left_out for word in _option(name, value)
        ]
        return shlex.join([*program.split(), *words, *self.place])


def _option(name: str, value: object) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [word for one in values for word in (f"--{name.replace('_', '-')}", str(one))]
