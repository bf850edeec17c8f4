"""Style drift: a change between groups of classes is found where it is, and noise is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from semantics.lint.banks import dataset_of, of_rule
from written_banks import bank_of
from zsl_skeleton.semantics.lint import lint_bank
from zsl_skeleton.semantics.lint.drift import SURE, strongest_cut

N = 40
NAMES = tuple(f"class {n}" for n in range(N))
PARTS = ("hand", "elbow", "knee", "foot", "hip", "head", "trunk", "wrist")


def texts(n: int) -> list[str]:
    return [f"The {PARTS[(n + k) % 8]} goes {n} times toward the {PARTS[(3 * n + k) % 8]}." for k in range(3)]


def drift_of(change, cut: int = 25, slot: str = "motion", two: tuple[str, ...] = ()) -> list[str]:
    rows = [[change(text) for text in texts(n)] if n >= cut else texts(n) for n in range(N)]
    findings = lint_bank(bank_of(NAMES, {slot: rows}), dataset_of(NAMES, two))
    found = of_rule(findings, "style-drift")
    assert all(item.slot == slot and item.class_index is None for item in found)
    return [item.message for item in found]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (str.lower, "100% against 0% begin with a capital"),
        (lambda text: text.rstrip("."), "100% against 0% end with a full stop"),
        (lambda text: text.replace("The", "Your"), "0% against 100% speak to the reader"),
        (lambda text: text.replace("The", "The happy"), "0% against 100% speak of feelings"),
        (lambda text: text.replace(".", " and comes back to the place."), "words on average"),
    ],
)
def test_a_change_of_style_is_found_where_it_is(change, what: str) -> None:
    [message] = drift_of(change)
    assert message.startswith("classes 0-24 against 25-39: ")
    assert what in message


def test_one_style_is_no_drift() -> None:
    assert drift_of(lambda text: text) == []
    assert drift_of(str.lower, cut=0) == []
    assert drift_of(lambda text: text, slot="body-parts.head") == []


def test_small_differences_and_small_groups_are_no_drift() -> None:
    assert drift_of(lambda text: text.replace(".", " again.")) == []
    assert drift_of(str.lower, cut=N - 1) == []


def test_naming_two_people_is_no_drift() -> None:
    def named(text: str) -> str:
        return text.replace(".", " of the second person, who stays in one place.")

    assert len(drift_of(named)) == 1
    assert drift_of(named, two=NAMES[25:]) == []


def test_the_rank_test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).integers(0, 6, size=30).astype(float)
    values[18:] += 2
    cut, z = strongest_cut(values)
    result = stats.mannwhitneyu(values[:cut], values[cut:], method="asymptotic", use_continuity=False)
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(result.pvalue, rel=1e-6)
    others = [
        stats.mannwhitneyu(values[:n], values[n:], method="asymptotic", use_continuity=False).pvalue
        for n in range(5, 26)
    ]
    assert min(others) == pytest.approx(result.pvalue)


def test_lists_that_cannot_be_cut_or_do_not_vary_have_no_cut() -> None:
    assert strongest_cut(np.arange(9.0)) == (0, 0.0)
    assert strongest_cut(np.ones(30))[1] == 0.0


def test_noise_stays_below_the_limit() -> None:
    generator = np.random.default_rng(1)
    above = sum(abs(strongest_cut(generator.normal(size=120))[1]) >= SURE for _ in range(500))
    assert above <= 8
