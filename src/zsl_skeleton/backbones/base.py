"""What every backbone is: a module from clips to an :class:`Encoding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


@dataclass(frozen=True)
class Encoding:
    """What a backbone says about B clips.

    Args:
        pooled: [B, D], one vector per clip.
        joints: [B, V, D], means over time and persons; None if the backbone has no such notion.
        frames: [B, T', D], means over joints and persons, T' <= T; None if the backbone has no such notion.
    """

    pooled: Tensor
    joints: Tensor | None = None
    frames: Tensor | None = None


class BackboneConfig(BaseModel):
    """Base of the configurations: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Backbone(nn.Module):
    """Turns clips [B, 3, T, V, M] (any T, any M) into an :class:`Encoding`; knows no device, file or label.

    ``recipes`` are the skeleton preprocessing recipes it can read; empty means any.
    """

    Config: ClassVar[type[BackboneConfig]] = BackboneConfig
    trainable: ClassVar[bool] = True
    recipes: ClassVar[tuple[str, ...]] = ()

    feature_size: int
    """D of the pooled vector; only trainable backbones, whose head needs it, have to set it."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def forward(self, clips: Tensor) -> Encoding:
        """Encode clips [B, 3, T, V, M]."""
        raise NotImplementedError
