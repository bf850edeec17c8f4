"""The regression's minimum, checked by its own conditions."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.logistic import fit_logistic


def data(seed: int = 0, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((rows, 4)) * [1, 10, 0.1, 1]
    return x, x @ [1, 0.1, -2, 0] + 2 * generator.standard_normal(rows) > 1.5


@pytest.mark.parametrize("strength", [0.01, 1, 2, 1e4])
def test_the_gradient_vanishes(strength: float) -> None:
    x, positive = data()
    model = fit_logistic(x, positive, strength)
    residual = positive - model.probability(x)
    np.testing.assert_allclose(model.coefficients - strength * residual @ x, 0, atol=1e-7 * max(1, strength))
    assert abs(residual.sum()) < 1e-8


def test_unpenalised_limit_recovers_the_odds() -> None:
    # One binary feature: 3 of 10 against 8 of 10, so that intercept and coefficient are known log odds.
    x = np.repeat([[0.0], [1.0]], 10, axis=0)
    positive = np.array([1] * 3 + [0] * 7 + [1] * 8 + [0] * 2, bool)
    model = fit_logistic(x, positive, 1e8)
    assert model.intercept == pytest.approx(np.log(3 / 7), rel=1e-6)
    assert model.coefficients[0] == pytest.approx(np.log(4) - np.log(3 / 7), rel=1e-6)
    assert model.probability(np.array([[1.0]]))[0] == pytest.approx(0.8)


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
@pytest.mark.parametrize("strength", [1, 1e6])
def test_separable_data_have_a_solution(scale: float, strength: float) -> None:
    x = scale * np.linspace(-1, 1, 20)[:, None]
    model = fit_logistic(x, x[:, 0] > 0, strength)
    assert np.isfinite(model.coefficients).all()
    assert model.coefficients[0] > 0
    assert model.intercept == pytest.approx(0, abs=1e-6)
    assert model.coefficients[0] == pytest.approx(strength * ((x[:, 0] > 0) - model.probability(x)) @ x[:, 0], rel=1e-6)


def test_lopsided_sides_and_repeated_columns() -> None:
    x, positive = data(rows=2000)
    positive &= np.arange(2000) < 20
    model = fit_logistic(np.concatenate([x, x], axis=1), positive, 2)
    np.testing.assert_allclose(model.coefficients[:4], model.coefficients[4:], atol=1e-8)
    assert model.probability(np.concatenate([x, x], axis=1)).sum() == pytest.approx(positive.sum())


def test_bad_input() -> None:
    x, positive = data()
    for side in (np.zeros(300, bool), np.ones(300, bool)):
        with pytest.raises(InputError, match="both sides"):
            fit_logistic(x, side)
    x[3, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fit_logistic(x, positive)


def test_features_of_wildly_different_size() -> None:
    """Plain Newton steps overshoot on about one in thirty of these."""
    for seed in range(150):
        generator = np.random.default_rng(seed)
        x = np.sinh(generator.uniform(1, 6) * generator.standard_normal((40, 2)))
        positive = x @ [1, -1] + 3 * generator.standard_t(1, 40) > 1
        model = fit_logistic(x, positive, 100)
        pull = 100 * np.abs((positive - model.probability(x)) @ x - model.coefficients / 100)
        assert (pull <= 1e-6 * (1 + 100 * np.abs(x).sum(0))).all()
