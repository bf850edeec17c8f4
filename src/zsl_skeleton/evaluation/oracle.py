"""Neuron's released evaluation: a clip counts as right if *any* branch of the method names its class.

Which branch to believe is thus decided by the label, and the constants of the generalised setting are chosen for the
best harmonic mean on the test clips themselves. No such classifier exists: these figures only serve to compare with
those of the released code, and are called an oracle wherever they are printed. The search over all pairs of constants
is one matrix product per group of clips instead of a loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.gzsl import Floats, Labels, Mask, Scores, harmonic_mean, margins

OFFICIAL_GAMMAS = tuple(count / 100_000 for count in range(20, 31))
"""Constants that the released code tries; they fit the nearly uniform probabilities of its logit scale 0.1 only."""


@dataclass(frozen=True)
class EitherBranch:
    """Best of the searched constants, chosen on the test clips; all accuracies in [0, 1] and over samples.

    Args:
        gammas: branch -> what is subtracted from its scores of the seen classes.
        seen, unseen: share of right clips of the seen and of the unseen classes.
        harmonic: harmonic mean of the two.
    """

    gammas: Mapping[str, float]
    seen: float
    unseen: float
    harmonic: float


def either_branch_accuracy(branches: Mapping[str, Scores], labels: Labels) -> float:
    """Share of the clips that any branch names right.

    Args:
        branches: name -> scores [N, C], higher is likelier; of equal scores the first class wins.
        labels: int64 [N], columns of the scores.

    Raises:
        InputError: there is no branch or no clip, the shapes differ, a score is NaN, or a label is no column.
    """
    _check(branches, labels)
    return float(np.any([scores.argmax(1) == labels for scores in branches.values()], axis=0).mean())


def either_branch_search(
    branches: Mapping[str, Scores], labels: Labels, seen: Mask, gammas: Sequence[float] = OFFICIAL_GAMMAS
) -> EitherBranch:
    """The constants with the best harmonic mean under the either-branch rule; of equal ones the first.

    Args:
        branches: one or two; name -> probabilities [N, C]. The constant of the first one varies slowest.
        labels: int64 [N], columns of the scores; clips of seen and of unseen classes.
        seen: bool [C].
        gammas: constants to try for every branch.

    A clip goes to the seen side only if its margin exceeds the constant, as everywhere in ``gzsl.py``.

    Raises:
        InputError: not one or two branches, no constant, or what :func:`~zsl_skeleton.evaluation.gzsl.margins` raises.
    """
    if len(branches) not in (1, 2) or not len(gammas):
        raise InputError(f"{len(branches)} branches with {len(gammas)} constants cannot be searched")
    seen_clips, right = seen[labels], [_right(scores, labels, seen, gammas) for scores in branches.values()]
    first, second = right[0], right[1] if len(right) == 2 else np.zeros((1, len(labels)), dtype=bool)
    s, u = (_either(first[:, group], second[:, group]) for group in (seen_clips, ~seen_clips))
    harmonic = harmonic_mean(s, u)
    best = np.unravel_index(harmonic.argmax(), harmonic.shape)
    chosen = {name: float(gammas[int(i)]) for name, i in zip(branches, best, strict=False)}
    return EitherBranch(chosen, float(s[best]), float(u[best]), float(harmonic[best]))


def _right(scores: Scores, labels: Labels, seen: Mask, gammas: Sequence[float]) -> Mask:
    """[G, N]: whether the clip is named right when each of the constants is subtracted from the seen classes."""
    found = margins(scores, labels, seen)
    return np.where(found.margin > np.asarray(gammas)[:, None], found.seen_right, found.unseen_right)


def _either(first: Mask, second: Mask) -> Floats:
    """[G, G']: share of the columns where a row of ``first`` or a row of ``second`` is true."""
    neither = (~first).astype(np.float64) @ (~second).T.astype(np.float64)
    shares: Floats = (first.shape[1] - neither) / first.shape[1]
    return shares


def _check(branches: Mapping[str, Scores], labels: Labels) -> None:
    shapes = {scores.shape for scores in branches.values()}
    if len(shapes) != 1 or not len(labels) or next(iter(shapes))[0] != len(labels):
        raise InputError(f"branches of shapes {sorted(shapes)} and {len(labels)} labels cannot be evaluated")
    if any(np.isnan(scores).any() for scores in branches.values()):
        raise InputError("the scores of a branch hold NaN", why="the weights or the features are not finite")
    classes = next(iter(shapes))[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(f"labels lie in {labels.min()}..{labels.max()}, but there are {classes} candidate classes")
