"""What can be set in a method: every setting with its value, what it is, and why a preset has it so."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import (
    differing_settings,
    load_preset,
    preset_changes,
    resolve_settings,
    value_text,
)

_WIDTH = 100
_TITLES = {"method": "the method", "train": "its training"}


@dataclass(frozen=True)
class Explained:
    """A setting as ``--set NAME=VALUE`` takes it.

    Args:
        section: ``method`` or ``train``.
        name: its name.
        value: its value, a JSON value.
        about: what it is, and where its default comes from.
        reason: why a preset or the user has it so; empty for what the official preset simply says.
    """

    section: str
    name: str
    value: Any
    about: str
    reason: str


@dataclass(frozen=True)
class ExplainedSettings:
    """All settings of a method under a preset; ``what`` the preset is."""

    method: str
    preset: str
    what: str
    settings: tuple[Explained, ...]

    def as_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)


def explain_settings(run: RunConfig, dataset: str = "") -> ExplainedSettings:
    """The settings of ``run``'s method, preset and overrides; with the values that its preset has for a data set.

    Raises:
        UsageError: an unknown method, preset or setting, or a value out of range.
        InputError: a preset's file is broken.
    """
    found = resolve_settings(run, dataset)
    changes = preset_changes(found.name, run.preset, dataset)
    reasons = {key: " ".join(change.reason.split()) for key, change in changes.items()}
    overridden = differing_settings(found, run.preset, dataset)
    explained = []
    for section, model in found.sections.items():
        values = model.model_dump(mode="json")
        for name, field in type(model).model_fields.items():
            reason = "--set" if name in overridden else reasons.get(f"{section}.{name}", "")
            explained.append(Explained(section, name, values[name], field.description or "", reason))
    return ExplainedSettings(found.name, run.preset, load_preset(found.name, run.preset).what, tuple(explained))


def render_settings(found: ExplainedSettings) -> str:
    """The same for people: a paragraph per setting."""
    head = f"{found.method}, preset {found.preset}: {' '.join(found.what.split())}"
    lines = [*_wrapped(head, ""), "--set NAME=VALUE changes a setting; after = stands its value here."]
    for section, title in _TITLES.items():
        own = [one for one in found.settings if one.section == section]
        lines += ["", f"Of {title}:"] if own else []
        for one in own:
            lines += ["", f"  {one.name} = {value_text(one.value)}", *_wrapped(one.about, "      ")]
            lines += _wrapped(f"-> {one.reason}", "      ") if one.reason else []
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
