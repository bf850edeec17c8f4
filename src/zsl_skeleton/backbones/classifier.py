"""A backbone with a linear head, and how both are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.backbones import BACKBONES
from zsl_skeleton.backbones.base import Backbone, BackboneConfig, Encoding
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_tensors
from zsl_skeleton.registry import find_name, resolve

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone by name, with its validated options."""

    name: str
    kind: type[Backbone]
    options: BackboneConfig

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any]) -> BackboneSpec:
        """Look a backbone up and validate its options.

        Raises:
            UsageError: there is no such backbone, or it has no such option.
        """
        name = find_name("backbone", name, BACKBONES)
        kind = resolve("backbone", name, BACKBONES)
        try:
            return cls(name, kind, kind.Config(**options))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            known = ", ".join(kind.Config.model_fields)
            raise UsageError(f"backbone {name}: option {key!r}: {first['msg']}", why=f"its options: {known}") from error

    def build(self) -> Backbone:
        """A freshly initialised backbone."""
        return self.kind(self.options)

    def untrained(self) -> Backbone:
        """The backbone as it is before any training, every time with the same weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.build()


class Classifier(nn.Module):
    """Backbone and linear head over all C classes (Xavier-normal weights, zero bias)."""

    def __init__(self, encoder: Backbone, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.feature_size, classes)
        nn.init.xavier_normal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, clips: Tensor) -> tuple[Encoding, Tensor]:
        """Encoding and logits [B, C] of clips [B, 3, T, V, M]."""
        encoding: Encoding = self.encoder(clips)
        return encoding, self.head(encoding.pooled)


def features_of(model: nn.Module, clips: Tensor) -> dict[str, Tensor]:
    """``pooled``, and ``joints``, ``frames`` and ``logits`` as far as this encoder or classifier gives them."""
    encoding, logits = model(clips) if isinstance(model, Classifier) else (model(clips), None)
    found = {**vars(encoding), "logits": logits}
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def open_classifier(artifact: Artifact) -> Classifier:
    """The trained backbone of an artifact of stage ``backbones``, on the CPU, in eval mode.

    Raises:
        InputError: the artifact is of another stage, or its weights do not fit its card.
    """
    if artifact.card.stage != "backbones":
        raise InputError(f"{artifact.path} holds {artifact.card.stage}, not a backbone", mend="zsl-data pretrain")
    config = artifact.card.config
    weights = {name: torch.from_numpy(array) for name, array in read_tensors(artifact.path / WEIGHTS).items()}
    with torch.random.fork_rng(devices=[]):
        encoder = BackboneSpec.of(config["backbone"], config["encoder"]).build()
        model = Classifier(encoder, int(config["classes"]))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"the weights of {artifact.path} do not fit its card",
            why=" ".join(str(error).split())[:200],
            mend=f"delete the folder and run again: {artifact.card.made.command}",
        ) from error
    return model.eval()
