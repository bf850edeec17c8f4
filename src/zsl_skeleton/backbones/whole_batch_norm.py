"""Batch norm over the rows of all processes, on a CPU as on GPUs."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from zsl_skeleton.backbones import distributed


class WholeBatchNorm(torch.autograd.Function):
    """Batch norm of rows [n, C] over the rows of all processes; n may be 0. PyTorch's own refuses CPUs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, moments: Tensor, eps: float) -> Tensor:
        """Normalise by ``moments`` from :func:`whole_moments`."""
        mean, scale = moments[0].to(weight), (moments[1] + eps).rsqrt().to(weight)
        ctx.save_for_backward(x, weight, mean, scale, moments[2].to(weight))
        return ((x - mean) * (scale * weight) + bias).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of this process's rows, and its part of those of weight and bias."""
        x, weight, mean, scale, count = ctx.saved_tensors
        gradient, normed = gradient.to(weight.dtype), (x - mean) * scale
        own = torch.stack([gradient.sum(0), (gradient * normed).sum(0)])
        along, across = distributed.summed(own) / count
        towards_x = (gradient - along - normed * across) * (scale * weight)
        return towards_x.to(x.dtype), own[1], own[0], None, None


def whole_moments(x: Tensor) -> Tensor:
    """Mean, biased variance and number (in every column) of the rows [n, C] of all processes: float64 [3, C]."""
    rows, count = x.detach(), len(x)
    mean = rows.sum(0, dtype=torch.promote_types(x.dtype, torch.float32)) / max(count, 1)
    own = torch.stack([mean, (rows - mean).square().sum(0), torch.full_like(mean, count)]).double()
    everyone = torch.empty(distributed.size(), *own.shape, dtype=own.dtype, device=own.device)
    with distributed.waiting():
        dist.all_gather_into_tensor(everyone, own) if own.is_cuda else dist.all_gather(list(everyone.unbind()), own)
    means, squares, counts = everyone.unbind(1)
    total = counts.sum(0)
    centre = (counts * means).sum(0) / total
    variance = (squares + counts * (means - centre).square()).sum(0) / total
    return torch.stack([centre, variance, total])
