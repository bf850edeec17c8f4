"""Held-out classes: the folds, the ridge behind them, and that unseen classes are out of reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.quality.measures import Interval
from zsl_skeleton.quality.predict import Cells, Seen, draw_folds, predict, solve_folds
from zsl_skeleton.quality.resampling import Resampler
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import load_clips, load_text
from zsl_skeleton.training.job import build_method
from zsl_skeleton.training.settings import resolve_settings


def test_folds_are_seeded_and_hold_every_class_out_equally_often() -> None:
    folds = draw_folds(tuple(range(3, 15)), 4, 30, seed=5)
    assert folds == draw_folds(tuple(range(3, 15)), 4, 30, seed=5) != draw_folds(tuple(range(3, 15)), 4, 30, seed=6)
    assert all(len(set(fold)) == 4 for fold in folds)
    assert np.unique(list(folds), return_counts=True)[1].tolist() == [10] * 12
    assert len(set(folds)) > 25


def test_a_fold_scores_as_a_ridge_trained_on_it(seen: Seen, meanings, candidate) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    texts = candidate({"a": meanings, "b": rng.normal(size=(12, 5, 4))})
    settings = resolve_settings(RunConfig(method="ridge", overrides=("text=[a, b]",)), "toy")
    text = load_text(texts.embeddings, ("a", "b"), torch.device("cpu"))
    for fold in solve_folds(seen, 3, seed=0):
        method = build_method(settings, load_clips(seen.clips, text, fold.rest, ("pooled",)), 0)
        held = load_clips(seen.clips, text, fold.held_out, ("pooled",))
        expected = class_scores(method, held.features, held.text)
        torch.testing.assert_close(fold.scores(torch.from_numpy(texts.vectors())), expected, atol=1e-5, rtol=1e-4)


def test_cells_count_the_clips_of_the_held_out_classes(seen: Seen, meanings: np.ndarray) -> None:
    folds = solve_folds(seen, 7, seed=0)
    cells = predict(folds, seen.classes, meanings.astype(np.float32))
    for row, fold in enumerate(folds):
        assert [seen.classes[i] for i in np.flatnonzero(cells.clips[row])] == list(fold.held_out)
        right = fold.scores(torch.from_numpy(meanings.astype(np.float32))).argmax(1) == fold.labels
        assert cells.per_fold[row] == pytest.approx(float(right.float().mean()))
    assert set(cells.clips.ravel()) == {0, 6}  # two training subjects, three trials
    assert (cells.right <= cells.clips).all()


@pytest.mark.parametrize(("split", "size"), [("three", 3), ("two", 3)])
def test_as_many_classes_as_unseen_ones_but_at_least_three(
    features: FeatureSet, dataset: Dataset, split: str, size: int
) -> None:
    seen = Seen.of(features, dataset, dataset.split(split), dataset.protocol())
    folds = solve_folds(seen, 4, seed=0)
    assert {len(fold.held_out) for fold in folds} == {size}
    assert all(not {*fold.held_out, *fold.rest} & set(seen.split.unseen) for fold in folds)
    assert all(not set(fold.held_out) & set(fold.rest) for fold in folds)


def test_too_few_seen_classes_are_refused(features: FeatureSet, dataset: Dataset) -> None:
    seen = Seen.of(features, dataset, dataset.split("many"), dataset.protocol())
    with pytest.raises(InputError, match="too few seen classes"):
        solve_folds(seen, 4, seed=0)


def test_only_training_clips_of_seen_classes_are_there(features: FeatureSet, seen: Seen) -> None:
    assert set(seen.clips.subjects) == {1, 2}
    assert seen.classes == (1, 2, 3, 5, 6, 8, 9, 10, 11)
    with pytest.raises(InputError, match=r"the unseen class 0 \(class 0\)"):
        replace(seen, clips=features)


def test_centroids_by_hand(seen: Seen) -> None:
    x = seen.clips.arrays["pooled"].astype(np.float64)
    standard = (x - x.mean(0)) / x.std(0)
    np.testing.assert_allclose(seen.centroids()[3], standard[seen.clips.labels == 5].mean(0), atol=1e-5)


def cells(right: list[list[int]], clips: list[list[int]]) -> Cells:
    return Cells(np.array(right), np.array(clips))


def test_intervals_know_that_folds_share_classes() -> None:
    """One class always right, one never: a hundred folds do not make it certain how the next class fares."""
    many = cells([[5, 0, 5, 0]] * 100, [[5, 5, 5, 5]] * 100)
    found = Resampler(100, 4, 2000, seed=0).accuracy(many)
    assert found.value == 0.5
    assert found.low == 0.0
    assert found.high == 1.0


def test_differences_are_paired() -> None:
    resampler = Resampler(3, 3, 500, seed=0)
    clips = [[4, 4, 0], [4, 0, 4], [0, 4, 4]]
    one, other = cells([[4, 0, 0], [4, 0, 2], [0, 0, 1]], clips), cells([[3, 0, 0], [3, 0, 1], [0, 0, 0]], clips)
    assert resampler.difference(one, one) == Interval(0.0, 0.0, 0.0)
    found = resampler.difference(other, one)
    assert found.value == pytest.approx(-4 / 24)
    assert found.high <= 0


def test_one_draw_varies_as_folds_do_and_as_their_mean_does() -> None:
    """Folds of one clip of one class of their own, two thirds of them right: both variances are binomial."""
    hits = np.arange(60) % 3 > 0
    low, high = Resampler(60, 1, 4000, seed=1).single(cells([[4 * int(h)] for h in hits], [[4]] * 60))
    assert high == 1.0
    share = 2 / 3
    assert low == pytest.approx(max(0.0, share - 1.96 * np.sqrt(share * (1 - share) * (1 + 1 / 60))), abs=0.01)
    near = cells([[9], [10], [11], [10]], [[20]] * 4)
    low, high = Resampler(4, 1, 4000, seed=1).single(near)
    variance = np.var([0.45, 0.5, 0.55, 0.5])
    assert (low + high) / 2 == pytest.approx(0.5)
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(variance * 4 / 3 + variance / 4), rel=0.02)


def test_bootstrap_of_one_class_per_fold_matches_the_binomial_error() -> None:
    """Every fold has one class of its own and one clip: then it is a bootstrap over independent clips."""
    hits = np.arange(60) % 3 > 0
    found = Resampler(60, 1, 4000, seed=1).accuracy(cells([[int(h)] for h in hits], [[1]] * 60))
    error = np.sqrt(hits.mean() * (1 - hits.mean()) / 60)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)
