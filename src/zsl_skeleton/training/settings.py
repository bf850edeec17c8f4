"""Presets and overrides: from ``--preset default --set learning_rate=1e-4`` to two validated configurations.

``presets/<method>/<preset>.yaml`` holds sections ``method`` and ``train``; a preset that ``extends`` another one lists
its ``changes``, each with its reason. ``datasets`` gives values that depend on the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from zsl_skeleton.errors import InputError, UsageError, unknown_name
from zsl_skeleton.files import canonical_json, read_yaml
from zsl_skeleton.methods import METHODS
from zsl_skeleton.methods.base import Method, MethodConfig
from zsl_skeleton.registry import find_name, resolve
from zsl_skeleton.training.config import RunConfig, TrainConfig
from zsl_skeleton.training.presets import preset_names, preset_path

_SECTIONS = ("method", "train")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Data):
    """A value that differs from the preset it extends, and why."""

    value: Any
    reason: str


class Preset(_Data):
    """A preset as written in its file."""

    what: str
    extends: str | None = None
    method: dict[str, Any] = {}
    train: dict[str, Any] = {}
    changes: dict[str, Change] = {}
    datasets: dict[str, dict[str, Any]] = {}

    def says(self, dataset: str) -> dict[str, Change]:
        """Dotted key -> value and reason, which is empty where the preset gives none; ``extends`` aside."""
        sections = ((section, getattr(self, section)) for section in _SECTIONS)
        plain = {f"{section}.{key}": value for section, own in sections for key, value in own.items()}
        found = {key: Change(value=value, reason="") for key, value in plain.items()} | self.changes
        own = self.datasets.get(dataset, {})
        return found | {key: Change(value=value, reason=f"for {dataset}") for key, value in own.items()}


@dataclass(frozen=True)
class Settings:
    """The resolved settings of a run; ``train`` is None for a closed-form method."""

    name: str
    kind: type[Method]
    method: MethodConfig
    train: TrainConfig | None

    @property
    def sections(self) -> dict[str, BaseModel]:
        """The configurations there are, by the section of a preset that sets them."""
        return {"method": self.method} | ({"train": self.train} if self.train else {})

    def as_json(self) -> dict[str, Any]:
        """Both configurations as JSON values."""
        train = self.train.model_dump(mode="json") if self.train else None
        if train and train["matmul_precision"] == "highest":
            del train["matmul_precision"]  # runs made before there was a choice keep their names
        return {"method": self.method.model_dump(mode="json"), "train": train}


def load_preset(method: str, preset: str) -> Preset:
    """Read a preset.

    Raises:
        UsageError: no such method or preset.
        InputError: the file is broken.
    """
    method = find_name("method", method, METHODS)
    name = find_name(f"preset of {method}", preset, dict.fromkeys(preset_names(method)))
    path = preset_path(method, name)
    try:
        return Preset.model_validate(read_yaml(path))
    except ValidationError as error:
        raise InputError(f"{path} is not a preset", why=_first(error)) from error


def resolve_settings(run: RunConfig, dataset: str) -> Settings:
    """The settings that method, preset, data set and overrides make together.

    Raises:
        UsageError: an unknown method, preset or setting, or a value out of range.
    """
    name = find_name("method", run.method, METHODS)
    kind: type[Method] = resolve("method", name, METHODS)
    models: dict[str, type[BaseModel]] = {"method": kind.Config}
    if not kind.closed_form:
        models["train"] = TrainConfig
    known = [f"{section}.{field}" for section, model in models.items() for field in model.model_fields]
    values = {key: change.value for key, change in preset_changes(name, run.preset, dataset).items()}
    values |= dict(_override(text, known, name) for text in run.overrides)
    built: dict[str, Any] = {section: _build(model, section, values, name) for section, model in models.items()}
    return Settings(name, kind, built["method"], built.get("train"))


def settings_from_json(method: str, values: Mapping[str, Any]) -> Settings:
    """The settings that :meth:`Settings.as_json` wrote into a run's card."""
    kind: type[Method] = resolve("method", method, METHODS)
    train = TrainConfig.model_validate(values["train"]) if values["train"] else None
    return Settings(method, kind, kind.Config.model_validate(values["method"]), train)


def preset_changes(method: str, preset: str, dataset: str) -> dict[str, Change]:
    """Dotted key -> value and reason, of a preset and those it extends; the last one that sets a key counts.

    Raises:
        UsageError: no such method or preset.
        InputError: a preset's file is broken.
    """
    source = load_preset(method, preset)
    return (preset_changes(method, source.extends, dataset) if source.extends else {}) | source.says(dataset)


def differing_settings(own: Settings, preset: str, dataset: str) -> dict[str, Any]:
    """Key -> JSON value of the settings that differ from a preset as it is now.

    Raises:
        UsageError: there is no such preset any more.
    """
    usual = _flat(resolve_settings(RunConfig(method=own.name, preset=preset), dataset))
    return {key: value for key, value in _flat(own).items() if usual.get(key) != value}


def changed_settings(own: Settings, preset: str, dataset: str) -> tuple[str, ...]:
    """:func:`differing_settings` as ``key=value``."""
    return tuple(f"{key}={value_text(value)}" for key, value in differing_settings(own, preset, dataset).items())


def value_text(value: Any) -> str:
    """A setting's value as ``--set`` takes it."""
    return value if isinstance(value, str) else canonical_json(value)


def _flat(settings: Settings) -> dict[str, Any]:
    models = settings.sections.values()
    return {key: value for model in models for key, value in model.model_dump(mode="json").items()}


def _override(text: str, known: list[str], method: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not a setting", mend="write --set KEY=VALUE, e.g. --set epochs=50")
    wanted = key.strip()
    exact = [name for name in known if wanted in (name, name.partition(".")[2])]
    if not exact:
        raise unknown_name(f"setting of {method}", wanted, [name.partition(".")[2] for name in known])
    try:
        return exact[0], yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"the value of {text!r} cannot be read", why=" ".join(str(error).split())) from error


def _build(model: type[BaseModel], section: str, values: Mapping[str, Any], method: str) -> BaseModel:
    own = {key.removeprefix(f"{section}."): value for key, value in values.items() if key.startswith(f"{section}.")}
    try:
        return model.model_validate(own)
    except ValidationError as error:
        raise UsageError(
            f"a {section} setting is not valid: {_first(error)}",
            mend=f"correct the --set or the preset; zsl-train settings --method {method} says what each one is",
        ) from error


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']} (got {detail['input']!r})"
