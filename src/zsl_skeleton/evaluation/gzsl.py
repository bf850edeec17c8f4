"""Generalised zero-shot: seen and unseen classes compete, and one constant says how much the seen ones are held back.

Calibrated stacking (Chao et al., ECCV 2016) subtracts a constant from the scores of the seen classes,

    predicted = argmax_c ( score_c - gamma [c is seen] ).

Only three things about a clip matter to it: its margin (best seen minus best unseen score) and whether either of these
two classes is its own. So one sort of the margins yields the accuracies S on seen and U on unseen clips for *every*
constant: S falls and U rises in steps, and H = 2 S U / (S + U).

Rule for ties: a clip goes to the seen side only if its margin is strictly greater than gamma; of equal scores on one
side the first class wins. (A plain argmax would let the lower class index decide, whichever side it is on.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scores = NDArray[np.floating[Any]]
Average = Literal["sample", "class"]
"""Whether every clip counts the same, or every class that has clips."""

_EQUAL = 1e-12


@dataclass(frozen=True)
class Point:
    """Accuracies in [0, 1] at the constant ``gamma``, in units of the scores."""

    gamma: float
    seen: float
    unseen: float
    harmonic: float


@dataclass(frozen=True)
class SeenUnseen:
    """Accuracy on the clips of seen and of unseen classes and their harmonic mean, in [0, 1]."""

    seen: float
    unseen: float
    harmonic: float


@dataclass(frozen=True)
class Generalised:
    """The same predictions, every clip counting the same (``sample``) or every class (``class_mean``)."""

    sample: SeenUnseen
    class_mean: SeenUnseen


@dataclass(frozen=True, eq=False)
class Margins:
    """What calibrated stacking needs to know of N clips.

    Args:
        margin: float64 [N], best score of a seen class minus best score of an unseen one.
        seen_right, unseen_right: bool [N], whether the best seen, the best unseen class is the clip's own.
        labels: int64 [N], the clips' classes.
        is_seen: bool [N], whether the clip's class is a seen one.
    """

    margin: Floats
    seen_right: Mask
    unseen_right: Mask
    labels: Labels
    is_seen: Mask


@dataclass(frozen=True, eq=False)
class Curve:
    """Accuracy on seen and on unseen clips as functions of the constant.

    The values at ``gammas[i]`` hold up to, not including, ``gammas[i + 1]``; the first also below it, the last also
    above it. At the first no clip is named rightly after an unseen class, at the last none after a seen one.

    Args:
        gammas: float64 [G], strictly rising: every constant at which an accuracy changes, and one below them all.
        seen, unseen: float64 [G], in [0, 1].
    """

    gammas: Floats
    seen: Floats
    unseen: Floats

    @cached_property
    def harmonic(self) -> Floats:
        """H [G]; 0 where both accuracies are."""
        return harmonic_mean(self.seen, self.unseen)

    @cached_property
    def area(self) -> float:
        """Area under unseen over seen accuracy, in [0, 1], from one end of the curve to the other.

        Clips with equal margins move together: a straight line, what breaking the tie at random gives on average.
        """
        return float(np.sum((self.seen[:-1] - self.seen[1:]) * (self.unseen[1:] + self.unseen[:-1]) / 2))

    def index(self, gammas: Floats) -> NDArray[np.intp]:
        """Positions in the curve of any constants."""
        return np.maximum(np.searchsorted(self.gammas, gammas, side="right") - 1, 0)

    def at(self, gamma: float) -> Point:
        """The accuracies at any constant."""
        i = int(self.index(np.array([gamma]))[0])
        return Point(float(gamma), float(self.seen[i]), float(self.unseen[i]), float(self.harmonic[i]))

    def best(self) -> Point:
        """Where H is highest, by the rule of :func:`calibrate`: an oracle if the clips are test clips."""
        return self.at(calibrate([self]))


def harmonic_mean(seen: Floats, unseen: Floats) -> Floats:
    """2 S U / (S + U), element by element; 0 where both are 0."""
    total = seen + unseen
    return 2 * seen * unseen / np.where(total > 0, total, 1.0)


def margins(scores: Scores, labels: Labels, seen: Mask) -> Margins:
    """Margins of N clips.

    Args:
        scores: [N, C], higher is likelier.
        labels: int64 [N], columns of ``scores``.
        seen: bool [C], True for the seen classes.

    Raises:
        InputError: there is no seen or no unseen class or clip, a label is no column, or a best score is not finite.
    """
    check_sides(labels, seen, scores.shape)
    best_seen, best_unseen, margin = _best_of_both(scores, seen)
    if not np.isfinite(margin).all():
        raise InputError(
            f"the scores of {int((~np.isfinite(margin)).sum())} clips are NaN or infinite",
            why="the weights or the features are not finite",
        )
    return Margins(margin, best_seen == labels, best_unseen == labels, labels, seen[labels])


def predictions(scores: Scores, seen: Mask, gamma: float) -> Labels:
    """Class [N] that the constant ``gamma`` gives every clip, by the module's rule for ties.

    Args:
        scores: [N, C], finite.
        seen: bool [C], some True and some False.
        gamma: in units of the scores.
    """
    best_seen, best_unseen, margin = _best_of_both(scores, seen)
    return np.where(margin > gamma, best_seen, best_unseen)


def seen_unseen_harmonic(predicted: Labels, labels: Labels, seen: Mask) -> Generalised:
    """Accuracies of any predictions among all C classes: of a constant, of a gate or of anything else.

    Args:
        predicted, labels: int64 [N], classes.
        seen: bool [C].

    Raises:
        InputError: there is no seen or no unseen class or clip, or the shapes do not fit.
    """
    check_sides(labels, seen, (len(predicted), len(seen)))
    right, is_seen = predicted == labels, seen[labels]

    def accuracy(average: Average) -> SeenUnseen:
        weights = (clip_weights(labels, side, average) for side in (is_seen, ~is_seen))
        s, u = (np.array([(weight @ right) / weight.sum()]) for weight in weights)
        return SeenUnseen(float(s[0]), float(u[0]), float(harmonic_mean(s, u)[0]))

    return Generalised(accuracy("sample"), accuracy("class"))


def curve(margins: Margins, average: Average = "sample") -> Curve:
    """S and U at all constants, from one sort."""
    seen_weight = clip_weights(margins.labels, margins.is_seen, average)
    unseen_weight = clip_weights(margins.labels, ~margins.is_seen, average)
    # A clip that is wrong on its own side is never right, so its margin changes nothing.
    right = np.where(margins.is_seen, margins.seen_right, margins.unseen_right)
    rows = np.flatnonzero(right)
    rows = rows[np.argsort(margins.margin[rows], kind="stable")]
    if not rows.size:
        return Curve(np.zeros(1), np.zeros(1), np.zeros(1))
    gammas = margins.margin[rows]
    ends = np.append(0, np.flatnonzero(np.append(gammas[1:] != gammas[:-1], True)) + 1)
    # Both are summed from the end where they are zero, which keeps that zero exact.
    kept = np.append(np.cumsum(seen_weight[rows][::-1])[::-1], 0.0)
    won = np.append(0.0, np.cumsum(unseen_weight[rows]))
    gammas = np.append(np.nextafter(gammas[0], -np.inf), gammas[ends[1:] - 1])
    return Curve(gammas, kept[ends] / seen_weight.sum(), won[ends] / unseen_weight.sum())


def thinned(curve: Curve, points: int = 101) -> Curve:
    """About ``points`` points of a curve, evenly along its way through the plane, for a report or a picture.

    Both ends and the highest H are among them. Between its points, ``at`` and ``area`` are approximate.
    """
    way = curve.unseen - curve.seen
    even = np.linspace(way[0], way[-1], points)
    nearest = np.minimum(np.searchsorted(way, even), len(way) - 1)
    keep = np.unique(np.concatenate([[0, len(way) - 1, int(curve.harmonic.argmax())], nearest]))
    return Curve(curve.gammas[keep], curve.seen[keep], curve.unseen[keep])


def calibrate(curves: Sequence[Curve]) -> float:
    """The constant with the highest mean H over several draws of held-out classes.

    The mean is a step function too; of its highest steps the middle of the widest is taken, the farthest from any
    change. Where H is 0 throughout, nothing can be learned and the constant is 0.

    Raises:
        InputError: there is no curve.
    """
    if not curves:
        raise InputError("no held-out draw to find the constant on", mend="hold out seen classes")
    grid = np.unique(np.concatenate([one.gammas for one in curves]))
    mean = np.mean([one.harmonic[one.index(grid)] for one in curves], axis=0)
    if mean.max() <= 0:
        return 0.0
    top = np.concatenate([[False], mean >= mean.max() - _EQUAL, [False]])
    edges = np.flatnonzero(top[1:] != top[:-1])
    # H is 0 at both ends of the grid, so that every step ends before the last constant.
    low, high = grid[edges[::2]], grid[edges[1::2]]
    widest = int(np.argmax(high - low))
    middle = low[widest] + (high[widest] - low[widest]) / 2
    return float(min(middle, np.nextafter(high[widest], low[widest])))


def clip_weights(labels: Labels, side: Mask, average: Average) -> Floats:
    """Weight [N] of every clip in an accuracy over those of ``side`` (bool [N]); 0 elsewhere, not normalised."""
    weights = side.astype(np.float64)
    return weights if average == "sample" else weights / np.bincount(labels)[labels]


def check_sides(labels: Labels, seen: Mask, shape: tuple[int, ...]) -> None:
    """Raise InputError unless N labels of C classes fit ``shape`` (N, C) and both sides have classes and clips."""
    if len(shape) != 2 or shape != (len(labels), len(seen)):
        raise InputError(f"scores of shape {shape} do not fit {len(labels)} labels and {len(seen)} classes")
    if len(labels) and (labels.min() < 0 or labels.max() >= len(seen)):
        raise InputError(f"labels lie in {labels.min()}..{labels.max()}, but there are {len(seen)} classes")
    for name, classes, clips in (("seen", seen, seen[labels]), ("unseen", ~seen, ~seen[labels])):
        if not classes.any() or not clips.any():
            raise InputError(
                f"generalised evaluation has {int(classes.sum())} {name} classes and {int(clips.sum())} clips of them",
                why="it compares seen with unseen classes and needs clips of both",
                mend="choose a split and a protocol whose test part has both",
            )


def _best_of_both(scores: Scores, seen: Mask) -> tuple[Labels, Labels, Floats]:
    """Best seen class [N], best unseen class [N] and the margin [N]; NaN wins, so that it shows in the margin."""
    classes, best = [], []
    for columns in (np.flatnonzero(seen), np.flatnonzero(~seen)):
        part = np.take(scores, columns, axis=1)
        first = part.argmax(axis=1)
        classes.append(columns[first])
        best.append(np.take_along_axis(part, first[:, None], axis=1)[:, 0].astype(np.float64))
    with np.errstate(invalid="ignore"):
        return classes[0], classes[1], best[0] - best[1]
