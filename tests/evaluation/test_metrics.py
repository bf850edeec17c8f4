"""Metrics, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.metrics import zero_shot_metrics


def scores_for(predicted: list[int], classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[predicted]


def test_by_hand() -> None:
    metrics = zero_shot_metrics(scores_for([0, 0, 1, 2, 0], 4), np.array([0, 0, 0, 2, 2]))
    assert metrics.accuracy == pytest.approx(3 / 5)
    assert metrics.per_class == (pytest.approx(2 / 3), None, 0.5, None)
    assert metrics.mean_class_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metrics.clips == (3, 0, 2, 0)
    assert metrics.confusion == ((2, 1, 0, 0), (0, 0, 0, 0), (1, 0, 1, 0), (0, 0, 0, 0))
    assert metrics.chance == 0.25


def test_the_first_of_equal_scores_wins() -> None:
    assert zero_shot_metrics(np.zeros((2, 3), np.float32), np.array([0, 1])).accuracy == 0.5


@pytest.mark.parametrize(
    ("scores", "labels", "says"),
    [
        (np.zeros((0, 2)), [], "0 rows"),
        (np.zeros((2, 2)), [0], "1 labels"),
        (np.full((1, 2), np.nan), [0], "NaN"),
        (np.zeros((1, 2)), [2], "2 candidate classes"),
        (np.zeros((1, 2)), [-1], "2 candidate classes"),
    ],
)
def test_bad_input(scores: np.ndarray, labels: list[int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        zero_shot_metrics(scores.astype(np.float32), np.array(labels, dtype=np.int64))
