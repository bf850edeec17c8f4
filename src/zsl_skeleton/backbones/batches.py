"""The clips of a training, batch by batch: from memory where they fit, else from the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.backbones.clips import read_clips
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

Item = TypeVar("Item")
Result = TypeVar("Result")


class Labelled(Protocol):
    """Some labelled clips."""

    @property
    def labels(self) -> Tensor:
        """Class indices int64 [n], on the device that computes."""
        ...

    def read(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """For each of ``batches`` (int64 [b], on the CPU) the clips [b, 3, T, V, M] at these rows, on the device.

        Raises:
            InputError: a clip holds NaN or infinity.
        """
        ...


@dataclass(frozen=True)
class HeldClips:
    """Clips [n, 3, T, V, M] and their labels [n], on the device."""

    clips: Tensor
    labels: Tensor

    def read(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """As :class:`Labelled` says."""
        return (self.clips[rows.to(self.clips.device)] for rows in batches)


@dataclass(frozen=True)
class MappedClips:
    """Rows [n] of a skeleton set; those of the next batches are read while a GPU computes.

    Args:
        skeletons: memory-mapped.
        rows: int64 [n].
        labels: int64 [n], on the device.
    """

    skeletons: SkeletonSet
    rows: NDArray[np.int64]
    labels: Tensor

    def read(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """As :class:`Labelled` says."""
        return prefetched(self._read, batches) if self.labels.is_cuda else map(self._read, batches)

    def _read(self, batch: Tensor) -> Tensor:
        clips = read_clips(self.skeletons, self.rows[batch.numpy()])
        return clips.pin_memory().to(self.labels.device, non_blocking=True) if self.labels.is_cuda else clips


def labelled(skeletons: SkeletonSet, rows: NDArray[np.int64], device: torch.device, held_bytes: float) -> Labelled:
    """The clips at ``rows``: held on the device if they take no more than ``held_bytes`` there.

    Raises:
        InputError: one of them holds NaN or infinity (of clips that are not held, when it is read).
    """
    labels = torch.from_numpy(skeletons.labels[rows]).to(device)
    if len(rows) * skeletons.clips[:1].nbytes > held_bytes:
        return MappedClips(skeletons, rows, labels)
    return HeldClips(read_clips(skeletons, rows).to(device), labels)


def prefetched(read: Callable[[Item], Result], items: Sequence[Item], ahead: int = 2) -> Iterator[Result]:
    """``map(read, items)``, where another thread reads up to ``ahead`` results before they are asked for."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(thread.submit(read, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
