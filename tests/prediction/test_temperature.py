from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.prediction.temperature import Scored, calibration_error, fit_temperature


def drawn(temperature: float, clips: int = 4000, classes: int = 4) -> Scored:
    """Scores whose labels are drawn from softmax(scores / temperature)."""
    rng = np.random.default_rng(0)
    scores = rng.normal(scale=5, size=(clips, classes))
    chances = np.exp(scores / temperature)
    chances /= chances.sum(1, keepdims=True)
    labels = (chances.cumsum(1) < rng.random((clips, 1))).sum(1)
    return Scored(scores, labels)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_temperature_of_the_labels_is_found(temperature: float) -> None:
    found = fit_temperature([drawn(temperature)])
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.held_out.ece < 0.02 < found.held_out.ece_before
    assert found.held_out.nll <= found.held_out.nll_before


def test_scores_that_are_always_right_do_not_become_certain() -> None:
    labels = np.arange(40) % 4
    found = fit_temperature([Scored(10 * np.eye(4)[labels], labels)])
    assert 0.9 < Scored(10 * np.eye(4), labels[:4]).probabilities(found.temperature).max() < 1 - 1 / 80


def test_scores_that_say_nothing_become_nearly_even() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(2000, 5)), rng.integers(5, size=2000)
    found = fit_temperature([Scored(scores, labels)])
    assert Scored(scores, labels).probabilities(found.temperature).max() < 0.3


def test_calibration_error_of_three_clips() -> None:
    # One bin at 0.95 with one of two right, one bin at 0.55 that is right: (2 |0.5 - 0.95| + |1 - 0.55|) / 3.
    found = calibration_error(np.array([0.95, 0.95, 0.55]), np.array([True, False, True]))
    assert found == pytest.approx((2 * 0.45 + 0.45) / 3)


def test_no_clips_and_nan_are_refused() -> None:
    with pytest.raises(InputError, match="without clips"):
        fit_temperature([Scored(np.zeros((0, 3)), np.zeros(0, np.int64))])
    with pytest.raises(InputError, match="NaN"):
        fit_temperature([Scored(np.array([[np.nan, 1.0]]), np.array([0]))])


def test_a_part_is_measured_with_the_temperature_of_the_others() -> None:
    """Two draws that ask for opposite temperatures: each is worse off with the other's than with its own."""
    low, high = drawn(0.5), drawn(8.0)
    alone = max(fit_temperature([part]).held_out.ece for part in (low, high))
    assert fit_temperature([low, high]).held_out.ece > alone + 0.1
