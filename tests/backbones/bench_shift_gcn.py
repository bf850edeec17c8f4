"""How much time Shift-GCN's shifts cost: its step beside that of equally sized networks with ordinary convolutions.

Run by hand:

    OMP_NUM_THREADS=1 python tests/backbones/bench_shift_gcn.py [--device cuda] [--batch 16] [--bf16]

All networks have Shift-GCN's ten blocks, channels, spatial layers, batch norms and skips; only the temporal layers
differ:

    shift    learnable shift, 1x1 convolution, ReLU, learnable shift with the stride (Shift-GCN)
    conv1    1x1 convolution, ReLU, every other frame where there is a stride (the same size, no shift)
    conv9    convolution over nine frames with the stride, ReLU (ST-GCN's temporal layer)

A step is forward and backward in training mode on clips of two persons. The networks take turns, so that other work on
the machine hits all of them; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from zsl_skeleton.backbones.layers import ChannelNorm, TemporalConv
from zsl_skeleton.backbones.shift_gcn import PLAN, ShiftGCN, ShiftGCNConfig

KERNELS = {"shift": 0, "conv1": 1, "conv9": 9}


class Plain(nn.Module):
    """An ordinary temporal layer: batch norm, convolution, ReLU, batch norm."""

    def __init__(self, channels: int, stride: int, kernel: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.stride, self.kernel = stride, kernel
        self.conv = nn.Linear(channels, channels) if kernel == 1 else TemporalConv(channels, kernel, stride)

    def forward(self, x: Tensor, limits: object) -> Tensor:
        """[N, T, V, C] -> [N, floor(T / stride), V, C]."""
        y = self.norm1(x)
        if self.kernel == 1 and self.stride > 1:
            y = y[:, :: self.stride]
        y = self.conv(y).relu_()
        return self.norm2(y[:, : max(1, x.shape[1] // self.stride)])


class Ordinary(ShiftGCN):
    """Shift-GCN with ordinary temporal layers."""

    def __init__(self, config: ShiftGCNConfig, kernel: int) -> None:
        super().__init__(config)
        for block, (_, channels, stride) in zip(self.blocks, PLAN, strict=True):
            block.temporal = Plain(channels, stride, kernel)

    def maps(self, persons: Tensor) -> Tensor:
        x = self.bn_in(persons.flatten(2)).view(persons.shape)
        for block in self.blocks:
            x = block(x)
        return x


def network(kernel: int) -> ShiftGCN:
    torch.manual_seed(0)
    config = ShiftGCNConfig(person_pooling="mean")
    return Ordinary(config, kernel) if kernel else ShiftGCN(config)


def multiplications(kernel: int, frames: int, joints: int = 25) -> int:
    """Multiply-adds of one person's forward pass, in convolutions, linear maps and shifts over time."""
    total = 0
    for number, (narrow, wide, stride) in enumerate(PLAN):
        before, frames = frames, max(1, frames // stride)
        spatial = before * narrow * wide * (1 + (narrow != wide))
        shifts = 2 * wide * (before + frames) + before * wide * wide
        temporal = frames * wide * wide * kernel if kernel else shifts
        skip = frames * narrow * wide if number and (narrow != wide or stride != 1) else 0
        total += joints * (spatial + temporal + skip)
    return total


def timed(step: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def measure(options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Network -> median seconds of the forward pass and of the whole step."""
    device = torch.device(options.device)
    clips = torch.randn(options.batch, 3, options.frames, 25, 2, device=device)
    models = {name: network(kernel).to(device).train() for name, kernel in KERNELS.items()}

    def forward(model: ShiftGCN) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.bf16):
            return model(clips).pooled.float().sum()

    def step(model: ShiftGCN) -> None:
        model.zero_grad(set_to_none=True)
        forward(model).backward()

    found: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for _ in range(options.rounds + 2):
        for name, model in models.items():
            found[name].append((timed(lambda m=model: forward(m), device), timed(lambda m=model: step(m), device)))
    # The first two warm up.
    return {name: tuple(map(statistics.median, zip(*times[2:], strict=True))) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for name, value in (("batch", 16), ("frames", 64), ("rounds", 9)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    found = measure(options)
    lines = [
        f"{options.device}, {torch.get_num_threads()} threads; {options.batch} clips of {options.frames} frames",
        "network  parameters  multiply-adds  forward ms  step ms  shift / this: forward  step",
    ]
    for name, (forward, step) in found.items():
        parameters = sum(p.numel() for p in network(KERNELS[name]).parameters() if p.requires_grad)
        adds = multiplications(KERNELS[name], options.frames) / 1e9
        ratios = (found["shift"][0] / forward, found["shift"][1] / step)
        lines.append(
            f"{name:<7}  {parameters:>10,}  {adds:>11.2f} G  {1e3 * forward:>10.1f}  {1e3 * step:>7.1f}"
            f"  {ratios[0]:>21.2f}  {ratios[1]:>4.2f}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
