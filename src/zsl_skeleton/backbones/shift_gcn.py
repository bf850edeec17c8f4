"""Shift-GCN, the backbone of Neuron: ten blocks of pointwise layers between shifts over joints and over time.

Cheng et al., "Skeleton-Based Action Recognition with Shift Graph Convolutional Network", CVPR 2020, in the size and
with the learnable temporal shift that Neuron (CVPR 2025, arXiv 2411.11288) uses. With maps [N, T, V, C]:

    spatial layer:   y = (x shifted by +c) * (tanh(mask) + 1);  y = (W y + b) shifted by -c;
                     ReLU(BN_{joint, channel}(y) + x),   the latter through a 1x1 convolution and BN if C changes
    temporal layer:  BN, learnable shift, 1x1 convolution, ReLU, learnable shift (with the stride), BN
    block:           ReLU(temporal(spatial(x)) + x),     the latter through a 1x1 convolution and BN if C or T changes

Deviations, all options: ``input_norm``, ``person_pooling``. A stride halves T rounding down, but one frame is left.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from zsl_skeleton.backbones.base import Backbone, Encoding
from zsl_skeleton.backbones.graph import JOINTS
from zsl_skeleton.backbones.layers import ChannelNorm
from zsl_skeleton.backbones.persons import PersonsConfig, encode_persons, present_persons
from zsl_skeleton.backbones.shift import JointShift, LearnableShift, largest_offsets
from zsl_skeleton.errors import UsageError

PLAN: tuple[tuple[int, int, int], ...] = (
    *((3, 64, 1), (64, 64, 1), (64, 64, 1), (64, 64, 1)),
    *((64, 128, 2), (128, 128, 1), (128, 128, 1)),
    *((128, 256, 2), (256, 256, 1), (256, 256, 1)),
)
"""(channels in, channels out, stride over time) of each block."""

PERSONS = 2
"""Persons with input statistics of their own, under ``input_norm: person``."""


class ShiftGCNConfig(PersonsConfig):
    """Options of :class:`ShiftGCN`."""

    input_norm: Literal["person", "shared"] = Field(
        default="shared",
        description="first batch norm: statistics for each of two persons, absent ones included (official), or one "
        "for all who are computed",
    )
    joints: int = Field(default=JOINTS, ge=1, description="V; the shift over joints is modulo V (official: 25)")


class PersonNorm(ChannelNorm):
    """Batch norm with statistics for every person, joint and coordinate; one person alone uses the first's."""

    def __init__(self, joints: int) -> None:
        super().__init__(PERSONS * joints * 3)

    def forward(self, persons: Tensor) -> Tensor:
        """Normalise ``persons`` [B, M, T, V, 3].

        Raises:
            UsageError: there are more than two persons.
        """
        b, m, t, v, c = persons.shape
        if m > PERSONS:
            raise UsageError(
                f"the clips have {m} persons, but input_norm 'person' knows {PERSONS}",
                mend="zsl-data pretrain --backbone shift-gcn --preset default",
            )
        flat = persons.transpose(1, 2).reshape(b * t, m * v * c)
        return self.normalised(flat, slice(0, m * v * c)).view(b, t, m, v, c).transpose(1, 2)


class SpatialLayer(nn.Module):
    """A linear map between two opposite shifts over the joints, with a mask per joint and channel.

    Args:
        channels_in: C of the input.
        channels_out: C of the output.
        joints: V.
    """

    def __init__(self, channels_in: int, channels_out: int, joints: int) -> None:
        super().__init__()
        self.spread = JointShift(joints, channels_in, 1)
        self.gather = JointShift(joints, channels_out, -1)
        self.mask = nn.Parameter(torch.zeros(joints, channels_in))
        self.linear = nn.Linear(channels_in, channels_out)
        self.norm = ChannelNorm(joints * channels_out)
        nn.init.normal_(self.linear.weight, 0, 1 / math.sqrt(channels_out))
        nn.init.zeros_(self.linear.bias)
        self.skip = _Skip(channels_in, channels_out) if channels_in != channels_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, V, channels_in] -> [N, T, V, channels_out]."""
        y = self.gather(self.linear(self.spread(x) * (self.mask.tanh() + 1)))
        y = self.norm(y.flatten(2)).view(y.shape)
        out: Tensor = (y + self.skip(x)).relu_()
        return out


class TemporalLayer(nn.Module):
    """A linear map between two learnable shifts over time.

    Args:
        channels: C.
        stride: of the second shift.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.shift1 = LearnableShift(channels)
        self.linear = nn.Linear(channels, channels)
        nn.init.kaiming_normal_(self.linear.weight, mode="fan_out")
        self.shift2 = LearnableShift(channels, stride)
        self.norm2 = ChannelNorm(channels)

    def forward(self, x: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
        """[N, T, V, C] -> [N, max(1, floor(T / stride)), V, C]; ``limits`` as in :class:`LearnableShift`."""
        # In place, but never on a view: its backward would copy the whole gradient twice.
        y = self.linear(self.shift1(self.norm1(x), limits).flatten(0, 2)).relu_()
        out: Tensor = self.norm2(self.shift2(y.view(x.shape), limits))
        return out


class _Skip(nn.Module):
    """A 1x1 convolution and batch norm."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels_in, channels_out)
        self.norm = ChannelNorm(channels_out)
        nn.init.kaiming_normal_(self.linear.weight, mode="fan_out")
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.linear(x))
        return out


class Block(nn.Module):
    """Spatial, then temporal layer, around a residual connection.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: over time.
        joints: V.
        residual: False in the first block, which has no such connection.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, joints: int, *, residual: bool = True) -> None:
        super().__init__()
        self.spatial = SpatialLayer(channels_in, channels_out, joints)
        self.temporal = TemporalLayer(channels_out, stride)
        self.residual, self.stride = residual, stride
        changes = residual and (channels_in != channels_out or stride != 1)
        self.skip: nn.Module = _Skip(channels_in, channels_out) if changes else nn.Identity()

    def forward(self, x: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
        """[N, T, V, channels_in] -> [N, max(1, floor(T / stride)), V, channels_out]."""
        y: Tensor = self.temporal(self.spatial(x), limits)
        if not self.residual:
            return y.relu()
        # Of an odd number of frames, a stride takes one more than the shift.
        skipped: Tensor = self.skip(x[:, :: self.stride][:, : y.shape[1]])
        return (y + skipped).relu_()


class ShiftGCN(Backbone):
    """The encoder: clips [B, 3, T, V, M] to 256 non-negative values."""

    Config = ShiftGCNConfig
    recipes = ("ctr-64", "aimclr-50")
    feature_size = PLAN[-1][1]
    config: ShiftGCNConfig

    def __init__(self, config: ShiftGCNConfig | None = None) -> None:
        super().__init__(config or ShiftGCNConfig())
        joints = self.config.joints
        self.bn_in = PersonNorm(joints) if self.config.input_norm == "person" else ChannelNorm(joints * 3)
        self.blocks = nn.ModuleList(Block(*sizes, joints, residual=number > 0) for number, sizes in enumerate(PLAN))

    def forward(self, clips: Tensor) -> Encoding:
        """Encode clips [B, 3, T, V, M]; an absent person is all zero, the first one counts as present in any case.

        Raises:
            UsageError: V is not the option ``joints``, or there are too many persons for ``input_norm: person``.
        """
        if clips.shape[3] != self.config.joints:
            why = f"shift-gcn was built for {self.config.joints}"
            raise UsageError(f"the clips have {clips.shape[3]} joints", why=why, mend="set its option joints")
        persons = clips.permute(0, 4, 2, 3, 1)
        present = present_persons(persons)
        if isinstance(self.bn_in, PersonNorm):
            persons = self.bn_in(persons)
        return encode_persons(persons, present, self.maps, self.config.person_pooling, training=self.training)

    def maps(self, persons: Tensor) -> Tensor:
        """Feature maps [R, T', V, 256] of single persons [R, T, V, 3] (normalised under ``input_norm: person``)."""
        x = persons
        if not isinstance(self.bn_in, PersonNorm):
            x = self.bn_in(persons.flatten(2)).view(persons.shape)
        limits = largest_offsets([module for module in self.modules() if isinstance(module, LearnableShift)])
        for block in self.blocks:
            x = block(x, limits)
        return x
