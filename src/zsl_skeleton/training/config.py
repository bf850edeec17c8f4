"""What a training is asked to do. Light: imported by the command line, so no torch here."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

Select = Literal["last", "val", "oracle"]
Control = Literal["none", "shuffled", "random-words", "name-only"]
SELECTIONS: tuple[str, ...] = get_args(Select)
CONTROLS: tuple[str, ...] = get_args(Control)


class TrainConfig(BaseModel):
    """The optimisation, for methods that are trained in steps. Defaults are those of the InfoCPL and SMIE code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = Field(100, description="length of training and of the cosine")
    batch: PositiveInt = Field(128, description="clips per step; the last, smaller batch of an epoch is kept")
    learning_rate: PositiveFloat = Field(1e-5, description="Adam's peak rate, reached after the warm-up")
    warmup: NonNegativeInt = Field(15, description="epochs of linear warm-up from 0: epoch 0 has rate 0")
    weight_decay: NonNegativeFloat = Field(0.0, description="decoupled weight decay (official: 0)")
    sampling: Literal["shuffle", "with-replacement"] = Field(
        "shuffle", description="an epoch visits every clip once, or draws as many clips with replacement"
    )
    skip_single: bool = Field(True, description="leave out a batch of one clip (official code)")
    mixed: float = Field(
        0.0, ge=0, le=2, description="virtual clips of virtual classes per clip of a batch (ours; official: 0)"
    )
    mixed_margin: float = Field(0.25, ge=0, le=0.5, description="a virtual class's shares lie in [margin, 1 - margin]")


class RunConfig(BaseModel):
    """One run, as the user asks for it.

    ``overrides`` are ``key=value`` texts; a key is a field of the method's or the training's configuration, with or
    without the prefix ``method.`` or ``train.``. ``device`` and ``checkpoint_seconds`` do not change the result's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    preset: str = "default"
    overrides: tuple[str, ...] = ()
    seed: NonNegativeInt = 0
    select: Select = "last"
    control: Control = "none"
    device: str = "auto"
    checkpoint_seconds: NonNegativeFloat = 60.0
