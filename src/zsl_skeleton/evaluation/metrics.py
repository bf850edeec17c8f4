"""Zero-shot metrics over *samples*: never the mean of batch means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError

Scores = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Metrics:
    """Result of ranking U candidate classes for N clips; all accuracies in [0, 1].

    Args:
        accuracy: share of the clips that are named right.
        mean_class_accuracy: mean over the classes that have clips.
        per_class: accuracy of every class [U]; None where it has no clip.
        clips: clips of every class [U].
        confusion: [U, U] counts, row = true class, column = predicted class.
        chance: accuracy of guessing, 1 / U.
    """

    accuracy: float
    mean_class_accuracy: float
    per_class: tuple[float | None, ...]
    clips: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    chance: float


def zero_shot_metrics(scores: Scores, labels: Labels) -> Metrics:
    """Metrics of ``scores`` [N, U] (higher is likelier) against ``labels`` [N], columns of ``scores``.

    Of equal scores the first class wins.

    Raises:
        InputError: there is no clip, a score is NaN, or a label is no column.
    """
    classes = scores.shape[1]
    if not len(scores) or len(labels) != len(scores):
        raise InputError(f"{len(scores)} rows of scores and {len(labels)} labels cannot be evaluated")
    if np.isnan(scores).any():
        raise InputError("the scores hold NaN", why="the weights or the features are not finite")
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(f"labels lie in {labels.min()}..{labels.max()}, but there are {classes} candidate classes")
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, scores.argmax(1)), 1)
    clips, right = confusion.sum(1), confusion.diagonal()
    per_class = tuple(float(r / n) if n else None for r, n in zip(right, clips, strict=True))
    return Metrics(
        accuracy=float(right.sum() / len(scores)),
        mean_class_accuracy=float(np.mean([value for value in per_class if value is not None])),
        per_class=per_class,
        clips=tuple(map(int, clips)),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        chance=1 / classes,
    )
