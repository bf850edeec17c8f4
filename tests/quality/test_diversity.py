"""Measures of texts alone, against values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from zsl_skeleton.quality.diversity import effective_number, hubness, mean_cosine, neighbours


@pytest.mark.parametrize("count", [1, 3, 6])
def test_effective_number_of_orthogonal_and_equal_texts(count: int) -> None:
    assert effective_number(5 * np.eye(6)[:count]) == pytest.approx(count)
    assert effective_number(np.tile([[0.6, 0.8]], (count, 1))) == pytest.approx(1.0)


def test_effective_number_of_an_angle_by_hand() -> None:
    cosine = 0.5
    shares = np.array([1 + cosine, 1 - cosine]) / 2  # eigenvalues of [[1, c], [c, 1]] / 2
    texts = np.array([[1.0, 0.0], [cosine, math.sqrt(1 - cosine**2)]])
    assert effective_number(texts) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


def test_effective_number_with_more_texts_than_dimensions() -> None:
    """Each of two orthogonal texts three times: two different ones."""
    assert effective_number(np.repeat(np.eye(2), 3, axis=0)) == pytest.approx(2.0)
    assert math.isnan(effective_number(np.zeros((0, 2))))


def test_mean_cosine_by_hand() -> None:
    texts = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]])
    assert mean_cosine(texts) == pytest.approx((0 + 2 * math.sqrt(0.5)) / 3)
    assert math.isnan(mean_cosine(texts[:1]))


def test_hubness_is_the_skewness_of_how_often_a_class_is_near() -> None:
    rng = np.random.default_rng(0)
    similarity = np.corrcoef(rng.normal(size=(12, 4)))
    often = np.zeros(12)
    for row in range(12):
        others = sorted((c for c in range(12) if c != row), key=lambda c: -similarity[row, c])
        often[others[:3]] += 1
    assert hubness(similarity, 3) == pytest.approx(scipy.stats.skew(often))


def test_a_hub_shows() -> None:
    """Everything is nearest to class 0."""
    star = np.full((8, 8), 0.1)
    star[0, :] = star[:, 0] = 0.9
    assert hubness(star, 1) > 2
    ring = np.array([[math.cos(2 * math.pi * (i - j) / 8) for j in range(8)] for i in range(8)])
    assert hubness(ring, 2) == 0.0


def test_nearest_class_of_the_unseen_ones_by_hand() -> None:
    vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    (found,) = neighbours(vectors, (1,))
    assert (found.index, found.nearest) == (1, 0)
    assert (found.cosine, found.gap) == pytest.approx((0.8, 0.2))
    assert found.distinctiveness == pytest.approx(1 - 0.7)
