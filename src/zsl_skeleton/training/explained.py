"""What can be set in a method: every setting with its value, what it is, and why a preset has it so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import Preset, changed_settings, load_preset, resolve_settings, value_text

_WIDTH = 100
_SECTIONS = {"method": "the method", "train": "its training"}


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
    reasons = _reasons(found.name, run.preset, dataset)
    overridden = {text.partition("=")[0] for text in changed_settings(found, run.preset, dataset)}
    explained = []
    for section, model in (("method", found.method), ("train", found.train)):
        values = model.model_dump(mode="json") if model else {}
        for name, field in type(model).model_fields.items() if model else ():
            reason = "--set" if name in overridden else reasons.get(f"{section}.{name}", "")
            explained.append(Explained(section, name, values[name], field.description or "", reason))
    return ExplainedSettings(found.name, run.preset, load_preset(found.name, run.preset).what, tuple(explained))


def render_settings(found: ExplainedSettings) -> str:
    """The same for people: a paragraph per setting."""
    head = f"{found.method}, preset {found.preset}: {' '.join(found.what.split())}"
    lines = [*_wrapped(head, ""), "--set NAME=VALUE changes a setting; after = stands its value here."]
    for section, title in _SECTIONS.items():
        own = [one for one in found.settings if one.section == section]
        lines += ["", f"Of {title}:"] if own else []
        for one in own:
            lines += ["", f"  {one.name} = {value_text(one.value)}", *_wrapped(one.about, "      ")]
            lines += _wrapped(f"-> {one.reason}", "      ") if one.reason else []
    return "\n".join(lines)


def _reasons(method: str, preset: str, dataset: str) -> dict[str, str]:
    """Dotted name -> why the last preset that sets it does so; a later preset without a reason takes it away."""
    found: dict[str, str] = {}
    for source in _chain(method, preset):
        for section in _SECTIONS:
            found |= {f"{section}.{name}": "" for name in getattr(source, section)}
        found |= {name: " ".join(change.reason.split()) for name, change in source.changes.items()}
        found |= dict.fromkeys(source.datasets.get(dataset, {}), f"for {dataset}")
    return found


def _chain(method: str, preset: str) -> Iterator[Preset]:
    """The preset and those that it extends, these first."""
    source = load_preset(method, preset)
    if source.extends:
        yield from _chain(method, source.extends)
    yield source


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
