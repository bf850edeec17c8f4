"""Calibrated stacking against the plain loop over constants, and the cases that go wrong."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.gzsl import (
    Curve,
    calibrate,
    curve,
    harmonic_mean,
    margins,
    predictions,
    seen_unseen_harmonic,
    thinned,
)

CLASSES, UNSEEN = 12, (2, 3, 9)
SEEN = ~np.isin(np.arange(CLASSES), UNSEEN)


def made(clips: int = 400, levels: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores in steps of 1/16, so that many are equal, better than chance and biased towards the seen classes."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(CLASSES, size=clips, p=np.arange(1, CLASSES + 1) / (CLASSES * (CLASSES + 1) / 2))
    scores = generator.integers(levels, size=(clips, CLASSES)) / 16
    scores[np.arange(clips), labels] += 1
    return (scores + 0.5 * SEEN).astype(np.float32), labels


def naive(scores: np.ndarray, labels: np.ndarray, gamma: float, average: str) -> tuple[float, float]:
    """Argmax of the shifted scores, the unseen columns first, since a tie between the sides goes to the unseen one."""
    order = np.argsort(SEEN, kind="stable")
    predicted = order[(scores.astype(np.float64) - gamma * SEEN)[:, order].argmax(1)]
    right = predicted == labels
    sides = [[c for c in range(CLASSES) if SEEN[c] == seen and (labels == c).any()] for seen in (True, False)]
    if average == "class":
        seen, unseen = (float(np.mean([right[labels == c].mean() for c in side])) for side in sides)
    else:
        seen, unseen = (float(right[np.isin(labels, side)].mean()) for side in sides)
    return seen, unseen


@pytest.mark.parametrize("average", ["sample", "class"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_constant_as_the_plain_loop(average: str, seed: int) -> None:
    scores, labels = made(seed=seed)
    found = curve(margins(scores, labels, SEEN), average)  # type: ignore[arg-type]
    assert (np.diff(found.gammas) > 0).all()
    # The constant below them all is left out: the plain loop would round it away in its subtraction.
    between = (found.gammas[2:] + found.gammas[1:-1]) / 2
    constants = np.concatenate([found.gammas[1:], between, np.arange(-64, 64) / 32, [-1e9, 1e9]])
    assert len(constants) > 150
    for gamma in constants:
        point, expected = found.at(gamma), naive(scores, labels, gamma, average)
        if average == "sample":
            assert (point.seen, point.unseen) == expected
        assert (point.seen, point.unseen) == pytest.approx(expected, abs=1e-12)
        assert point.harmonic == pytest.approx(2 * expected[0] * expected[1] / max(sum(expected), 1e-9))


def test_ends_and_area() -> None:
    scores, labels = made()
    found = curve(margins(scores, labels, SEEN))
    alone = {side: np.where(side == SEEN, scores, -np.inf).argmax(1) == labels for side in (True, False)}
    assert (found.unseen[0], found.seen[-1]) == (0, 0)
    assert found.seen[0] == alone[True][SEEN[labels]].mean()
    assert found.unseen[-1] == alone[False][~SEEN[labels]].mean()
    assert found.area == pytest.approx(np.trapezoid(found.unseen[::-1], found.seen[::-1]))
    assert 0 < found.area < found.seen[0] * found.unseen[-1]


def test_by_hand() -> None:
    # Columns: seen, seen, unseen. Margins 1, 3, 1 (right), 2 (right), 5 (the seen class is wrong).
    scores = np.array([[2, 0, 1], [0, 4, 1], [2, 0, 1], [0, 4, 2], [7, 0, 2]], np.float32)
    labels = np.array([0, 1, 2, 2, 1])
    found = curve(margins(scores, labels, np.array([True, True, False])))
    assert found.gammas[1:].tolist() == [1, 2, 3]
    assert found.gammas[0] == np.nextafter(1, 0)
    np.testing.assert_allclose(found.seen, [2 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(found.unseen, [0, 0.5, 1, 1])
    assert found.area == pytest.approx(1 / 3 * 0.25 + 1 / 3 * 1)
    best = found.best()
    assert (best.gamma, best.seen, best.unseen, best.harmonic) == (2.5, pytest.approx(1 / 3), 1, pytest.approx(0.5))
    by_class = curve(margins(scores, labels, np.array([True, True, False])), "class")
    np.testing.assert_allclose(by_class.seen, [0.75, 0.25, 0.25, 0])


def test_predictions_give_the_accuracies_of_the_curve() -> None:
    scores, labels = made()
    known = margins(scores, labels, SEEN)
    by_sample, by_class = curve(known), curve(known, "class")
    for gamma in (-1.0, 0.0, 0.5, float(by_sample.gammas[7]), 3.0):
        found = seen_unseen_harmonic(predictions(scores, SEEN, gamma), labels, SEEN)
        for ours, point in ((found.sample, by_sample.at(gamma)), (found.class_mean, by_class.at(gamma))):
            assert (ours.seen, ours.unseen) == pytest.approx((point.seen, point.unseen), abs=1e-12)
            assert ours.harmonic == pytest.approx(point.harmonic)


def test_moving_the_seen_scores_moves_the_constants_only() -> None:
    scores, labels = made()
    one, moved = (curve(margins(scores + by * SEEN.astype(np.float32), labels, SEEN)) for by in (0, 2))
    np.testing.assert_array_equal(moved.gammas[1:], one.gammas[1:] + 2)
    np.testing.assert_array_equal(moved.harmonic, one.harmonic)
    assert moved.area == one.area
    assert moved.best().gamma == pytest.approx(one.best().gamma + 2)


def test_the_best_constant_beats_every_other() -> None:
    scores, labels = made(seed=3)
    best = curve(margins(scores, labels, SEEN)).best()
    others = [naive(scores, labels, gamma, "sample") for gamma in np.linspace(-4, 4, 400)]
    assert best.harmonic >= max(float(harmonic_mean(np.array(s), np.array(u))) for s, u in others)


def stairs(*steps: tuple[float, float, float]) -> Curve:
    return Curve(*(np.array(column, dtype=np.float64) for column in zip(*steps, strict=True)))


def test_calibrate_takes_the_middle_of_the_widest_best_step() -> None:
    one = stairs((0, 0.8, 0), (1, 0.6, 0.6), (1.5, 0.4, 0.4), (2, 0.6, 0.6), (6, 0.3, 0.7), (7, 0, 0.8))
    assert calibrate([one]) == 4
    # The other draw peaks at 5.5..8, so that 5.5..6 is best for both.
    other = stairs((0, 0.9, 0), (5.5, 0.7, 0.7), (8, 0, 0.9))
    assert calibrate([one, other]) == 5.75
    assert calibrate([other, one]) == 5.75


def test_a_constant_between_two_adjacent_numbers_stays_on_its_step() -> None:
    low = 1.0 + 2.0**-52
    found = stairs((0, 1, 0), (low, 1, 1), (np.nextafter(low, 2), 0, 1))
    assert found.best().harmonic == 1


def test_nothing_right_leaves_the_constant_at_zero() -> None:
    scores = np.array([[5, 1, 1], [1, 1, 5]], np.float32)
    found = curve(margins(scores, np.array([1, 2]), np.array([True, True, False])))
    assert found.at(0.0).seen == 0
    assert found.at(0.0).unseen == 1
    assert found.best().gamma == 0
    scores = np.array([[0, 1, 0, 1], [0, 1, 0, 1]], np.float32)
    nothing = curve(margins(scores, np.array([0, 2]), np.array([True, True, False, False])))
    assert (nothing.area, nothing.best().harmonic, len(thinned(nothing).gammas)) == (0, 0, 1)
    with pytest.raises(InputError, match="no held-out draw"):
        calibrate([])


def test_thinned_keeps_ends_best_and_shape() -> None:
    scores, labels = made(clips=5000, levels=4096)
    found = curve(margins(scores, labels, SEEN))
    few = thinned(found, 51)
    assert len(found.gammas) > 500
    assert 40 <= len(few.gammas) <= 54
    assert (few.seen[0], few.unseen[-1], few.seen[-1]) == (found.seen[0], found.unseen[-1], 0)
    assert few.harmonic.max() == found.harmonic.max()
    assert few.area == pytest.approx(found.area, abs=0.01)
    assert few.at(few.gammas[5]) == found.at(few.gammas[5])
    whole = thinned(found, 10 * len(found.gammas))
    np.testing.assert_array_equal(whole.gammas, found.gammas)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seen": np.ones(CLASSES, bool)}, "0 unseen classes"),
        ({"seen": np.zeros(CLASSES, bool)}, "0 seen classes"),
        ({"labels": np.full(400, 2)}, "0 clips of them"),
        ({"labels": np.zeros(400, np.int64)}, "0 clips of them"),
        ({"labels": np.zeros(3, np.int64)}, "3 labels"),
        ({"labels": np.full(400, CLASSES)}, "12 classes"),
        ({"labels": np.full(400, -1)}, "12 classes"),
        ({"scores": np.full((400, CLASSES), np.nan, np.float32)}, "400 clips are NaN"),
        ({"scores": np.zeros((400, CLASSES - 1), np.float32)}, "do not fit"),
        ({"scores": np.zeros((0, CLASSES), np.float32), "labels": np.zeros(0, np.int64)}, "0 clips of them"),
    ],
)
def test_bad_input(change: dict[str, np.ndarray], says: str) -> None:
    scores, labels = made()
    with pytest.raises(InputError, match=says):
        margins(**({"scores": scores, "labels": labels, "seen": SEEN} | change))


@pytest.mark.parametrize("column", [0, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_score_that_is_no_number_is_found(column: int, value: float) -> None:
    scores, labels = made()
    scores[17, column] = value
    with pytest.raises(InputError, match="1 clips are NaN"):
        margins(scores, labels, SEEN)
