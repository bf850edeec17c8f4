"""Wilcoxon's test and Holm's correction, against hand computation, all sign patterns, and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from zsl_skeleton.evaluation.rank_tests import holm, wilcoxon_p, wins_ties_losses


@pytest.mark.parametrize("count", [2, 5, 9, 25, 50])
def test_without_ties_it_is_scipys_exact_test(count: int) -> None:
    values = np.random.default_rng(count).normal(0.4, 1, count)
    assert wilcoxon_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=1e-9)


def test_with_ties_it_counts_every_pattern_of_signs() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        values = generator.integers(-3, 4, 9) / 50
        kept = values[values != 0]
        ranks = stats.rankdata(np.round(abs(kept), 9))
        sums = [ranks[np.array(signs)].sum() for signs in itertools.product([True, False], repeat=len(kept))]
        observed = ranks[kept > 0].sum()
        tail = min(np.mean(np.array(sums) <= observed + 1e-9), np.mean(np.array(sums) >= observed - 1e-9))
        assert wilcoxon_p(values) == pytest.approx(min(1, 2 * tail))


def test_many_differences_with_ties_agree_with_scipys_approximation() -> None:
    values = np.random.default_rng(3).integers(-4, 6, 120) / 40
    expected = stats.wilcoxon(values, zero_method="wilcox", correction=False, method="asymptotic").pvalue
    assert wilcoxon_p(values) == pytest.approx(expected, rel=1e-9)


def test_by_hand() -> None:
    assert wilcoxon_p([0.1, 0.2, 0.3]) == pytest.approx(2 / 8)
    assert wilcoxon_p([0.1] * 5) == pytest.approx(2 / 32)
    assert wilcoxon_p([0.1, -0.1]) == 1
    assert wilcoxon_p([0.0, 0.0]) == 1
    # Rounding must not break ties: 0.3 - 0.2 is not 0.2 - 0.1 in binary.
    assert wilcoxon_p([0.3 - 0.2, 0.1 - 0.2, 0.5]) == wilcoxon_p([0.1, -0.1, 0.5])
    assert wins_ties_losses([0.1, 1e-15, -0.2, 0.3]) == (2, 1, 1)


def test_holm_by_hand_and_against_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
    for seed in range(20):
        ps = list(np.random.default_rng(seed).uniform(0, 0.2, 6))
        for alpha in (0.01, 0.05, 0.2, 0.6):
            rejected = set()
            for place, index in enumerate(np.argsort(ps)):
                if ps[index] > alpha / (len(ps) - place):
                    break
                rejected.add(int(index))
            assert {index for index, p in enumerate(holm(ps)) if p <= alpha} == rejected
