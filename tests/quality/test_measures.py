"""Every measure against a value computed by hand or by a slow, literal reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from zsl_skeleton.quality.measures import (
    centred_pattern,
    cka,
    cosines,
    gram,
    jackknife,
    nearest,
    neighbourhood_agreement,
    permutation_test,
    rank_pattern,
    rsa,
    spearman,
)


def random_vectors(seed: int, classes: int = 9, dim: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(classes, dim))


def test_spearman_with_ties_equals_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(4, size=15).astype(float), rng.integers(6, size=15).astype(float)
        assert spearman(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_takes_rounding_for_ties() -> None:
    assert spearman(np.array([0.3, 0.1 + 0.2, 0.5]), np.array([1.0, 1.0, 2.0])) == pytest.approx(1.0)


def test_a_constant_has_no_rank_correlation() -> None:
    assert math.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert math.isnan(rsa(np.ones((5, 5)), cosines(random_vectors(0, 5))))


def test_rsa_is_spearman_of_the_upper_triangles() -> None:
    a, b = cosines(random_vectors(1)), cosines(random_vectors(2), centre=True)
    upper = np.triu_indices(9, 1)
    assert rsa(a, b) == pytest.approx(scipy.stats.spearmanr(a[upper], b[upper]).statistic, abs=1e-12)


def test_cosines_by_hand() -> None:
    found = cosines(np.array([[3.0, 4.0], [4.0, 3.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[1, 0.96, 0], [0.96, 1, 0], [0, 0, 0]], atol=1e-15)
    centred = cosines(np.array([[1.0, 5.0], [3.0, 5.0]]), centre=True)
    np.testing.assert_allclose(centred, [[1, -1], [-1, 1]], atol=1e-15)


def unbiased_hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
    """Song et al. (2012), equation 5, term by term."""
    n = len(k)
    total, first, second, third = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            first += k[i, j] * l[j, i]
            for p in range(n):
                third += k[i, j] * l[j, p] if p != j else 0.0
                for q in range(n):
                    second += k[i, j] * l[p, q] if p != q else 0.0
    total = first + second / ((n - 1) * (n - 2)) - 2 / (n - 2) * third
    return total / (n * (n - 3))


def test_cka_equals_the_unbiased_estimator_written_out() -> None:
    k, l = gram(random_vectors(3, 7)), gram(random_vectors(4, 7, 3) + 2)  # noqa: E741
    expected = unbiased_hsic(k, l) / math.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))
    assert cka(k, l) == pytest.approx(expected, abs=1e-12)


def test_cka_ignores_rotation_shift_and_scale() -> None:
    x = random_vectors(5)
    rotation, _ = np.linalg.qr(np.random.default_rng(6).normal(size=(5, 5)))
    assert cka(gram(x), gram(3 * x @ rotation + 1)) == pytest.approx(1.0, abs=1e-12)


def test_unbiased_cka_of_unrelated_spaces_is_about_zero_where_the_usual_one_is_large() -> None:
    pairs = [(random_vectors(n, 10, 200), random_vectors(n + 1000, 10, 200)) for n in range(40)]
    unbiased = np.mean([cka(gram(a), gram(b)) for a, b in pairs])

    def biased(a: np.ndarray, b: np.ndarray) -> float:
        a, b = a - a.mean(0), b - b.mean(0)
        return float((gram(a) * gram(b)).sum() / np.linalg.norm(gram(a)) / np.linalg.norm(gram(b)))

    assert abs(unbiased) < 0.05
    assert np.mean([biased(a, b) for a, b in pairs]) > 0.9


@pytest.mark.parametrize("classes", [2, 3])
def test_cka_needs_four_classes(classes: int) -> None:
    assert math.isnan(cka(gram(random_vectors(0, classes)), gram(random_vectors(1, classes))))


@pytest.mark.parametrize("pattern", [rank_pattern, centred_pattern])
def test_identical_spaces_have_the_smallest_p(pattern) -> None:  # type: ignore[no-untyped-def]
    space = pattern(gram(random_vectors(7)))
    found = permutation_test(space, space, 99, np.random.default_rng(0))
    assert found.value == pytest.approx(1.0)
    assert found.p == 1 / 100
    assert abs(found.baseline) < 0.2


def test_p_of_unrelated_spaces_is_uniform() -> None:
    rng = np.random.default_rng(0)
    found = [
        permutation_test(rank_pattern(gram(random_vectors(n))), rank_pattern(gram(random_vectors(n + 500))), 49, rng).p
        for n in range(200)
    ]
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


def test_a_permutation_test_of_nothing_is_nan() -> None:
    constant = rank_pattern(np.ones((5, 5)))
    assert math.isnan(permutation_test(constant, constant, 9, np.random.default_rng(0)).p)


SIMILARITY = np.array(
    [
        [1.0, 0.9, 0.1, 0.2],
        [0.9, 1.0, 0.3, 0.4],
        [0.1, 0.3, 1.0, 0.8],
        [0.2, 0.4, 0.8, 1.0],
    ]
)


def test_neighbours_by_hand() -> None:
    assert nearest(SIMILARITY, 2).tolist() == [[1, 3], [0, 3], [3, 1], [2, 1]]
    other = SIMILARITY[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]  # nearest of 0..3: 2, 3, 0, 1
    assert neighbourhood_agreement(SIMILARITY, SIMILARITY, 2) == 1.0
    assert neighbourhood_agreement(SIMILARITY, other, 1) == 0.0
    assert nearest(other, 2).tolist() == [[2, 3], [3, 2], [0, 3], [1, 2]]
    # Shared of two: {3}, {3}, {3}, {1 and 2}.
    assert neighbourhood_agreement(SIMILARITY, other, 2) == pytest.approx((1 + 1 + 1 + 2) / 8)
    assert math.isnan(neighbourhood_agreement(SIMILARITY, other, 3))


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array([0.1, 0.4, 0.2, 0.9, 0.3])
    found = jackknife(lambda rows: float(values[rows].mean()), 5)
    error = values.std(ddof=1) / math.sqrt(5)
    assert found.value == values.mean()
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error))


def test_an_interval_stays_within_the_range() -> None:
    assert jackknife(lambda rows: 0.9 if 0 in rows else -0.9, 6).high == 1.0
