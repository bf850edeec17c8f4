"""Shifts instead of convolutions: channels that move over the joints, and channels that move over time.

Over joints (Cheng et al., "Skeleton-Based Action Recognition with Shift Graph Convolutional Network", CVPR 2020):
channel c of joint v is read from joint v + c modulo V, or written there; every joint so sees all others, without a
graph. Over time: every channel is sampled at a real offset of its own, which is learnt,

    y[t] = (1 - f) x[s t + i] + f x[s t + i + 1],    i + f = offset (+ 1/2 if the stride s is not 1),    x = 0 outside.

All maps are [N, T, V, C] (clips, frames, joints, channels). The first shift is a gather with a fixed index, whose
backward is the gather with the inverse index. The second is a depthwise convolution with a kernel of two taps per
channel that is built from the offset, so that its backward is exact; it costs about as much as a ReLU.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_skeleton.backbones import distributed

INVISIBLE = 2.0**-25
"""An offset below this changes no float32: (1 - f) rounds to 1, and f x is lost beside x."""


class _Reordered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(1, order)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient.index_select(1, *ctx.saved_tensors), None, None


class JointShift(nn.Module):
    """Channel c of joint v from joint (v + ``direction`` * c) modulo V.

    Args:
        joints: V.
        channels: C.
        direction: 1 before the linear map of a spatial layer, -1 after it.
    """

    order: Tensor
    inverse: Tensor

    def __init__(self, joints: int, channels: int, direction: int) -> None:
        super().__init__()
        joint, channel = torch.arange(joints)[:, None], torch.arange(channels)
        order = ((joint + direction * channel) % joints * channels + channel).flatten()
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("inverse", order.argsort(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, V, C] -> [N, T, V, C]."""
        rows = x.reshape(-1, self.order.numel())
        shifted: Tensor = _Reordered.apply(rows, self.order, self.inverse)  # type: ignore[no-untyped-call]
        return shifted.view(x.shape)


class _Stepwise(torch.autograd.Function):
    """The identity; backward, only the sign of the gradient counts, and where there is none a small step is made."""

    @staticmethod
    def forward(ctx: Any, offsets: Tensor) -> Tensor:
        return offsets.view_as(offsets)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # The sign is that of the whole batch; every process contributes an equal part of the step.
        whole = distributed.summed(gradient)
        return torch.where(whole == 0, 1e-4, 0.01 * whole.sign()) / distributed.size()


class LearnableShift(nn.Module):
    """Every channel moved by its own ``ypos`` frames and ``xpos`` joints (both real, [C]).

    As in the official code, ``ypos`` begins as U(-1, 1) and receives 0.01 times the sign of its gradient, 1e-4 where
    that is 0; ``xpos`` begins as U(-1e-8, 1e-8), too small for float32 to notice, and never receives a gradient.

    Args:
        channels: C.
        stride: over time.
    """

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.start = stride, 0.0 if stride == 1 else 0.5
        self.ypos = nn.Parameter(torch.empty(channels).uniform_(-1, 1))
        self.xpos = nn.Parameter(torch.empty(channels).uniform_(-1e-8, 1e-8), requires_grad=False)

    def forward(self, x: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
        """[N, T, V, C] -> [N, max(1, floor(T / stride)), V, C].

        Args:
            x: the maps.
            limits: upper bounds of abs(ypos) and abs(xpos), from :func:`largest_offsets`; None = measured here, for
                which a GPU has to be waited for.
        """
        frames, sideways = limits or largest_offsets([self])
        if sideways >= INVISIBLE:
            x = sampled(x.transpose(1, 2), self.xpos, _reach(sideways, x.shape[2])).transpose(1, 2)
        offsets = _Stepwise.apply(self.ypos) + self.start  # type: ignore[no-untyped-call]
        y = sampled(x, offsets, _reach(frames + self.start, x.shape[1]), self.stride)
        return y[:, : max(1, x.shape[1] // self.stride)]


def sampled(x: Tensor, offsets: Tensor, reach: int, stride: int = 1) -> Tensor:
    """[N, T, V, C] -> [N, ceil(T / stride), V, C]: channel c linearly interpolated at ``stride * t + offsets[c]``.

    Args:
        x: the maps; zero outside.
        offsets: [C], differentiable (at an integer: towards the larger side).
        reach: the samples are taken from no farther than this; floor(abs(offset)) + 1 of the largest offset is enough.
        stride: over the second dimension.
    """
    whole = offsets.detach().floor()
    share = (offsets - whole)[:, None]
    taps = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype) - whole[:, None]
    kernel = (taps == 0) * (1 - share) + (taps == 1) * share
    weight = kernel.to(x.dtype)[:, None, :, None]
    maps = x.permute(0, 3, 1, 2)
    y = functional.conv2d(maps, weight, None, (stride, 1), (reach, 0), groups=x.shape[3])
    return y.permute(0, 2, 3, 1).contiguous()


def largest_offsets(shifts: list[LearnableShift]) -> tuple[float, float]:
    """Largest abs(ypos) and abs(xpos) over several shifts, read from the device in one go."""
    with torch.no_grad():
        largest = [torch.cat([getattr(s, name) for s in shifts]).abs().amax() for name in ("ypos", "xpos")]
        frames, joints = torch.stack(largest).tolist()
    return frames, joints


def _reach(offset: float, size: int) -> int:
    """Taps to each side that an offset up to ``offset`` needs along a dimension of ``size``; 1 if it is not finite."""
    return min(math.floor(offset) + 1, size) if math.isfinite(offset) else 1
