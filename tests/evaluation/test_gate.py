"""The gate's features, its two ways of reading a threshold, and the cases that go wrong (numbers: the golden test)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.gate import Gate, GateOptions, Profile, features, fit_gate, gated_predictions, softmax

M, CLASSES = 3, 10
SEEN = np.arange(CLASSES) < CLASSES - M


def profile(n: int, sharp_unseen: float, sharp_seen: float, seed: int = 0) -> Profile:
    generator = np.random.default_rng(seed)
    pu = softmax(sharp_unseen * generator.standard_normal((n, M)))
    return Profile(pu, sharp_seen * generator.standard_normal((n, CLASSES)), SEEN)


def sides(n: int = 60) -> tuple[Profile, Profile]:
    return profile(n, 3, 1, 1), profile(n + 20, 1, 4, 2)


def gate(**changes: Any) -> Gate:
    return fit_gate(*sides(), GateOptions.model_validate(changes))


def test_features_by_hand() -> None:
    pu, logits = np.array([[0.2, 0.7, 0.1]]), np.log([[1.0, 4.0, 2.0, 1.0]])
    x = features(Profile(pu, logits), 1, 3)
    np.testing.assert_allclose(x, [[0.7, 0.2, 0.1, 4 / 8, 2 / 8, 1 / 8]])
    x = features(Profile(pu, logits), 0.5, 2)
    np.testing.assert_allclose(x, [[0.7, 0.2, 16 / 22, 4 / 22]])
    x = features(Profile(pu, logits, np.array([True, False, True, False])), 1, 4, "seen")
    np.testing.assert_allclose(x, [[0.7, 0.2, 0.1, 0, 2 / 3, 1 / 3, 0, 0]])


def test_a_gate_routes_what_it_was_fitted_on() -> None:
    unseen, seen = sides()
    for options in ({}, {"temperature": None, "threshold": None}, {"ps_columns": "seen"}, {"threshold": None}):
        found = gate(**options)
        right = np.concatenate(
            [~found.is_seen(unseen.pu, unseen.logits, SEEN), found.is_seen(seen.pu, seen.logits, SEEN)]
        )
        assert right.mean() > 0.8
        assert found.held_out_accuracy is not None
        assert found.held_out_accuracy > 0.7


def test_a_search_is_never_worse_on_held_out_clips_and_takes_the_first_of_equals() -> None:
    fixed, searched = gate(temperature=1.0), gate(temperature=None, threshold=None)
    assert (searched.held_out_accuracy or 0) >= (fixed.held_out_accuracy or 0)
    easy = fit_gate(profile(50, 50, 0, 1), profile(50, 0, 50, 2), GateOptions(temperature=None, threshold=None))
    assert (easy.temperature, easy.held_out_accuracy) == (1, 1)
    below = replace(easy, threshold=easy.threshold - 0.01)
    assert easy.threshold == 0.25 or below.threshold < 0.25


def test_the_two_sides_of_a_threshold() -> None:
    unseen, seen = sides()
    found = gate(threshold=0.6)
    pu, logits = np.concatenate([unseen.pu, seen.pu]), np.concatenate([unseen.logits, seen.logits])
    p = found.probability(pu, logits)
    assert ((p > 0.4) & (p < 0.6)).any()
    np.testing.assert_array_equal(found.is_seen(pu, logits), p > 0.6)
    fit = gate(threshold=0.6, threshold_side="fit")
    np.testing.assert_array_equal(fit.is_seen(pu, logits), p >= 0.4)
    np.testing.assert_array_equal(gate(threshold_side="fit").is_seen(pu, logits), gate().is_seen(pu, logits))


def test_predictions_are_the_best_class_of_the_side() -> None:
    found, test = gate(), profile(200, 2, 2, 5)
    seen = np.isin(np.arange(CLASSES), [0, 2, 3, 5, 6, 8, 9])
    predicted = gated_predictions(found, test.pu, test.logits, seen)
    is_seen = found.is_seen(test.pu, test.logits)
    assert 0 < is_seen.mean() < 1
    np.testing.assert_array_equal(seen[predicted], is_seen)
    masked = np.where(seen, test.logits, -np.inf).argmax(1)
    np.testing.assert_array_equal(predicted[is_seen], masked[is_seen])
    np.testing.assert_array_equal(predicted[~is_seen], np.array([1, 4, 7])[test.pu.argmax(1)][~is_seen])


def test_another_number_of_unseen_classes() -> None:
    found = gate()
    for unseen in (2, 5):
        seen = np.arange(CLASSES) < CLASSES - unseen
        pu = softmax(np.random.default_rng(3).standard_normal((20, unseen)))
        logits = np.random.default_rng(4).standard_normal((20, CLASSES))
        assert gated_predictions(found, pu, logits, seen).shape == (20,)
        kept = -np.sort(-pu, axis=1)[:, :M]
        np.testing.assert_array_equal(found.probability(pu, logits), found.probability(kept, logits))


def test_seen_columns_ignore_the_others() -> None:
    found, test = gate(ps_columns="seen"), profile(30, 2, 2, 5)
    changed = test.logits + 9 * ~SEEN
    np.testing.assert_array_equal(
        found.probability(test.pu, test.logits, SEEN), found.probability(test.pu, changed, SEEN)
    )
    assert (gate().probability(test.pu, test.logits) != gate().probability(test.pu, changed)).any()


def test_standardised_features_do_not_depend_on_the_spread_of_the_scores() -> None:
    """Scores divided by 500 make p_u nearly uniform: beside logits that tell nothing, the penalty silences it."""
    generator = np.random.default_rng(0)
    clear, vague = 2 * generator.standard_normal((200, M)), 0.5 * generator.standard_normal((200, M))
    logits = 2 * generator.standard_normal((200, CLASSES))
    right = {}
    for standardise in (False, True):
        fitted = [Profile(softmax(scores / 500), logits) for scores in (clear, vague)]
        found = fit_gate(*fitted, GateOptions(standardise=standardise))
        unseen, seen = (found.is_seen(side.pu, side.logits) for side in fitted)
        right[standardise] = (~unseen).mean() / 2 + seen.mean() / 2
        assert np.isfinite(found.coefficients).all()
    assert right[True] > 0.8
    assert right[False] < right[True] - 0.1
    assert gate(standardise=True).held_out_accuracy == pytest.approx(gate().held_out_accuracy, abs=0.1)


def test_few_clips_and_perfect_separation() -> None:
    unseen, seen = profile(3, 50, 0, 1), profile(3, 0, 50, 2)
    found = fit_gate(unseen, seen)
    assert found.held_out_accuracy is None
    assert not found.is_seen(unseen.pu, unseen.logits).any()
    assert found.is_seen(seen.pu, seen.logits).all()
    with pytest.raises(InputError, match="too few to search"):
        fit_gate(unseen, seen, GateOptions(threshold=None))


def test_bad_input() -> None:
    unseen, seen = sides()
    with pytest.raises(InputError, match="both sides"):
        fit_gate(Profile(unseen.pu[:0], unseen.logits[:0]), seen)
    with pytest.raises(InputError, match="different classes"):
        fit_gate(Profile(unseen.pu[:, :2], unseen.logits), seen)
    with pytest.raises(InputError, match="rows of unseen"):
        fit_gate(Profile(unseen.pu[:5], unseen.logits), seen)
    with pytest.raises(InputError, match="NaN"):
        fit_gate(Profile(np.full_like(unseen.pu, np.nan), unseen.logits), seen)
    with pytest.raises(InputError, match="seen classes"):
        gate(ps_columns="seen").probability(unseen.pu, unseen.logits)
    with pytest.raises(InputError, match="do not fit 10 classes"):
        gated_predictions(gate(), unseen.pu, unseen.logits, np.ones(CLASSES, bool))
