"""What each registered method can do with the visual inputs that somebody has, read off its settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.methods import METHODS
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import Settings, resolve_settings


class Capability(BaseModel):
    """Whether a method can be trained.

    Args:
        method: its name.
        needs: visual inputs that it reads with default settings.
        missing: those of them that are not there.
        without: a setting with which it does without them, and what the setting is; empty if there is none.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    needs: tuple[str, ...]
    missing: tuple[str, ...] = ()
    without: str = ""
    about: str = ""


def capabilities(available: Collection[str], dataset: str) -> tuple[Capability, ...]:
    """A line per registered method.

    Args:
        available: visual inputs, e.g. ``pooled``; ``clips`` for the clips themselves.
        dataset: whose presets count.
    """
    return tuple(_capability(name, available, dataset) for name in METHODS)


def _capability(method: str, available: Collection[str], dataset: str) -> Capability:
    settings = resolve_settings(RunConfig(method=method), dataset)
    needs = settings.method.needed_inputs
    missing = tuple(name for name in needs if name not in available)
    without, about = _way_round(settings, available, dataset) if missing else ("", "")
    return Capability(method=method, needs=needs, missing=missing, without=without, about=about)


def _way_round(settings: Settings, available: Collection[str], dataset: str) -> tuple[str, str]:
    """A single setting that makes do with what is available, and its description."""
    for name, field in settings.kind.Config.model_fields.items():
        for value in get_args(field.annotation) if get_origin(field.annotation) is Literal else ():
            changed = RunConfig(method=settings.name, overrides=(f"{name}={value}",))
            if set(resolve_settings(changed, dataset).method.needed_inputs) <= set(available):
                return f"{name}={value}", field.description or ""
    return "", ""
