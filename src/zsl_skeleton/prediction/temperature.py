"""Temperature scaling (Guo et al., ICML 2017): one number that makes scores into probabilities one can believe.

    p = softmax(scores / T),      T = argmin  - sum_i log p_i[y_i] - mean_ic log p_ic

The second term is a virtual clip that could be of any class, as Platt's targets have it: where all n clips are named
right, the likelihood alone would want T = 0, which claims certainty; with it, confidence ends at about n / (n + 1).
Both terms are convex in 1/T, so a search over one dimension finds the minimum. The temperature changes no ranking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.gate import softmax
from zsl_skeleton.prediction.manifest import Reliability, Scale

BINS = 15
_LOWEST, _HIGHEST = 1e-4, 1e4
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 80
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Scored:
    """Clips whose class is known: ``scores`` [n, C] (higher is likelier) and ``labels`` int64 [n], their columns."""

    scores: NDArray[Any]
    labels: NDArray[np.int64]

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        """[n, C]."""
        return softmax(self.scores.astype(np.float64) / temperature)


def fit_temperature(parts: Sequence[Scored]) -> Scale:
    """The temperature for all clips of ``parts``, whose candidates may differ; it lies in [1e-4, 1e4].

    How well that does is measured on every part with the temperature of the others (a single part has none: its own).

    Raises:
        InputError: there is no clip, or a score is not finite.
    """
    if not sum(len(part.labels) for part in parts):
        raise InputError("a temperature cannot be fitted without clips")
    if not all(np.isfinite(part.scores).all() for part in parts):
        raise InputError("the held-out scores hold NaN or infinity", why="the weights or the features are not finite")
    temperature = _best(parts)
    others = [[other for other in parts if other is not part and len(other.labels)] for part in parts]
    return Scale(temperature=temperature, held_out=reliability(parts, [_best(rest or parts) for rest in others]))


def _best(parts: Sequence[Scored]) -> float:
    """Golden-section search for the logarithm of the temperature with the smallest loss."""
    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    for _ in range(_STEPS):
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _loss(parts, math.exp(first)) <= _loss(parts, math.exp(second)):
            high = second
        else:
            low = first
    return math.exp((low + high) / 2)


def reliability(parts: Sequence[Scored], temperatures: Sequence[float]) -> Reliability:
    """How far the probabilities of ``parts`` can be believed, before (temperature 1) and after, each with its own."""
    before = [1.0] * len(parts)
    right = np.concatenate([part.scores.argmax(1) == part.labels for part in parts])
    return Reliability(
        clips=len(right),
        classes=parts[0].scores.shape[1],
        accuracy=float(right.mean()),
        ece_before=_ece(parts, before, right),
        ece=_ece(parts, temperatures, right),
        nll_before=_nll(parts, before),
        nll=_nll(parts, temperatures),
    )


def calibration_error(confidence: NDArray[Any], right: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error in [0, 1]: mean over clips of |accuracy - confidence| of their bin.

    Args:
        confidence: [n], the probability of the class that was named.
        right: bool [n], whether it was right.
        bins: of equal width over [0, 1]; a confidence on an edge belongs to the bin below it.
    """
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.abs(np.bincount(place, right - confidence, minlength=bins))
    return float(gap[count > 0].sum() / len(confidence))


def _ece(parts: Sequence[Scored], temperatures: Sequence[float], right: NDArray[np.bool_]) -> float:
    sure = [part.probabilities(t).max(1) for part, t in zip(parts, temperatures, strict=True)]
    return calibration_error(np.concatenate(sure), right)


def _loss(parts: Sequence[Scored], temperature: float) -> float:
    """Mean loss per clip, the virtual one included in the sum."""
    clips = sum(len(part.labels) for part in parts)
    anything = [-np.log(part.probabilities(temperature) + _TINY).mean(1) for part in parts]
    return _nll(parts, [temperature] * len(parts)) + float(np.concatenate(anything).mean()) / clips


def _nll(parts: Sequence[Scored], temperatures: Sequence[float]) -> float:
    chances = [part.probabilities(t) for part, t in zip(parts, temperatures, strict=True)]
    found = [np.log(p[np.arange(len(p)), part.labels] + _TINY) for part, p in zip(parts, chances, strict=True)]
    return -float(np.concatenate(found).mean())
