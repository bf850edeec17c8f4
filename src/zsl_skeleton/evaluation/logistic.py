"""Binary logistic regression with an L2 penalty, solved to machine precision by Newton's method.

    minimise  C sum_i log(1 + exp(-s_i (x_i w + b))) + |w|^2 / 2,      s_i = +1 or -1,

with an intercept b that the penalty leaves alone. The objective is convex, and strictly so in w, so that separable data
have a finite solution too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError

Floats = NDArray[np.float64]

_STEPS = 200
_DECREMENT = 1e-12
_ARMIJO = 1e-4
_SHORTEST = 1e-10
_INTERCEPT = 1e-10


@dataclass(frozen=True, eq=False)
class Logistic:
    """A fitted model: ``coefficients`` float64 [D] and ``intercept``."""

    coefficients: Floats
    intercept: float

    def probability(self, x: Floats) -> Floats:
        """P(positive) of the rows of ``x`` [N, D], in [0, 1]."""
        return _sigmoid(x @ self.coefficients + self.intercept)


def fit_logistic(x: Floats, positive: NDArray[np.bool_], strength: float = 1.0) -> Logistic:
    """The model of ``x`` [N, D] that tells the rows ``positive`` (bool [N]) from the others.

    Args:
        x: finite features.
        positive: which rows belong to the positive side.
        strength: C, how much the data weigh against the penalty; greater is freer.

    Raises:
        InputError: one side is empty, a feature is not finite, or the penalty is too weak to end.
    """
    if not positive.any() or positive.all():
        raise InputError(f"a logistic regression needs both sides, but {int(positive.sum())} of {len(x)} are positive")
    if not np.isfinite(x).all():
        raise InputError("the features of a logistic regression hold NaN or infinite values")
    signed = np.where(positive, 1.0, -1.0)[:, None] * np.concatenate([x, np.ones((len(x), 1))], axis=1)
    problem = _Problem(signed, np.append(np.ones(x.shape[1]), 0.0), strength)
    weights: Floats = np.zeros(signed.shape[1])
    weights[-1] = np.log(positive.mean() / (1 - positive.mean()))
    for _ in range(_STEPS):
        step, decrement = problem.newton(weights)
        if decrement <= _DECREMENT * (1 + problem.value(weights)):
            # Close to the minimum every step squares the error, so that one more leaves nothing but rounding.
            return Logistic((weights + step)[:-1], float((weights + step)[-1]))
        weights = weights + problem.length(weights, step, decrement) * step
    raise InputError(
        f"the logistic regression found no minimum in {_STEPS} steps",
        why=f"its strength {strength:g} leaves it hardly any penalty",
        mend="lower the strength",
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    """The objective over weights [D + 1], the intercept last; ``signed`` rows are s_i (x_i, 1)."""

    signed: Floats
    penalty: Floats
    strength: float

    def value(self, weights: Floats) -> float:
        loss = np.logaddexp(0.0, -(self.signed @ weights)).sum()
        return float(self.strength * loss + (self.penalty * weights**2).sum() / 2)

    def newton(self, weights: Floats) -> tuple[Floats, float]:
        """The step to the minimum of the local parabola, and twice the fall that it promises."""
        wrong = _sigmoid(-(self.signed @ weights))
        slope = self.penalty * weights - self.strength * (wrong @ self.signed)
        curvature = self.strength * (self.signed.T * (wrong * (1 - wrong))) @ self.signed + np.diag(self.penalty)
        # The intercept has no penalty: where all probabilities are saturated, its curvature would vanish.
        curvature[-1, -1] += _INTERCEPT
        step: Floats = -np.linalg.solve(curvature, slope).astype(np.float64)
        return step, float(-slope @ step)

    def length(self, weights: Floats, step: Floats, decrement: float) -> float:
        """The step halved until the objective falls by a share of what its slope promises (Armijo)."""
        start, length = self.value(weights), 1.0
        while length > _SHORTEST and self.value(weights + length * step) > start - _ARMIJO * length * decrement:
            length /= 2
        return length


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))
