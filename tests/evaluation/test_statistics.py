"""Intervals, paired differences and sign flips, against hand computation and against their own promises."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.statistics import (
    Key,
    bootstrap_interval,
    clustered_interval,
    coverage,
    paired_difference,
    sign_flip_p,
)


def test_two_values_are_resampled_to_both_ends() -> None:
    found = bootstrap_interval([0.2, 0.6])
    assert found is not None
    assert [found.value, found.low, found.high] == pytest.approx([0.4, 0.2, 0.6])
    # A quarter of the resamples lies at each end, so that half of them does not reach it.
    inner = bootstrap_interval([0.2, 0.6], level=0.4)
    assert inner is not None
    assert [inner.low, inner.high] == pytest.approx([0.4, 0.4])


def test_a_single_figure_has_no_interval() -> None:
    assert bootstrap_interval([0.5]) is None
    assert clustered_interval({"a": [0.5]}) is None
    assert clustered_interval({"a": [0.5, 0.7]}) is not None  # about the seeds alone
    assert clustered_interval({"a": [0.5], "b": [0.7]}) is not None


def test_few_splits_cover_less_than_they_say() -> None:
    assert [coverage(splits) for splits in (1, 2, 5, 7, 31)] == [None, 0.76, 0.85, 0.85, None]


def test_every_split_counts_alike() -> None:
    found = clustered_interval({"a": [0.0] * 9, "b": [1.0]})
    assert found is not None
    assert found.value == pytest.approx(0.5)


def test_splits_and_seeds_both_spread() -> None:
    generator = np.random.default_rng(3)
    between = clustered_interval({str(s): [mean] * 4 for s, mean in enumerate(generator.normal(0, 1, 25))}, 0.6827)
    values = {str(s): generator.normal(m, 2, 4) for s, m in enumerate(generator.normal(0, 1, 25))}
    both = clustered_interval({split: list(seeds) for split, seeds in values.items()}, 0.6827, 20_000)
    assert between is not None
    assert both is not None
    # Two stages: variance of the split means plus that of the seeds' mean, both over the number of splits.
    variance = np.var([seeds.mean() for seeds in values.values()])
    variance += np.mean([seeds.var() / len(seeds) for seeds in values.values()])
    assert both.high - both.low == pytest.approx(2 * np.sqrt(variance / 25), rel=0.03)
    assert between.high - between.low < 0.8 * (both.high - both.low)


def test_the_interval_holds_the_truth_about_as_often_as_documented() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        means = generator.normal(0, 0.06, 10)
        values = {str(s): list(mean + generator.normal(0, 0.03, 3)) for s, mean in enumerate(means)}
        found = clustered_interval(values, draws=400, seed=seed)
        held += found is not None and found.low <= 0 <= found.high
    assert 0.86 <= held / 300 <= 0.96


def test_nothing_depends_on_the_order_and_the_seed_decides() -> None:
    values = {"b": [0.11, 0.42, 0.23, 0.35], "a": [0.34, 0.95, 0.17]}
    turned = {split: values[split] for split in reversed(values)}
    assert clustered_interval(values) == clustered_interval(turned)
    assert clustered_interval(values, draws=150, seed=1) != clustered_interval(values, draws=150, seed=2)


@pytest.mark.parametrize(
    ("differences", "p"),
    [([1.0, 1.0, 1.0], 2 / 8), ([1.0, -1.0], 1.0), ([3.0, -1.0, 0.5], 6 / 8), ([0.0, 0.0], 1.0), ([0.1] * 5, 2 / 32)],
)
def test_sign_flips_by_hand(differences: list[float], p: float) -> None:
    found, smallest = sign_flip_p(differences)
    assert found == pytest.approx(p)
    assert smallest == pytest.approx(2 / 2 ** len(differences))
    assert found >= smallest


def test_many_sign_flips_are_sampled_and_agree_with_all_of_them() -> None:
    values = list(np.random.default_rng(5).normal(0.3, 1, 14))
    exact, _ = sign_flip_p(values)
    sampled, smallest = sign_flip_p([*values, 0.0], draws=20_000)  # a zero changes no sum
    assert sampled == pytest.approx(exact, abs=0.015)
    assert smallest == 1 / 20_001
    assert sign_flip_p([0.1] * 30)[0] == pytest.approx(1 / 10_001)


def test_pairs_are_the_common_splits_and_seeds() -> None:
    a: dict[Key, float] = {("x", 0): 0.5, ("x", 1): 0.7, ("y", 0): 0.4, ("z", 0): 9.0, ("x", 7): 9.0}
    b: dict[Key, float] = {("x", 0): 0.4, ("x", 1): 0.4, ("y", 0): 0.6, ("w", 0): -9.0}
    found = paired_difference(a, b)
    assert found.splits == ("x", "y")
    assert found.pairs == 3
    assert found.value == pytest.approx(((0.1 + 0.3) / 2 - 0.2) / 2)
    assert found.p == 1.0
    assert found.smallest_p == 0.5
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high
    assert 0 < found.above < 1


def test_pairing_removes_what_both_share() -> None:
    generator = np.random.default_rng(1)
    base: dict[Key, float] = {
        (f"s{s}", seed): m for s, m in enumerate(generator.normal(0.5, 0.2, 8)) for seed in range(3)
    }
    better: dict[Key, float] = {key: value + 0.02 + generator.normal(0, 0.002) for key, value in base.items()}
    found = paired_difference(better, base)
    assert found.interval is not None
    assert 0.018 < found.interval.low < found.interval.high < 0.022
    assert found.above == 1
    assert found.p == pytest.approx(2 / 2**8)
    turned = paired_difference(base, better)
    assert [turned.value, turned.above, turned.p] == pytest.approx([-found.value, 0, found.p])


def test_a_closed_form_stands_for_every_seed() -> None:
    ridge: dict[Key, float] = {("x", None): 0.5, ("y", None): 0.2}
    found = paired_difference({("x", 0): 0.6, ("x", 1): 0.8, ("y", 0): 0.2}, ridge)
    assert found.pairs == 3
    assert found.value == pytest.approx((0.2 + 0.0) / 2)
    assert paired_difference(ridge, ridge).pairs == 2


def test_no_difference_is_no_difference() -> None:
    same: dict[Key, float] = {("x", 0): 0.5, ("y", 0): 0.2}
    found = paired_difference(same, same)
    assert (found.value, found.above, found.p) == (0, 0.5, 1)
    alone = paired_difference({("x", 0): 0.6}, {("x", 0): 0.5})
    assert alone.interval is None
    assert alone.p == 1


def test_bad_input() -> None:
    with pytest.raises(InputError, match="no split and seed in common") as error:
        paired_difference({("x", 0): 0.5}, {("x", 1): 0.5})
    assert "zsl-train" in error.value.mend
    with pytest.raises(InputError, match="no split and seed"):
        paired_difference({}, {})
    with pytest.raises(InputError, match="NaN"):
        paired_difference({("x", 0): float("nan")}, {("x", 0): 0.5})
    with pytest.raises(InputError, match="NaN"):
        bootstrap_interval([0.5, float("inf")])
    with pytest.raises(InputError, match="no figures"):
        bootstrap_interval([])
