"""The training loop. It knows no method: clips and texts lie on the device, batches are drawn there by index.

A run that was stopped goes on exactly where its checkpoint was written, in the middle of an epoch too, and ends with
the same bytes as an unbroken one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zsl_skeleton.checkpoint import (
    Interval,
    load_checkpoint,
    pack_optimizer,
    save_checkpoint,
    unpack_optimizer,
    with_prefix,
    without_prefix,
)
from zsl_skeleton.errors import ZslError
from zsl_skeleton.interruption import deferred, raise_if_requested, requested
from zsl_skeleton.methods.base import Batch, Method
from zsl_skeleton.progress import track
from zsl_skeleton.training.config import MatmulPrecision, TrainConfig
from zsl_skeleton.training.data import Clips
from zsl_skeleton.training.mixing import add_mixed_classes

Record = dict[str, Any]
"""Phase, epoch, rate, mean losses and, with a probe, the accuracy: JSON values without wall-clock."""


@dataclass(frozen=True)
class Plan:
    """How far to train and what to watch.

    Args:
        seed: of the order of the clips and of the method's draws.
        stop: epochs to do, at most ``TrainConfig.epochs``, which sets the schedule.
        label: name of the phase, in the records and on the progress bar.
        checkpoint: file to resume from and to save to; None = no checkpoints.
        seconds: shortest time between two checkpoints.
        probe: accuracy in [0, 1] to record after every epoch.
        keep_best: end with the weights of the epoch with the highest probe, the earliest of equals.
    """

    seed: int
    stop: int
    label: str = "training"
    checkpoint: Path | None = None
    seconds: float = 60.0
    probe: Callable[[Method], float] | None = None
    keep_best: bool = False


def fit(method: Method, clips: Clips, config: TrainConfig, plan: Plan) -> list[Record]:
    """Train ``method`` in place; returns one record per epoch (no wall-clock values).

    Raises:
        ZslError: the loss is no longer finite.
        Interrupted: a signal asked to stop; a checkpoint was written.
    """
    run = _Run(method, clips, config, plan)
    run.restore()
    with deferred():
        for epoch in track(range(run.epoch, plan.stop), plan.label):
            run.begin_epoch(epoch)
            for rows in run.remaining_batches():
                run.step(rows)
                run.safe_point()
            run.end_epoch()
            run.safe_point()
        run.save()
    run.take_best()
    return run.records


def epoch_order(clips: int, config: TrainConfig, generator: torch.Generator) -> Tensor:
    """Clips of one epoch in the order of the steps, int64, to be cut into batches of ``config.batch``."""
    device, batch = generator.device, min(config.batch, clips)
    if config.sampling == "independent":
        steps = config.steps or -(-clips // batch)
        # Each clone frees its permutation of all clips; slices would keep 1,700 of them alive.
        draws = [torch.randperm(clips, generator=generator, device=device)[:batch].clone() for _ in range(steps)]
        return torch.cat(draws)
    wanted = config.batch * config.steps if config.steps else clips
    if config.sampling == "with-replacement":
        order = torch.randint(clips, (wanted,), generator=generator, device=device)
    else:
        rounds = -(-wanted // clips)
        passes = [torch.randperm(clips, generator=generator, device=device) for _ in range(rounds)]
        order = torch.cat(passes)[:wanted]
    whole = wanted // config.batch * config.batch
    # A set smaller than one batch still makes one step.
    return order[:whole] if config.drop_last and whole else order


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """Rate of an epoch: linear over the warm-up, then by the schedule (the cosine is SMIE's and InfoCPL's)."""
    peak = config.learning_rate
    if epoch < config.warmup:
        official = config.zero_rate_epoch
        return peak * epoch / config.warmup if official else peak * (epoch + 1) / (config.warmup + 1)
    if config.schedule == "constant":
        return peak
    if config.schedule == "steps":
        return peak * config.decay ** sum(epoch >= milestone for milestone in config.milestones)
    through = (epoch - config.warmup) / (config.epochs - config.warmup)
    return peak * (1 + math.cos(math.pi * through)) / 2


def make_optimizer(method: Method, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam (with weight decay 0 the official one) or SGD. Fused: three times faster on a CPU, and deterministic."""
    free = method.undecayed()
    decayed = [value for name, value in method.named_parameters() if name not in free]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}]
    if free:
        groups.append({"params": [p for name, p in method.named_parameters() if name in free], "weight_decay": 0.0})
    if config.optimizer == "adam":
        return torch.optim.AdamW(groups, lr=0.0, fused=True)
    return torch.optim.SGD(groups, lr=0.0, momentum=config.momentum, nesterov=config.momentum > 0, fused=True)


def train_step(method: Method, optimizer: torch.optim.Optimizer, batch: Batch) -> dict[str, Tensor]:
    """One step of the optimiser; returns the detached losses, still on the device."""
    optimizer.zero_grad(set_to_none=True)  # before the losses: old gradients need not live through the forward pass
    losses = method.losses(batch)
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return {name: value.detach() for name, value in losses.items()}


@contextmanager
def products(precision: MatmulPrecision) -> Iterator[None]:
    """How exactly float32 matrices are multiplied meanwhile; weights, sums and all other arithmetic stay float32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@dataclass
class _Run:
    """The named, restorable state of the loop."""

    method: Method
    clips: Clips
    config: TrainConfig
    plan: Plan
    epoch: int = 0
    batches_done: int = 0
    steps: int = 0
    records: list[Record] = field(default_factory=list)
    order: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    sums: dict[str, Tensor] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.generator = torch.Generator(self.clips.device).manual_seed(self.plan.seed)
        self.optimizer = make_optimizer(self.method, self.config)
        self.interval = Interval(self.plan.seconds)

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, epoch)
        if self.batches_done == 0:
            self.order = epoch_order(len(self.clips), self.config, self.generator)
            self.sums, self.steps = {}, 0

    def remaining_batches(self) -> Iterator[Tensor]:
        size = min(self.config.batch, len(self.clips)) if self.config.sampling == "independent" else self.config.batch
        yield from torch.split(self.order, size)[self.batches_done :]

    def step(self, rows: Tensor) -> None:
        number, self.batches_done = self.batches_done, self.batches_done + 1
        if len(rows) == 1 and self.config.skip_single:
            return
        batch = self.clips.batch(rows, self.epoch, number)
        if self.config.mixed:
            batch = add_mixed_classes(batch, self.config, self.generator)
        batch = replace(batch, draws=self.method.draws(batch.labels, self.generator))
        with products(self.config.matmul_precision):
            losses = train_step(self.method, self.optimizer, batch)
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0) + value.double()
        self.steps += 1

    def end_epoch(self) -> None:
        means = {name: total.item() / self.steps for name, total in sorted(self.sums.items())}
        rate = learning_rate(self.config, self.epoch)
        record: Record = {"phase": self.plan.label, "epoch": self.epoch, "learning_rate": rate, **means}
        if not all(math.isfinite(value) for value in means.values()):
            raise ZslError(
                f"the training diverged in epoch {self.epoch}",
                why="the loss is no longer finite",
                mend=f"lower the rate: --set learning_rate={self.config.learning_rate / 10:g}",
            )
        if self.plan.probe:
            record["accuracy"] = self.plan.probe(self.method)
            if self.plan.keep_best and record["accuracy"] > max((r["accuracy"] for r in self.records), default=-1.0):
                self.best = {name: value.clone() for name, value in self.method.state_dict().items()}
        self.records.append(record)
        self.epoch, self.batches_done = self.epoch + 1, 0

    def take_best(self) -> None:
        if self.best:
            self.method.load_state_dict(self.best)

    def safe_point(self) -> None:
        if requested() or self.interval.due():
            self.save()
        raise_if_requested()

    def save(self) -> None:
        if self.plan.checkpoint is None:
            return
        moments, groups = pack_optimizer(self.optimizer)
        tensors = {
            **with_prefix("weights", self.method.state_dict()),
            **with_prefix("optimizer", moments),
            **with_prefix("sums", self.sums),
            **with_prefix("best", self.best),
            "generator": self.generator.get_state(),
            "order": self.order,
        }
        position = {"epoch": self.epoch, "batches_done": self.batches_done, "steps": self.steps}
        state: dict[str, Any] = {**position, "records": self.records, "optimizer": groups}
        save_checkpoint(self.plan.checkpoint, tensors, state)

    def restore(self) -> None:
        found = load_checkpoint(self.plan.checkpoint) if self.plan.checkpoint else None
        if found is None:
            return
        tensors, state = found
        device = self.clips.device
        self.method.load_state_dict(without_prefix("weights", tensors))
        unpack_optimizer(self.optimizer, without_prefix("optimizer", tensors), state["optimizer"])
        self.sums = {name: value.to(device) for name, value in without_prefix("sums", tensors).items()}
        self.best = {name: value.to(device) for name, value in without_prefix("best", tensors).items()}
        self.generator.set_state(tensors["generator"])
        self.order = tensors["order"].to(device)
        self.epoch, self.batches_done, self.steps = state["epoch"], state["batches_done"], state["steps"]
        self.records = state["records"]
