"""What a training is asked to do. Light: imported by the command line, so no torch here."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

Select = Literal["last", "val", "oracle"]
Control = Literal["none", "shuffled", "random-words", "name-only"]
Gate = Literal["ours", "official"]
MatmulPrecision = Literal["highest", "high", "medium"]
SELECTIONS: tuple[str, ...] = get_args(Select)
CONTROLS: tuple[str, ...] = get_args(Control)
GATE_NAMES: tuple[str, ...] = get_args(Gate)


class TrainConfig(BaseModel):
    """The optimisation, for methods that are trained in steps. Defaults are those of the InfoCPL and SMIE code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = Field(100, description="length of training and of the cosine")
    steps: PositiveInt | None = Field(None, description="steps of an epoch; null = as many as visit every clip once")
    batch: PositiveInt = Field(128, description="clips per step")
    drop_last: bool = Field(False, description="leave out the last, smaller batch of an epoch (official: Neuron)")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="AdamW, or SGD with Nesterov momentum (Neuron)")
    momentum: float = Field(0.9, ge=0, lt=1, description="of SGD (Neuron)")
    learning_rate: PositiveFloat = Field(1e-5, description="the peak rate, reached after the warm-up")
    schedule: Literal["cosine", "constant", "steps"] = Field(
        "cosine", description="after the warm-up: to 0 at the last epoch, unchanged, or times `decay` at `milestones`"
    )
    milestones: tuple[NonNegativeInt, ...] = Field((), description="epochs from which on the rate is times `decay`")
    decay: PositiveFloat = Field(0.1, description="factor at each milestone (Neuron)")
    warmup: NonNegativeInt = Field(15, description="epochs of linear warm-up")
    zero_rate_epoch: bool = Field(
        True, description="the warm-up starts from rate 0 in epoch 0, which then learns nothing (official)"
    )
    weight_decay: NonNegativeFloat = Field(0.0, description="decoupled for adam, part of the gradient for sgd")
    sampling: Literal["shuffle", "with-replacement", "independent"] = Field(
        "shuffle",
        description="clips of an epoch: each once; drawn with replacement; every batch drawn anew, of distinct clips",
    )
    skip_single: bool = Field(True, description="leave out a batch of one clip (official code)")
    mixed: float = Field(
        0.0, ge=0, le=2, description="virtual clips of virtual classes per clip of a batch (ours; official: 0)"
    )
    mixed_margin: float = Field(0.25, ge=0, le=0.5, description="a virtual class's shares lie in [margin, 1 - margin]")
    matmul_precision: MatmulPrecision = Field(
        "highest",
        description="of the products in training, in torch's words; highest: float32; high: TF32 on a GPU; medium: "
        "that, or bfloat16 factors on a processor that has them; scores are always computed in float32",
    )

    @model_validator(mode="after")
    def _something_is_learned(self) -> Self:
        if self.batch == 1 and self.skip_single:
            raise ValueError("with batch=1 and skip_single every batch is left out; set skip_single=false")
        return self


class RunConfig(BaseModel):
    """One run, as the user asks for it.

    ``overrides`` are ``key=value`` texts; a key is a field of the method's or the training's configuration, with or
    without the prefix ``method.`` or ``train.``. ``gzsl`` asks for the generalised task too, calibrated on held-out
    seen classes. ``draws`` sets of them are held out, ``held_out`` classes each where the split names none (None: as
    many as there are unseen ones). ``gate`` is ours or MSF's official one. ``device`` and ``checkpoint_seconds`` do not
    change the result's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    preset: str = "default"
    overrides: tuple[str, ...] = ()
    seed: NonNegativeInt = 0
    select: Select = "last"
    control: Control = "none"
    gzsl: bool = False
    draws: PositiveInt = 1
    held_out: PositiveInt | None = None
    gate: Gate = "ours"
    device: str = "auto"
    checkpoint_seconds: NonNegativeFloat = 60.0

    @property
    def validates(self) -> bool:
        """Whether trainings with held-out seen classes belong to the run."""
        return self.select == "val" or self.gzsl


def seed_list(text: str) -> tuple[int, ...]:
    """``"3"``, ``"0,2"`` or ``"0..4"``, both ends included.

    Raises:
        ValueError: it is none of these, or names no seed.
    """
    start, dots, end = text.partition("..")
    seeds = tuple(range(int(start), int(end) + 1)) if dots else tuple(int(part) for part in text.split(","))
    if not seeds or min(seeds) < 0:
        raise ValueError(f"{text!r} is no list of seeds")
    return seeds
