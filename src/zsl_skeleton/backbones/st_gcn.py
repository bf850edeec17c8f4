"""A small ST-GCN: graph convolution over the joints, convolution over time, ten blocks.

Yan et al., "Spatial temporal graph convolutional networks", AAAI 2018, in the size that AimCLR and SMIE (ACM MM 2023)
use: 16 to 64 channels and a last block of 256, 821,380 parameters. Deviations, all options: ``person_pooling``.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from zsl_skeleton.backbones.base import Backbone, Encoding
from zsl_skeleton.backbones.graph import JOINTS, adjacency
from zsl_skeleton.backbones.layers import ChannelNorm, Dropout, TemporalConv
from zsl_skeleton.backbones.persons import PersonsConfig, encode_persons, present_persons

PLAN: tuple[tuple[int, int, int], ...] = (
    *((3, 16, 1), (16, 16, 1), (16, 16, 1), (16, 16, 1)),
    *((16, 32, 2), (32, 32, 1), (32, 32, 1)),
    *((32, 64, 2), (64, 64, 1), (64, 256, 1)),
)
"""(channels in, channels out, stride over time) of each block."""


class STGCNConfig(PersonsConfig):
    """Options of :class:`STGCN`."""

    dropout: float = Field(default=0.5, ge=0, lt=1, description="in every block but the first (official: 0.5)")


class GraphConv(nn.Linear):
    """1x1 convolution to three maps, each aggregated along its part of the graph, then summed.

    ``out[w] = sum_k sum_v (W_k x[v] + b_k) (A_k * M_k)[v, w]``. Both steps are linear, so the aggregation goes first
    when it is computed: it then runs over the fewer channels. ``weight`` is [3 * channels_out, channels_in], its rows
    in the order k, channel; ``edge`` is M [3, V, V].
    """

    graph: Tensor

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, 3 * channels_out)
        self.register_buffer("graph", adjacency(), persistent=False)
        self.edge = nn.Parameter(torch.ones_like(self.graph))

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, V, channels_in] -> [N, T, V, channels_out]."""
        n, t, v, c = x.shape
        graph = self.graph * self.edge
        neighbours = torch.matmul(graph.permute(2, 0, 1).reshape(v * 3, v), x.reshape(n * t, v, c))
        weight = self.weight.view(3, -1, c).transpose(0, 1).reshape(-1, 3 * c)
        bias = torch.matmul(graph.sum(1).T, self.bias.view(3, -1))
        return (nn.functional.linear(neighbours.view(n, t, v, 3 * c), weight) + bias).contiguous()


class Block(nn.Module):
    """Graph convolution, then convolution over nine frames, around a residual connection.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        stride: over time.
        dropout: probability after the temporal convolution.
        residual: False in the first block, which has no such connection.
    """

    def __init__(
        self, channels_in: int, channels_out: int, stride: int, *, dropout: float, residual: bool = True
    ) -> None:
        super().__init__()
        self.gconv = GraphConv(channels_in, channels_out)
        self.bn1 = ChannelNorm(channels_out)
        self.tconv = TemporalConv(channels_out, stride=stride)
        self.bn2 = ChannelNorm(channels_out)
        self.dropout = Dropout(dropout)
        self.residual, self.stride = residual, stride
        self.skip: nn.Linear | None = None
        if residual and channels_in != channels_out:
            self.skip = nn.Linear(channels_in, channels_out)
            self.bnskip = ChannelNorm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, V, channels_in] -> [N, ceil(T / stride), V, channels_out]."""
        y: Tensor = self.dropout(self.bn2(self.tconv(torch.relu(self.bn1(self.gconv(x))))))
        if self.skip is not None:
            y = y + self.bnskip(self.skip(x[:, :: self.stride]))
        elif self.residual:
            y = y + x
        return torch.relu(y)


class STGCN(Backbone):
    """The encoder: clips [B, 3, T, 25, M] to 256 non-negative values."""

    Config = STGCNConfig
    recipes = ("aimclr-50", "ctr-64")
    feature_size = PLAN[-1][1]
    config: STGCNConfig

    def __init__(self, config: STGCNConfig | None = None) -> None:
        super().__init__(config or STGCNConfig())
        self.bn_in = ChannelNorm(3 * JOINTS)
        first, *others = PLAN
        self.blocks = nn.ModuleList([Block(*first, dropout=0.0, residual=False)])
        self.blocks.extend(Block(*sizes, dropout=self.config.dropout) for sizes in others)

    def forward(self, clips: Tensor) -> Encoding:
        """Encode clips [B, 3, T, 25, M]; an absent person is all zero, the first one counts as present in any case."""
        persons = clips.permute(0, 4, 2, 3, 1)
        present = present_persons(persons)
        return encode_persons(persons, present, self.maps, self.config.person_pooling, training=self.training)

    def maps(self, persons: Tensor) -> Tensor:
        """Feature maps [R, T', 25, 256] of single persons [R, T, 25, 3]."""
        x: Tensor = self.bn_in(persons.flatten(2)).view(persons.shape)
        for block in self.blocks:
            x = block(x)
        return x
