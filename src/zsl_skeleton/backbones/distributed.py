"""Several processes that train one network as a single one would, each on its share of every batch.

``torchrun --no-python --nproc-per-node 2 zsl-data pretrain ...`` starts them. What is computed over a batch (the loss,
the gradients, the statistics of batch norms) is computed over the whole batch, on a CPU as on GPUs; what is drawn is
drawn for the whole batch by everybody, and each takes its own rows. So a number of processes changes nothing but the
last bits. They share one file system; the first process alone writes. In a single process nothing here does anything.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.interruption import Interrupted, raise_if_requested, requested
from zsl_skeleton.progress import silence

_PATIENCE = timedelta(days=7)
"""The first process may wait for another training of the same artifact, and the others for it."""
_MEETING = timedelta(minutes=10)
"""Until all processes are there: one that failed before is not waited for, even where no torchrun ends the others."""


@dataclass(frozen=True)
class Share:
    """The rows of a whole of ``total`` that this process works on."""

    rows: slice
    total: int


class _State:
    rows: Share | None = None


def size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0; the first one writes."""
    return dist.get_rank() if size() > 1 else 0


@contextmanager
def joined(device: torch.device) -> Iterator[torch.device]:
    """Inside, the processes that torchrun started work together; yields the device of this one.

    Raises:
        UsageError: there are more processes than GPUs.
        InputError: another process did not come; or ended, when this one next waits for it.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "MASTER_ADDR" not in os.environ:
        yield device
        return
    device = _own(device)
    if size() == 1:
        _meet("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        # Once for the whole command: processes that met twice could mistake the second meeting for the first.
        atexit.register(dist.destroy_process_group)
        if rank():
            silence()
    with _first_signal():
        yield device


def _meet(backend: str) -> None:
    try:
        store, number, count = next(rendezvous("env://", timeout=_MEETING))
    except dist.DistError as error:
        raise InputError(
            f"not all of the {os.environ['WORLD_SIZE']} processes came",
            why=f"one of them has failed, or was never started ({' '.join(str(error).split())[:120]})",
            mend="look at what the others say, then start all of them again",
        ) from error
    dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=_PATIENCE)


@contextmanager
def waiting() -> Iterator[None]:
    """Around what waits for the other processes."""
    try:
        yield
    except RuntimeError as error:
        raise InputError(
            f"process {rank()} cannot go on without the others",
            why="one of them ended; what it says is the reason",
            mend="mend that, then start all of them again: they go on from the last checkpoint",
        ) from error


def _own(device: torch.device) -> torch.device:
    if device.type != "cuda":
        return device
    place, present = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if device.index is not None or place >= present:
        raise UsageError(
            f"process {place} has no GPU of its own",
            why=f"{present} are visible" + ("" if device.index is None else ", and --device names one for all"),
            mend=f"torchrun --nproc-per-node {present}, with --device cuda",
        )
    torch.cuda.set_device(place)
    return torch.device("cuda", place)


@contextmanager
def _first_signal() -> Iterator[None]:
    """Inside, a second signal does not hurry: torchrun repeats the one that the terminal or the scheduler has sent."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def once(number: int, frame: FrameType | None) -> None:
        handler = former[signal.Signals(number)]
        if callable(handler) and not requested():
            handler(number, frame)

    handled = [number for number, handler in former.items() if callable(handler)]
    for number in handled:
        signal.signal(number, once)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, former[number])


def made_together(store: Store, recipe: Recipe, build: Callable[[Path], Mapping[str, Any]]) -> Artifact:
    """:meth:`Store.make`, where all processes build at the same time; ``build`` writes in the first process only."""
    if size() == 1:
        return store.make(recipe, build)
    if rank() > 0:
        # Only the first process asks the store whether there is anything to build, and waits for its lock.
        while _hear(False):
            build(store.partial(recipe))
        return Artifact.open(store.path(recipe))

    def announced(folder: Path) -> Mapping[str, Any]:
        _hear(True)
        return build(folder)

    artifact = store.make(recipe, announced)
    _hear(False)
    return artifact


def _hear(word: bool) -> bool:
    """What the first process says: in it ``word``."""
    said = torch.tensor([word])
    with waiting():
        dist.broadcast(said, 0)
    return bool(said.item())


def share(total: int) -> Share:
    """This process's share of ``total`` rows: successive ones, as many as the others have or one more."""
    base, more = divmod(total, size())
    start = rank() * base + min(rank(), more)
    return Share(slice(start, start + base + (rank() < more)), total)


def place_rows(count: int) -> None:
    """Remember which rows of the whole batch's the ``count`` rows of this forward pass are."""
    if size() > 1:
        counts = [torch.empty(1, dtype=torch.int64) for _ in range(size())]
        with waiting():
            dist.all_gather(counts, torch.tensor([count]))
        numbers = [int(each) for each in counts]
        start = sum(numbers[: rank()])
        _State.rows = Share(slice(start, start + count), sum(numbers))


def placed_rows(count: int) -> Share:
    """Which rows the ``count`` rows of a map in this forward pass are."""
    return Share(slice(0, count), count) if size() == 1 or _State.rows is None else _State.rows


def summed(tensor: Tensor) -> Tensor:
    """The sum over all processes, the same in each."""
    if size() == 1:
        return tensor
    total = tensor.clone()
    with waiting():
        dist.all_reduce(total)
    return total


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes, all in one message."""
    if size() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    totals = summed(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = torch.split(totals, [gradient.numel() for gradient in gradients])
    for gradient, total in zip(gradients, parts, strict=True):
        gradient.copy_(total.view_as(gradient))


def agreed(*wishes: bool) -> tuple[bool, ...]:
    """For each wish, whether any process has it."""
    if size() == 1:
        return wishes
    return tuple(bool(count) for count in summed(torch.tensor(wishes, dtype=torch.int64)).tolist())


def stop() -> None:
    """Stop, because this process or another one was asked to.

    Raises:
        Interrupted: always.
    """
    raise_if_requested()
    raise Interrupted(signal.SIGTERM)
