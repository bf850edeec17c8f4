"""Settings of the pre-training, and some named ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from zsl_skeleton.backbones.augment import NONE, STANDARD, Augmentation

UNHASHED = frozenset({"device", "checkpoint_seconds", "held_gib"})
"""Fields of the configurations that must not change the result."""
_LATER = ("sgd", "drop_last", "head", "precision")
"""Fields that came later: at their defaults they stay out of a backbone's identity, so that older ones keep theirs."""


class SGD(BaseModel):
    """Nesterov momentum and a rate that falls in steps; the defaults are those of Neuron's Shift-GCN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    momentum: float = Field(default=0.9, gt=0, lt=1)
    milestones: tuple[int, ...] = Field(default=(60, 80, 100), description="epochs from which on the rate is smaller")
    decay: float = Field(default=0.1, gt=0, description="factor at each milestone")
    weight_decays: dict[str, float] = Field(
        default_factory=lambda: {"*": 1e-4, "*.spatial.linear.weight": 1e-3, "*.mask": 0.0},
        description="weight decay by pattern of the parameter's name (the longest that matches), instead of the usual",
    )


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
    sgd: SGD | None = Field(default=None, description="instead of Adam with a cosine (official: Neuron)")
    drop_last: bool = Field(default=False, description="leave out an epoch's last, smaller batch (official: Neuron)")
    head: Literal["xavier", "wide"] = Field(
        default="xavier", description="first weights of the head; wide: deviation sqrt(2 / seen classes) (Neuron)"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["float32", "bf16"] = Field(
        default="float32", description="bf16: products in bfloat16 (autocast), weights and sums in float32"
    )
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
    held_gib: float = Field(
        default=4.0, ge=0, description="clips of more GiB than this stay on the disk and are read batch by batch"
    )

    def identity(self) -> dict[str, Any]:
        """What decides the result, as JSON values."""
        usual = {name for name in _LATER if getattr(self, name) == PretrainConfig.model_fields[name].default}
        return self.model_dump(mode="json", exclude={*UNHASHED, *usual})


PAPER = PretrainConfig(
    encoder={"person_pooling": "mean"}, epochs=150, batch=128, augmentation=NONE, weight_decay=0.0, label_smoothing=0.0
)
"""As SMIE and AimCLR pre-train, except that seen clips of the *training* subjects select the epoch: the official test
subjects' seen clips are the seen half of the generalised test."""

NEURON = PretrainConfig(
    backbone="shift-gcn",
    encoder={"person_pooling": "mean", "input_norm": "person"},
    epochs=110,
    batch=64,
    drop_last=True,
    learning_rate=0.1,
    sgd=SGD(),
    head="wide",
    logits="seen",
    augmentation=Augmentation(turn=17.2, tilt=17.2, crop=0.5),
)
"""As Neuron pre-trains, except that training clips select the epoch (official: the best on the seen *test* clips), and
that the crop is taken from the resized clip. Angles: 0.3 radians, about the vertical axis last (official: z last)."""

PRETRAIN_PRESETS: dict[str, PretrainConfig] = {
    "default": PretrainConfig(),
    "paper": PAPER,
    "neuron": NEURON,
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
    masked_views: int = Field(default=0, ge=0, description="pooled features of so many masked views per clip (SMIE)")
    view_seed: int = Field(default=0, description="of the frames that the masked views show")
    dtype: Literal["float32", "float16"] = Field(
        default="float32", description="how features are stored; float16 halves the disk and rounds to 3 digits"
    )
    device: str = Field(default="auto", description="does not change what is made, only where")
