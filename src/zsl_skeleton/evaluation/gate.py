"""A gate that tells seen from unseen by two confidence profiles (MSF, arXiv 2309.09592), for any method.

With p_u the probabilities of the m unseen classes, o the C logits of a classifier trained on the seen ones, and

    p_s = softmax(o / T),      f = [ p_u in falling order, the m highest of p_s in falling order ],

a logistic regression on f gives P(seen). It is fitted on classes held out of the seen ones, which play the unseen part,
and then used on the real ones: if P(seen) exceeds a threshold the clip gets its likeliest seen class by o, otherwise
its likeliest unseen class by p_u. (The official code adds 1e-12 to o, which a softmax does not notice.)

Where the number of unseen classes differs between the two (the official splits avoid it), the m of the fit stays: the
first min(m, U) values of p_u are taken, and zeros follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.logistic import Logistic, fit_logistic

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Array = NDArray[np.floating[Any]]

_TEMPERATURES = tuple(float(t) for t in range(1, 10))
_CONSTANT = 1e-12
_THRESHOLDS = tuple(t / 100 for t in range(25, 75))


class GateOptions(BaseModel):
    """How the gate is fitted and used; the defaults are the published scripts'."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(
        default=2.0, gt=0, description="T (official 2); null: the best of 1..9 on held-out clips"
    )
    threshold: float | None = Field(
        default=0.5, ge=0, le=1, description="of P(seen) (official .5); null: best of .25...74"
    )
    ps_columns: Literal["all", "seen"] = Field(
        default="all",
        description="classes under the softmax p_s: all columns, trained or not (official), or the seen ones",
    )
    threshold_side: Literal["official", "fit"] = Field(
        default="official",
        description="official: searched as unseen if P(unseen) > threshold, used as seen if P(seen) > threshold; "
        "fit: used as it was searched. The same at .5",
    )
    strength: float = Field(
        default=2.0, gt=0, description="C of the binary regression (official: 1 in a form that equals 2)"
    )
    standardise: bool = Field(
        default=False,
        description="fit on features of mean 0 and deviation 1 (official: no; ours, for methods whose scores differ "
        "little between classes: the penalty would keep their nearly uniform p_u out of the gate)",
    )
    hold_out: int = Field(
        default=5, ge=2, description="one clip in so many of each side is held out of the fit (official 5)"
    )
    seed: int = Field(default=5, ge=0, description="of the choice of these clips (official 5)")


@dataclass(frozen=True, eq=False)
class Profile:
    """Two views of n clips.

    Args:
        pu: [n, m], probabilities of the (pseudo-)unseen classes, rows sum to 1.
        logits: [n, C] of a classifier that was trained on the seen classes.
        seen: bool [C], which columns these are; needed for ``ps_columns="seen"`` only.
    """

    pu: Array
    logits: Array
    seen: Mask | None = None


@dataclass(frozen=True, eq=False)
class Gate:
    """A fitted gate.

    Args:
        temperature, threshold: as used.
        coefficients: float64 [2 m]; ``intercept`` beside them.
        options: what it was fitted with.
        held_out_accuracy: share of held-out clips that it routes rightly, in [0, 1]; None without such clips.
    """

    temperature: float
    threshold: float
    coefficients: Floats
    intercept: float
    options: GateOptions
    held_out_accuracy: float | None

    def probability(self, pu: Array, logits: Array, seen: Mask | None = None) -> Floats:
        """P(seen) [N] from ``pu`` [N, U], ``logits`` [N, C] and, for ``ps_columns="seen"``, the seen columns.

        Raises:
            InputError: a value is not finite, the numbers of rows differ, or the seen columns are not given.
        """
        profile = Profile(pu, logits, seen)
        x = features(profile, self.temperature, len(self.coefficients) // 2, self.options.ps_columns)
        return Logistic(self.coefficients, self.intercept).probability(x)

    def is_seen(self, pu: Array, logits: Array, seen: Mask | None = None) -> Mask:
        """Whether each clip is sent to the seen classes [N]; see :meth:`probability`."""
        return _side(self.probability(pu, logits, seen), self.threshold, self.options.threshold_side)


def features(profile: Profile, temperature: float, m: int, columns: Literal["all", "seen"] = "all") -> Floats:
    """f [n, 2 m]: the highest m of p_u, then the highest m of p_s, both falling and filled up with zeros.

    Raises:
        InputError: a value is not finite, the numbers of rows differ, or the seen columns are not given.
    """
    if len(profile.pu) != len(profile.logits):
        raise InputError(f"{len(profile.pu)} rows of unseen probabilities and {len(profile.logits)} of logits")
    logits = profile.logits
    if columns == "seen":
        if profile.seen is None or not profile.seen.any():
            raise InputError("a gate with ps_columns 'seen' needs to know the seen classes")
        logits = logits[:, profile.seen]
    x = np.concatenate([_highest(profile.pu, m), _highest(softmax(logits / temperature), m)], axis=1)
    if not np.isfinite(x).all():
        raise InputError("the gate's probabilities hold NaN or infinite values", why="the scores are not finite")
    return x


def softmax(logits: Array) -> Floats:
    """Probabilities [N, C] of the rows of ``logits``, in float64."""
    x = logits.astype(np.float64)
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(x / x.sum(axis=1, keepdims=True))


def fit_gate(unseen: Profile, seen: Profile, options: GateOptions | None = None) -> Gate:
    """A gate from clips of pseudo-unseen classes and of the classes that were trained on beside them.

    For every temperature anew, some clips of each side are held out of the fit; a search takes the temperature and
    the threshold that route the most of these rightly, of equals the first.

    Args:
        unseen, seen: profiles of the two kinds of clips, with the same columns.
        options: None: the official ones.

    Raises:
        InputError: a side has no clip, too few for a search, or not the columns of the other.
    """
    options = options or GateOptions()
    if not len(unseen.pu) or not len(seen.pu):
        raise InputError(f"a gate needs clips of both sides, not {len(unseen.pu)} unseen and {len(seen.pu)} seen ones")
    if unseen.pu.shape[1] != seen.pu.shape[1] or unseen.logits.shape[1] != seen.logits.shape[1]:
        raise InputError("the profiles of unseen and seen clips have different classes")
    searching = options.temperature is None or options.threshold is None
    if searching and min(len(unseen.pu), len(seen.pu)) < options.hold_out:
        raise InputError(
            f"{len(unseen.pu)} unseen and {len(seen.pu)} seen clips are too few to search on",
            why=f"one in {options.hold_out} of each is held out",
            mend="give the gate a temperature and a threshold",
        )
    generator = np.random.RandomState(options.seed)
    temperatures = _TEMPERATURES if options.temperature is None else (options.temperature,)
    gates = [_fit_at(unseen, seen, options, temperature, generator) for temperature in temperatures]
    return max(gates, key=lambda gate: gate.held_out_accuracy or 0.0)


def gated_predictions(gate: Gate, pu: Array, ps_logits: Array, seen: Mask) -> NDArray[np.int64]:
    """Class [N], as a column of ``ps_logits``, that a gate gives every clip.

    Args:
        gate: fitted on the validation classes.
        pu: [N, U], probabilities of the unseen classes in rising order.
        ps_logits: [N, C].
        seen: bool [C]; U columns are False.

    Raises:
        InputError: the columns do not fit ``seen``, or see :meth:`Gate.probability`.
    """
    if ps_logits.shape[1] != len(seen) or pu.shape[1] != int((~seen).sum()) or seen.all() or not seen.any():
        raise InputError(
            f"{pu.shape[1]} unseen and {ps_logits.shape[1]} columns do not fit {len(seen)} classes, "
            f"{int((~seen).sum())} of them unseen"
        )
    seen_class = np.flatnonzero(seen)[ps_logits[:, seen].argmax(axis=1)]
    unseen_class = np.flatnonzero(~seen)[pu.argmax(axis=1)]
    return np.asarray(np.where(gate.is_seen(pu, ps_logits, seen), seen_class, unseen_class), dtype=np.int64)


def _fit_at(
    unseen: Profile, seen: Profile, options: GateOptions, temperature: float, generator: np.random.RandomState
) -> Gate:
    m, sizes = unseen.pu.shape[1], (len(unseen.pu), len(seen.pu))
    x = np.concatenate([features(side, temperature, m, options.ps_columns) for side in (unseen, seen)])
    positive = np.arange(len(x)) >= sizes[0]
    held = np.zeros(len(x), dtype=np.bool_)
    for start, size in ((0, sizes[0]), (sizes[0], sizes[1])):
        held[start + generator.choice(size, size // options.hold_out, replace=False)] = True
    # The official fit also shuffles its rows. Their order is nothing to an exact solver, but the generator runs on.
    generator.permutation(len(x) - int(held.sum()))
    model = _fit(x[~held], positive[~held], options)
    threshold, accuracy = _best_threshold(model.probability(x[held]), positive[held], options.threshold)
    return Gate(temperature, threshold, model.coefficients, model.intercept, options, accuracy)


def _fit(x: Floats, positive: Mask, options: GateOptions) -> Logistic:
    """The regression on f; a standardisation is folded into its coefficients."""
    if not options.standardise:
        return fit_logistic(x, positive, options.strength)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > _CONSTANT, deviation, 1.0)
    model = fit_logistic((x - mean) / scale, positive, options.strength)
    coefficients = model.coefficients / scale
    return Logistic(coefficients, float(model.intercept - mean @ coefficients))


def _best_threshold(p: Floats, positive: Mask, fixed: float | None) -> tuple[float, float | None]:
    """The threshold that routes the most held-out clips rightly, and their share."""
    thresholds = np.array(_THRESHOLDS if fixed is None else (fixed,))
    if not len(p):
        return float(thresholds[0]), None
    right = (_side(p[:, None], thresholds, "fit") == positive[:, None]).mean(axis=0)
    best = int(right.argmax())
    return float(thresholds[best]), float(right[best])


def _side(p: Floats, threshold: float | Floats, rule: Literal["official", "fit"]) -> Mask:
    """Whether P(seen) ``p`` means seen; the search asks whether P(unseen) exceeds the threshold instead."""
    return np.asarray(p > threshold if rule == "official" else ~(1 - p > threshold))


def _highest(values: Array, m: int) -> Floats:
    falling = -np.sort(-values.astype(np.float64), axis=1)[:, :m]
    return np.pad(falling, ((0, 0), (0, m - falling.shape[1])))
