"""Layers on maps [N, T, V, C] (clips, frames, joints, channels), written for speed on few CPU cores.

The small networks here spend most of their time outside of large matrix products. With the channels last, a 1x1
convolution is one matrix product, batch norm works on contiguous rows, and the graph aggregation is one small product
per frame, all without copies in another order.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.whole_batch_norm import WholeBatchNorm, whole_moments

_SPECTRAL_CHANNELS = 128
_SPECTRAL_FRAMES = 64


class ChannelNorm(nn.BatchNorm1d):
    """Batch norm over the last dimension of maps of any rank; statistics of the batches of all processes."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` [..., C]."""
        if self.training:
            self.num_batches_tracked.add_(1)
        return self.normalised(x.reshape(-1, self.num_features)).view_as(x)

    def normalised(self, rows: Tensor, part: slice = slice(None)) -> Tensor:
        """Normalise ``rows`` [n, c], which have the channels ``part``."""
        mean, variance, momentum = self.running_mean[part], self.running_var[part], self.momentum or 0.0
        weight, bias = self.weight[part], self.bias[part]
        if not self.training or distributed.size() == 1:
            return functional.batch_norm(rows, mean, variance, weight, bias, self.training, momentum, self.eps)
        moments = whole_moments(rows)
        unbiased = moments[1] * (moments[2] / (moments[2] - 1).clamp(min=1))
        mean.lerp_(moments[0].to(mean.dtype), momentum)
        variance.lerp_(unbiased.to(variance.dtype), momentum)
        normed: Tensor = WholeBatchNorm.apply(rows, weight, bias, moments, self.eps)  # type: ignore[no-untyped-call]
        return normed


class Dropout(nn.Dropout):
    """Dropout whose masks are compared from random bytes: on a CPU about four times as fast as PyTorch's.

    ``p`` is rounded to a multiple of 1/256, and survivors are scaled by the rounded value. The mask is drawn for the
    rows of all processes.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Zero each element with probability ``p`` while training."""
        dropped = round(self.p * 256)
        if not self.training or not 0 < dropped < 256:
            return super().forward(x)
        share = distributed.placed_rows(len(x))
        shape = (share.total, *x.shape[1:])
        count = math.prod(shape)
        words = torch.empty(-(-count // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        keep = words.view(torch.uint8)[:count].view(shape)[share.rows] >= dropped
        return x * keep.to(x.dtype).mul_(256 / (256 - dropped))


class TemporalConv(nn.Conv1d):
    """Convolution over the frames of maps [N, T, V, C], the same for every joint; an odd kernel, zero-padded.

    Wide maps of few frames are convolved in the frequency domain on the CPU: 9 taps over 13 frames cost 117 products of
    a [C, C] matrix directly, but 27 there. The result is the same up to rounding (about 1e-6 of the largest value).
    """

    def __init__(self, channels: int, kernel: int = 9, stride: int = 1) -> None:
        super().__init__(channels, channels, kernel, stride, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, V, C] -> [N, ceil(T / stride), V, C]."""
        spectral = self.in_channels >= _SPECTRAL_CHANNELS and x.shape[1] <= _SPECTRAL_FRAMES
        exact = x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if spectral and self.stride == (1,) and x.device.type == "cpu" and exact:
            return self._spectral(x)
        stride, padding = (self.stride[0], 1), (self.kernel_size[0] // 2, 0)
        y = functional.conv2d(x.permute(0, 3, 1, 2), self.weight.unsqueeze(-1), self.bias, stride, padding)
        return y.permute(0, 2, 3, 1).contiguous()

    def _spectral(self, x: Tensor) -> Tensor:
        n, t, v, c = x.shape
        taps = self.kernel_size[0]
        forward, kernel, backward = _fourier(t, taps)
        real, imaginary = torch.mm(forward, x.transpose(0, 1).reshape(t, -1)).view(2, -1, n * v, c)
        # A convolution as networks write it runs over the mirrored kernel.
        weight = self.weight.permute(2, 1, 0).flip(0).reshape(taps, c * c)
        weight_real, weight_imaginary = torch.mm(kernel, weight).view(2, -1, c, c)
        # Three real products make one complex product (Gauss).
        both = torch.bmm(real + imaginary, weight_real)
        a = torch.bmm(real, weight_imaginary - weight_real)
        b = torch.bmm(imaginary, weight_real + weight_imaginary)
        spectrum = torch.cat([both - b, both + a]).view(-1, n * v * c)
        y = torch.mm(backward, spectrum).view(t, n, v, c).transpose(0, 1)
        return (y if self.bias is None else y + self.bias).contiguous()


@functools.cache
@torch.inference_mode(False)  # what is made in that mode and kept could never take part in a training
def _fourier(frames: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Real Fourier transforms, as matrices, for a centred convolution of ``frames`` frames.

    Returns:
        of the maps [2F, frames], of the kernel [2F, taps], back to the maps [frames, 2F]; 2F = first the real parts,
        then the imaginary ones.
    """
    half = taps // 2
    # The full result has frames + taps - 1 entries; only its middle is wanted, so that its ends may overlap.
    length = frames + half
    frequencies = length // 2 + 1

    def waves(first: int, count: int) -> Tensor:
        times = torch.arange(first, first + count, dtype=torch.float64)
        angles = torch.outer(torch.arange(frequencies, dtype=torch.float64), times) * (2 * math.pi / length)
        return torch.cat([angles.cos(), -angles.sin()])

    # A real signal holds every frequency twice, but for the constant one and the fastest one of an even length.
    count = torch.full((frequencies,), 2.0, dtype=torch.float64)
    count[0] = 1.0
    if length % 2 == 0:
        count[-1] = 1.0
    back = (waves(half, frames) * (count / length).repeat(2)[:, None]).T
    return waves(0, frames).float(), waves(0, taps).float(), back.float().contiguous()
