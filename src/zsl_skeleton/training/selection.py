"""Which epoch's weights are kept: ``last``, ``val`` (pseudo-unseen classes) or ``oracle`` (the unseen test clips)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from zsl_skeleton.errors import UsageError
from zsl_skeleton.evaluation.report import SelectionResult
from zsl_skeleton.evaluation.scoring import accuracy, class_scores
from zsl_skeleton.methods.base import ClassText, Method
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.config import Select
from zsl_skeleton.training.data import Clips, load_clips
from zsl_skeleton.training.loop import Plan, Record, fit
from zsl_skeleton.training.settings import Settings


@dataclass(frozen=True)
class Job:
    """Everything a training may see: no clip of an unseen class.

    Args:
        settings: method and optimisation.
        seen: training clips of the seen classes.
        text: texts of *all* classes, on the device that computes.
        classes: the seen classes.
        held_out: seen classes that validation treats as unseen.
        seed: of weights, order and draws.
        work: folder for checkpoints.
        seconds: shortest time between two checkpoints.
    """

    settings: Settings
    seen: FeatureSet
    text: ClassText
    classes: tuple[int, ...]
    held_out: tuple[int, ...]
    seed: int
    work: Path
    seconds: float = 60.0

    def clips(self, classes: tuple[int, ...]) -> Clips:
        """The training clips of some of the seen classes."""
        return load_clips(self.seen, self.text, classes, self.settings.method.needed_inputs)


@dataclass(frozen=True)
class Trained:
    """A trained method, how its weights were chosen, and a record per epoch of every phase."""

    method: Method
    selection: SelectionResult
    records: list[Record]


def train_selected(job: Job, select: Select, oracle: Callable[[Method], float]) -> Trained:
    """Train by the rule ``select``; only ``"oracle"`` calls ``oracle``, the accuracy on the unseen test clips.

    Of equally good epochs ``val`` takes the latest (few clips make ties, and early epochs are hardly trained) and
    ``oracle`` the earliest, as the official code does.

    Raises:
        UsageError: ``val`` without held-out classes.
    """
    train = job.settings.train
    if train is None:
        found = _best(validation_curve(job, job.held_out))[1] if select == "val" else None
        method, _ = _train(job, job.classes, Plan(job.seed, 0))
        return Trained(method, _selected("solved", None, found), [])
    if select == "val":
        curve = validation_curve(job, job.held_out)
        epoch, found = _best(curve, latest=True)
        method, records = _train(job, job.classes, Plan(job.seed, epoch + 1))
        return Trained(method, _selected("val", epoch, found), [*curve, *records])
    if select == "oracle":
        method, records = _train(job, job.classes, Plan(job.seed, train.epochs, probe=oracle, keep_best=True))
        return Trained(method, _selected("oracle", *_best(records)), records)
    method, records = _train(job, job.classes, Plan(job.seed, train.epochs))
    return Trained(method, _selected("last", train.epochs - 1, None), records)


def validation_curve(job: Job, held_out: tuple[int, ...]) -> list[Record]:
    """Records of a training without the classes ``held_out``, each with the accuracy among just these classes.

    Only training clips take part. A closed-form method yields a single record.

    Raises:
        UsageError: fewer than two classes are held out, or none is left.
    """
    rest = tuple(index for index in job.classes if index not in held_out)
    if len(held_out) < 2 or not rest:
        raise UsageError(
            f"selection by validation cannot hold out {len(held_out)} of {len(job.classes)} seen classes",
            why="the split names its pseudo-unseen classes in validation_unseen; at least two are needed",
            mend="choose --select last, or a split with validation_unseen",
        )
    clips = job.clips(tuple(sorted(held_out)))

    def probe(method: Method) -> float:
        return accuracy(class_scores(method, clips.features, clips.text), clips.labels)

    train = job.settings.train
    if train is None:
        method, _ = _train(job, rest, Plan(job.seed, 0, label="validation"))
        return [{"phase": "validation", "epoch": None, "accuracy": probe(method)}]
    return _train(job, rest, Plan(job.seed, train.epochs, label="validation", probe=probe))[1]


def build_method(settings: Settings, clips: Clips, seed: int) -> Method:
    """A method of the right sizes on the clips' device: seeded weights, then whatever it solves in closed form."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = settings.kind(settings.method, clips.sizes).to(clips.device)
    with torch.no_grad():
        state = method.solve(clips.whole())
    method.load_state_dict({**method.state_dict(), **state})
    return method


def _train(job: Job, classes: tuple[int, ...], plan: Plan) -> tuple[Method, list[Record]]:
    clips = job.clips(classes)
    method = build_method(job.settings, clips, job.seed)
    if job.settings.train is None:
        return method, []
    checkpoint = job.work / f"{plan.label}.safetensors"
    plan = replace(plan, checkpoint=checkpoint, seconds=job.seconds)
    return method, fit(method, clips, job.settings.train, plan)


def _best(records: list[Record], *, latest: bool = False) -> tuple[int, float]:
    """The epoch of the highest accuracy and that accuracy; of equals the earliest or the latest."""
    curve = [float(record["accuracy"]) for record in records]
    epoch = max(range(len(curve)), key=lambda e: (curve[e], e if latest else -e))
    return epoch, curve[epoch]


def _selected(rule: str, epoch: int | None, found: float | None) -> SelectionResult:
    return SelectionResult(rule=rule, epoch=epoch, accuracy=found, oracle=rule == "oracle")
