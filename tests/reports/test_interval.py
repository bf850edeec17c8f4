"""Intervals over clips hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.reports.interval import harmonic_of, share_of


def test_wilson_interval() -> None:
    found = share_of(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share_of(10, 10).high == 1 and share_of(0, 10).low == 0 and share_of(0, 0).low is None


@pytest.mark.parametrize(
    ("seen", "unseen", "clips"), [(0.8, 0.4, 80), (0.6, 0.6, 80), (0.9, 0.05, 200), (0.3, 0.9, 40)]
)
def test_the_interval_of_a_harmonic_mean_holds_the_truth_in_19_of_20_cases(
    seen: float, unseen: float, clips: int
) -> None:
    random, truth, held = np.random.default_rng(0), 2 * seen * unseen / (seen + unseen), []
    for right in zip(random.binomial(350, seen, 2000), random.binomial(clips, unseen, 2000), strict=True):
        found = harmonic_of(share_of(right[0], 350), share_of(right[1], clips))
        held.append(found.low <= truth <= found.high)
    assert 0.93 < np.mean(held) < 0.98


def test_a_harmonic_mean_of_nothing_right_still_has_an_interval() -> None:
    found = harmonic_of(share_of(300, 350), share_of(0, 79))
    assert found.value == found.low == 0
    assert 0.03 < found.high < 0.15
    assert harmonic_of(share_of(10, 10), share_of(10, 10)).high == 1
