"""Masked views: a clip robbed of the frames in which most happens, then thinned at random.

SMIE (ACM MM 2023) asks that the whole clip say more about its class than such a view. With T frames and a mask of m:

    a_t = mean over coordinates, joints, persons of (x_{t+1} - x_t)^2 + (x_{t-1} - x_t)^2      (a missing neighbour: 0)
    kept = the T - m frames of the smallest a_t, in their order          view = T - 2m of the kept, at given positions

Which frames are kept is each clip's own; the positions among them are drawn once for all clips of a batch or a set.
Official: m = 15 of T = 50, so a view has 20 of 35 kept frames; for other lengths m keeps its share of T.
"""

from __future__ import annotations

import torch
from torch import Tensor

FRACTION = 0.3
"""m / T of the official code (15 / 50)."""


def mask_size(frames: int, fraction: float = FRACTION) -> int:
    """m for clips of T = ``frames`` frames, rounded; at least one frame of T - 2m is left."""
    return min(round(fraction * frames), (frames - 1) // 2)


def motion(clips: Tensor) -> Tensor:
    """a_t [B, T] of clips [B, 3, T, V, M]: the mean squared step to the next frame plus that to the one before."""
    step = clips.diff(dim=2).square().mean(dim=(1, 3, 4))
    return torch.nn.functional.pad(step, (0, 1)) + torch.nn.functional.pad(step, (1, 0))


def kept_frames(clips: Tensor, mask: int) -> Tensor:
    """Indices int64 [B, T - mask], ascending, of the frames that move least; of equal ones the earlier are kept."""
    calm = motion(clips).argsort(dim=1, stable=True)[:, : clips.shape[2] - mask]
    return calm.sort(dim=1).values


def draw_positions(frames: int, mask: int, generator: torch.Generator) -> Tensor:
    """T - 2 ``mask`` of the T - ``mask`` kept frames: int64, ascending, distinct, on the generator's device."""
    order = torch.randperm(frames - mask, generator=generator, device=generator.device)
    return order[: frames - 2 * mask].sort().values


def masked_view(clips: Tensor, positions: Tensor) -> Tensor:
    """The view [B, 3, n, V, M] of clips [B, 3, T, V, M] at ``positions`` (int64 [n]) among the kept frames.

    m follows from the two lengths, n = T - 2m.
    """
    frames = viewed_frames(clips, positions)
    batch = torch.arange(len(clips), device=clips.device)[:, None]
    return clips.transpose(1, 2)[batch, frames].transpose(1, 2)


def viewed_frames(clips: Tensor, positions: Tensor) -> Tensor:
    """Frame indices int64 [B, n] that :func:`masked_view` takes from each clip."""
    mask = (clips.shape[2] - len(positions)) // 2
    return kept_frames(clips, mask)[:, positions]


def shared_positions(frames: int, views: int, seed: int = 0) -> Tensor:
    """Positions int64 [views, n] of several views, a function of the seed alone, so that any part of a set agrees."""
    generator = torch.Generator().manual_seed(seed)
    mask = mask_size(frames)
    drawn = [draw_positions(frames, mask, generator) for _ in range(views)]
    return torch.stack(drawn) if drawn else torch.empty(0, frames - 2 * mask, dtype=torch.int64)
