"""Trainings that leave out some of the seen classes: they choose the epoch and calibrate the generalised task.

Only training clips of seen classes take part. Held-out classes imitate unseen ones imperfectly: the backbone was
trained on their clips, as on the held-out clips of the other classes (with ``Job.validation`` only on the latter, and
then the two sides differ more than test clips do); and they are shown with all training subjects, the other classes
only with subjects that are left out, because a few clips of a few classes would say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import UsageError
from zsl_skeleton.evaluation.evidence import Evidence, gather_evidence
from zsl_skeleton.evaluation.scoring import accuracy, class_scores
from zsl_skeleton.methods.base import Method
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.data import load_clips, with_logits
from zsl_skeleton.training.job import Job, train_on
from zsl_skeleton.training.loop import Plan, Record

_HELD_CLIPS = 0.2


def pseudo_unseen(
    seen: Sequence[int], named: Sequence[int], size: int, draws: int, seed: int
) -> tuple[tuple[int, ...], ...]:
    """Sets of seen classes to hold out, one for each of ``draws`` validations.

    The first set is the one the split names (``named``), if any, so that it is the same for everybody; the others are
    drawn by ``seed``, ``size`` classes each.

    Raises:
        UsageError: there are too few seen classes to hold out two and keep two, or a single one is to be held out.
    """
    wanted = len(named) or size
    if wanted < 2:
        raise UsageError(
            "a single class cannot be held out",
            why="among one class every clip is named right",
            mend="--held-out 2",
        )
    size = min(wanted, len(seen) - 2)
    if size < max(2, len(named)):
        raise UsageError(
            f"{len(seen)} seen classes are too few to hold some out",
            why="two at least are held out, and two at least are trained on",
            mend="choose --select last without --gzsl",
        )
    generator = np.random.default_rng([seed, len(seen)])
    found = [tuple(sorted(named))] if named else []
    while len(found) < draws:
        found.append(tuple(sorted(map(int, generator.choice(seen, size, replace=False)))))
    return tuple(found[:draws])


def validation_curves(job: Job) -> list[list[Record]]:
    """For every set of held-out classes the records of a training without them, with the accuracy among just them.

    A closed-form method yields a single record each.
    """
    return [_curve(job, number) for number in range(len(job.held_out))]


def calibration_evidence(job: Job, epochs: int) -> list[Evidence]:
    """What the method makes of held-out clips, for every set of held-out classes, after ``epochs`` epochs.

    The held-out classes stand for the unseen ones. For the seen ones stand clips of the other classes by subjects that
    are left out of this training.
    """
    found = []
    for number, held_out in enumerate(job.held_out):
        rest, source = _rest(job, held_out), _source(job, number)
        held_clips = held_out_clips(source)
        plan = Plan(job.seed, epochs, label=_label("calibration", number))
        method, _ = train_on(job, job.clips(rest, source.subset(~held_clips)), plan)
        shown = source.subset(held_clips | np.isin(source.labels, held_out))
        clips = load_clips(shown, job.text, job.classes, with_logits(job.settings.method.needed_inputs, shown))
        found.append(gather_evidence(method, clips, np.isin(clips.classes, rest), job.seed))
    return found


def held_out_clips(features: FeatureSet) -> NDArray[np.bool_]:
    """Which clips [N] stand for test clips of seen classes: those of the last subjects, a fifth or a little more.

    With a single subject it is every fifth clip of a class.
    """
    subjects, counts = np.unique(features.subjects, return_counts=True)
    if len(subjects) > 1:
        from_behind = counts[::-1].cumsum() / counts.sum()
        taken = min(int((from_behind < _HELD_CLIPS).sum()) + 1, len(subjects) - 1)
        return np.isin(features.subjects, subjects[-taken:])
    number = np.zeros(len(features), dtype=np.int64)
    for label in np.unique(features.labels):
        of_class = features.labels == label
        number[of_class] = np.arange(of_class.sum())
    return np.asarray(number % round(1 / _HELD_CLIPS) == 0)


def _curve(job: Job, number: int) -> list[Record]:
    held_out, source = job.held_out[number], _source(job, number)
    shown = job.clips(tuple(sorted(held_out)), source)

    def probe(method: Method) -> float:
        return accuracy(class_scores(method, shown.features, shown.text, job.seed), shown.labels)

    train, label = job.settings.train, _label("validation", number)
    plan = Plan(job.seed, train.epochs if train else 0, label=label, probe=probe)
    method, records = train_on(job, job.clips(_rest(job, held_out), source), plan)
    return records or [{"phase": label, "epoch": None, "accuracy": probe(method)}]


def _source(job: Job, number: int) -> FeatureSet:
    return job.validation if number == 0 and job.validation else job.seen


def _rest(job: Job, held_out: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(index for index in job.classes if index not in held_out)


def _label(phase: str, number: int) -> str:
    return phase if number == 0 else f"{phase}-{number + 1}"
