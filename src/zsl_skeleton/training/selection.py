"""Which epoch's weights are kept: ``last``, ``val`` (pseudo-unseen classes) or ``oracle`` (the unseen test clips)."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from zsl_skeleton.evaluation.report import SelectionResult
from zsl_skeleton.methods.base import Method
from zsl_skeleton.training.config import Select
from zsl_skeleton.training.heldout import validation_curves
from zsl_skeleton.training.job import Job, train_on
from zsl_skeleton.training.loop import Plan, Record


@dataclass(frozen=True)
class Trained:
    """A trained method, how its weights were chosen, and a record per epoch of every phase."""

    method: Method
    selection: SelectionResult
    records: list[Record]

    @property
    def epochs(self) -> int:
        """How many epochs it was trained for; 0 for a closed-form method."""
        return 0 if self.selection.epoch is None else self.selection.epoch + 1


def train_selected(job: Job, select: Select, oracle: Callable[[Method], float]) -> Trained:
    """Train by the rule ``select``; only ``"oracle"`` calls ``oracle``, the accuracy on the unseen test clips.

    Validation accuracies are means over the sets of held-out classes. Of equally good epochs ``val`` takes the latest
    (few clips make ties, and early epochs are hardly trained) and ``oracle`` the earliest, as the official code does.
    """
    train, clips = job.settings.train, job.clips(job.classes)
    curves = validation_curves(job) if select == "val" else []
    chosen = [record for curve in curves for record in curve]
    if train is None:
        found = statistics.mean(curve[0]["accuracy"] for curve in curves) if curves else None
        return Trained(train_on(job, clips, Plan(job.seed, 0))[0], _selected("solved", None, found), [])
    if select == "val":
        epoch, found = _best([statistics.mean(accuracies) for accuracies in _by_epoch(curves)], latest=True)
        method, records = train_on(job, clips, Plan(job.seed, epoch + 1))
        return Trained(method, _selected("val", epoch, found), [*chosen, *records])
    if select == "oracle":
        method, records = train_on(job, clips, Plan(job.seed, train.epochs, probe=oracle, keep_best=True))
        return Trained(method, _selected("oracle", *_best([r["accuracy"] for r in records])), records)
    method, records = train_on(job, clips, Plan(job.seed, train.epochs))
    return Trained(method, _selected("last", train.epochs - 1, None), records)


def _by_epoch(curves: list[list[Record]]) -> list[list[float]]:
    return [[float(record["accuracy"]) for record in epoch] for epoch in zip(*curves, strict=True)]


def _best(curve: list[float], *, latest: bool = False) -> tuple[int, float]:
    """The epoch of the highest accuracy and that accuracy; of equals the earliest or the latest."""
    epoch = max(range(len(curve)), key=lambda e: (curve[e], e if latest else -e))
    return epoch, curve[epoch]


def _selected(rule: str, epoch: int | None, found: float | None) -> SelectionResult:
    return SelectionResult(rule=rule, epoch=epoch, accuracy=found, oracle=rule == "oracle")
