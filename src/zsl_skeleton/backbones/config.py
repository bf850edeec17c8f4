"""Settings of the pre-training, and two named ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from zsl_skeleton.backbones.augment import NONE, STANDARD, Augmentation

UNHASHED = frozenset({"device", "checkpoint_seconds"})
"""Fields of the configurations that must not change the result."""


class PretrainConfig(BaseModel):
    """How an encoder is trained on the seen classes. The defaults are ours; :data:`PAPER` has the official values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = Field(default="st-gcn", description="name in the table of backbones")
    encoder: dict[str, Any] = Field(default_factory=dict, description="options of the backbone's own Config")
    protocol: str | None = Field(default=None, description="evaluation protocol; None = the data set's default")
    exclude_validation_unseen: bool = Field(
        default=False,
        description="leave the split's pseudo-unseen classes out too, so that selection on them is honest",
    )
    epochs: int = Field(default=60, ge=1)
    batch: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0, description="peak of the cosine (official: 5e-3)")
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled, as in AdamW; 0 is plain Adam (official)")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    logits: Literal["all", "seen"] = Field(
        default="all",
        description="softmax over all classes, the unseen ones never labelled (official), or over the seen ones",
    )
    augmentation: Augmentation = STANDARD
    validation_fraction: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="part of each seen class's training clips that selects the epoch; 0 = train on all, keep the last",
    )
    validation_subjects: tuple[int, ...] = Field(
        default=(), description="hold out these training subjects instead of a fraction"
    )
    seed: int = 5277
    device: str = Field(default="auto", description="does not change what is made, only where")
    checkpoint_seconds: float = Field(default=20.0, ge=0, description="shortest time between two checkpoints")


PAPER = PretrainConfig(
    encoder={"person_pooling": "mean"}, epochs=150, batch=128, augmentation=NONE, weight_decay=0.0, label_smoothing=0.0
)
"""As SMIE and AimCLR pre-train, except that seen clips of the *training* subjects select the epoch: the official test
subjects' seen clips are the seen half of the generalised test."""

PRETRAIN_PRESETS: dict[str, PretrainConfig] = {
    "default": PretrainConfig(),
    "paper": PAPER,
    # Synthetic movements are learnt quickly, and a first run should not take long.
    "demo": PretrainConfig(epochs=10),
}


def usual_preset(dataset: str) -> str:
    """Name of the preset that a data set is trained with unless the user says otherwise."""
    return dataset if dataset in PRETRAIN_PRESETS else "default"


class ExtractConfig(BaseModel):
    """What is extracted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: str = Field(default="raw-joints", description="an untrained backbone, for use without a pre-trained one")
    encoder: dict[str, Any] = Field(default_factory=dict, description="options of the untrained backbone's Config")
    keep: tuple[Literal["pooled", "joints", "frames", "logits"], ...] = ("pooled", "joints", "frames", "logits")
    device: str = Field(default="auto", description="does not change what is made, only where")
