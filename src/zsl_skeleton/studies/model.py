"""A study as its file says it: blocks of a grid, each the product of its lists. Light: no torch here."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from zsl_skeleton.evaluation.comparison.options import Metric, Rule
from zsl_skeleton.training.config import Control, Gate, Select, seed_list


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _listed(value: object) -> object:
    """One value stands for a list of it; ``"a, b"`` for two."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, list | tuple) or value is None else [value]


def _seeds(value: object) -> object:
    """``3``, ``[0, 2]``, or a text as :func:`seed_list` reads it."""
    if not isinstance(value, str):
        return _listed(value)
    try:
        return seed_list(value)
    except ValueError as error:
        raise ValueError("write 0, or [0, 1, 2], or 0..4") from error


def _settings(value: object) -> object:
    """``{epochs: 50}`` -> ``["epochs=50"]``, as ``--set`` takes it."""
    if isinstance(value, dict):
        return [f"{key}={inner if isinstance(inner, str) else json.dumps(inner)}" for key, inner in value.items()]
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Settings = Annotated[tuple[str, ...], BeforeValidator(_settings)]


class MethodChoice(_Part):
    """A method, its preset (None: those of the block) and settings that differ from it, as ``key=value``."""

    method: str
    preset: str | None = None
    settings: Settings = Field(default=(), alias="set")


def _choices(value: object) -> object:
    """``mla`` or ``mla:paper`` -> a mapping."""
    if isinstance(value, dict):
        return [value]
    listed = _listed(value)
    return [_choice(item) for item in listed] if isinstance(listed, list) else listed


def _choice(value: object) -> object:
    if not isinstance(value, str):
        return value
    method, colon, preset = value.partition(":")
    return {"method": method.strip(), **({"preset": preset.strip()} if colon else {})}


class Block(_Part):
    """A grid: every combination of its lists is a run. What it leaves out is as in ``zsl-train``.

    Args:
        methods: ``mla``, ``mla:paper``, or a mapping of ``method``, ``preset`` and ``set``.
        presets: of methods that name none themselves.
        set: settings of every method of the block.
        datasets, splits, protocols, seeds, controls, backbones, banks, encoders: the axes. No split: the first of the
            data set; no protocol: its usual one; no bank: the composed one.
        embeddings: class embeddings by name, instead of banks and encoders.
        gzsl, gate, select, draws, held_out, validation_features: as the options of ``zsl-train``.
    """

    methods: Annotated[tuple[MethodChoice, ...], BeforeValidator(_choices)] = Field(min_length=1)
    presets: Names = Field(default=("default",), min_length=1)
    settings: Settings = Field(default=(), alias="set")
    datasets: Names = Field(min_length=1)
    splits: Names = ()
    protocols: Names = ()
    seeds: Annotated[tuple[NonNegativeInt, ...], BeforeValidator(_seeds)] = Field(default=(0,), min_length=1)
    controls: Annotated[tuple[Control, ...], BeforeValidator(_listed)] = Field(default=("none",), min_length=1)
    backbones: Names = Field(default=("st-gcn",), min_length=1)
    banks: Names = ()
    encoders: Names = Field(default=("minilm",), min_length=1)
    embeddings: Names = ()
    gzsl: bool = False
    gate: Gate = "ours"
    select: Select = "last"
    draws: PositiveInt = 1
    held_out: PositiveInt | None = None
    validation_features: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _said(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("embeddings") and (raw.get("banks") or raw.get("encoders")):
            raise ValueError("embeddings were made of a bank by an encoder: name them, or banks and encoders")
        return raw


class TableOptions(_Part):
    """How the table at the end is made; see ``zsl-train compare``."""

    against: str | None = None
    metric: Metric = "accuracy"
    rule: Rule = "held-out"
    level: float = Field(default=0.95, gt=0, lt=1)
    resamples: int = Field(default=10_000, ge=100)
    seed: NonNegativeInt = 0


class Study(_Part):
    """A study: its ``name``, what it is ``about``, its grids, and how its table is made."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    about: str = ""
    runs: tuple[Block, ...] = Field(min_length=1)
    table: TableOptions = TableOptions()
