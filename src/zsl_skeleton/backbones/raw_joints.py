"""The "backbone" without training: the coordinates themselves. A baseline that every trained backbone has to beat."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_skeleton.backbones.base import Backbone, BackboneConfig, Encoding


class RawJointsConfig(BackboneConfig):
    """Options of :class:`RawJoints`."""

    motion_weight: float = 5.0


class RawJoints(Backbone):
    """Positions and weighted frame differences of the first person, flattened.

    ``pooled`` is [B, 3 V (2 T - 1)]: the T V 3 positions in the order frame, joint, coordinate, then the (T - 1) V 3
    differences of successive frames times ``motion_weight``, so that a slow movement weighs about as much as a posture.
    """

    Config = RawJointsConfig
    trainable = False
    recipes = ("hip-32",)
    config: RawJointsConfig

    def forward(self, clips: Tensor) -> Encoding:
        """Encode clips [B, 3, T, V, M]."""
        positions = clips[..., 0].permute(0, 2, 3, 1).flatten(2)
        motion = self.config.motion_weight * positions.diff(dim=1)
        return Encoding(pooled=torch.cat([positions.flatten(1), motion.flatten(1)], dim=1))
