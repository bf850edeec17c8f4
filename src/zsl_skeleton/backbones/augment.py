"""Random changes of training clips that keep the meaning of the action: other bodies, cameras, speeds and sensors.

There is deliberately no mirroring: it would turn a left-hand action into a right-hand one.
"""

from __future__ import annotations

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor

from zsl_skeleton.backbones.distributed import Share


class Augmentation(BaseModel):
    """Strengths of the changes; the default of each is "off".

    Rotations are about the origin, which the preprocessing recipes put between the shoulders or at the hip.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turn: float = Field(default=0.0, ge=0, le=180, description="largest rotation about the vertical axis, degrees")
    tilt: float = Field(default=0.0, ge=0, le=90, description="largest rotation about the two other axes, degrees")
    scale: float = Field(default=0.0, ge=0, lt=1, description="largest relative stretch per axis (body proportions)")
    shear: float = Field(default=0.0, ge=0, le=1, description="largest off-diagonal entry of a shear matrix")
    crop: float = Field(
        default=1.0, gt=0, le=1, description="shortest part of the clip that is kept, stretched to T frames"
    )
    jitter: float = Field(
        default=0.0, ge=0, description="standard deviation of noise per joint and frame, in the clips' unit"
    )

    def __call__(self, clips: Tensor, generator: Generator, share: Share | None = None) -> Tensor:
        """Changed copies of ``clips`` [B, 3, T, V, M], one draw per clip; absent persons stay absent (all zero).

        Args:
            clips: on any device.
            generator: a CPU generator, so that the draws do not depend on the device.
            share: which clips of a larger batch these are; the draws are those of the larger batch.
        """
        share = share or Share(slice(0, len(clips)), len(clips))
        if self.turn or self.tilt or self.scale or self.shear:
            transforms = self._transforms(share.total, generator)[share.rows].to(clips)
            clips = torch.einsum("bij,bjtvm->bitvm", transforms, clips)
        if self.crop < 1:
            clips = self._cropped(clips, generator, share)
        if self.jitter:
            noise = self.jitter * torch.randn(share.total, *clips.shape[1:], generator=generator)[share.rows]
            present = clips.flatten(1, 3).ne(0).any(1)[:, None, None, None]
            clips = clips + noise.to(clips) * present
        return clips

    def _transforms(self, count: int, generator: Generator) -> Tensor:
        """Linear maps [B, 3, 3]: stretch, shear, tilt, turn."""

        def uniform(limit: float, *shape: int) -> Tensor:
            return limit * (2 * torch.rand(count, *shape, generator=generator) - 1)

        eye = torch.eye(3)
        bend = (eye + uniform(self.shear, 3, 3) * (1 - eye)) @ torch.diag_embed(1 + uniform(self.scale, 3))
        tilt = math.radians(self.tilt)
        tilts = rotation(uniform(tilt), axis=0) @ rotation(uniform(tilt), axis=2)
        return rotation(uniform(math.radians(self.turn)), axis=1) @ tilts @ bend

    def _cropped(self, clips: Tensor, generator: Generator, share: Share) -> Tensor:
        """A part of random length and place, stretched to the old length by linear interpolation."""
        frames = clips.shape[2]
        length = self.crop + (1 - self.crop) * torch.rand(share.total, 1, generator=generator)
        start = (1 - length) * torch.rand(share.total, 1, generator=generator)
        times = ((start + length * torch.linspace(0, 1, frames)) * (frames - 1))[share.rows]
        before = times.floor().clamp(max=max(frames - 2, 0)).long()
        after = (before + 1).clamp(max=frames - 1)
        weight = (times - before).to(clips)[:, None, :, None, None]

        def at(index: Tensor) -> Tensor:
            return clips.gather(2, index.to(clips.device)[:, None, :, None, None].expand_as(clips))

        return torch.lerp(at(before), at(after), weight)


def rotation(angles: Tensor, axis: int) -> Tensor:
    """Rotation matrices [B, 3, 3] by ``angles`` [B] (radians) about coordinate ``axis``."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrices = torch.eye(3).repeat(len(angles), 1, 1)
    matrices[:, i, i] = matrices[:, j, j] = angles.cos()
    matrices[:, j, i] = angles.sin()
    matrices[:, i, j] = -angles.sin()
    return matrices


NONE = Augmentation()
STANDARD = Augmentation(turn=20, tilt=10, scale=0.2, shear=0.1, crop=0.8, jitter=0.01)
"""For small sets: about what another subject, a slightly moved camera and another trial would change."""
