"""Time in units: one 1024-cubed float32 matrix product, timed again and again between the things that are measured.

Both are medians of the same minutes on the same threads, so that their ratio means something on a shared machine too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

_EDGE = 1024
_READING = 0.05  # seconds: a short step right after the unit would find its caches cold, as no real step does
_STATUS = Path("/proc/self/status")


@dataclass
class Stopwatch:
    """Collects times of the unit on ``device``, and of whatever is measured there."""

    device: torch.device
    units: list[float] = field(default_factory=list)
    operands: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        generator = torch.Generator(self.device).manual_seed(0)
        self.operands = [torch.rand(_EDGE, _EDGE, generator=generator, device=self.device) for _ in range(3)]
        self.unit()
        self.units.clear()

    @property
    def block(self) -> int:
        """Repetitions that one reading spans: a GPU is asked for many before it is waited for."""
        return 10 if self.device.type == "cuda" else 1

    @property
    def unit_seconds(self) -> float:
        """Median of the unit so far, in seconds."""
        return statistics.median(self.units)

    def now(self) -> float:
        """Seconds, after the device has done all it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def unit(self) -> None:
        """Time the unit."""
        left, right, out = self.operands
        for _ in range(3):
            start = self.now()
            for _ in range(self.block):
                torch.mm(left, right, out=out)
            self.units.append((self.now() - start) / self.block)

    def median(self, action: Callable[[], object], seconds: float, most: int = 200) -> float:
        """Median seconds of ``action``, repeated at least three times and after that for about ``seconds``."""
        action()
        taken = list[float]()
        while len(taken) < 3 or (sum(taken) < seconds and len(taken) < most):
            self.unit()
            start = self.now()
            action()
            taken.append(self.now() - start)
        return statistics.median(taken)


@dataclass
class Laps:
    """Times of what happens between two calls of :meth:`next`, without the units timed there."""

    watch: Stopwatch
    seconds: list[float] = field(default_factory=list)
    calls: int = 0
    start: float = 0.0

    def next(self) -> None:
        """Begin a lap; those before it are read if they have lasted long enough, and the unit is timed."""
        if self.calls % self.watch.block == 0 and (not self.calls or self.watch.now() - self.start >= _READING):
            self.end()
            self.watch.unit()
            self.start = self.watch.now()
        self.calls += 1

    def end(self) -> None:
        """Read the laps that have not been read yet; each counts with their mean."""
        if self.calls:
            self.seconds += [(self.watch.now() - self.start) / self.calls] * self.calls
            self.calls = 0


def peak_rss() -> int:
    """Largest resident size of this process so far, in bytes."""
    # getrusage would report the parent's peak if that was larger: it survives the exec that started this process.
    if _STATUS.is_file():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_device(device: torch.device) -> int:
    """Largest memory that tensors took on ``device`` so far, in bytes; 0 where there is no GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
