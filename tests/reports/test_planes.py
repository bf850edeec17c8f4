"""Two dimensions of many: exact where two are enough, and honest about what they leave out."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.reports.planes import biplot, principal, scaled
from zsl_skeleton.reports.sampling import some_clips, worst

RNG = np.random.default_rng(0)


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def test_a_plane_in_many_dimensions_is_shown_whole() -> None:
    flat = RNG.normal(size=(30, 2)) @ np.linalg.qr(RNG.normal(size=(9, 2)))[0].T + 5
    found = principal(flat)
    assert found.shown == pytest.approx(1) and np.allclose(distances(found.points), distances(flat))


def test_the_shown_share_is_that_of_the_variance() -> None:
    rows = RNG.normal(size=(500, 4)) * np.array([4.0, 2.0, 1.0, 1.0])
    found = principal(rows)
    assert found.shown == pytest.approx(found.points.var(0).sum() / rows.var(0).sum())
    assert found.shown == pytest.approx(20 / 22, abs=0.03)


def test_scaling_finds_points_of_a_circle_again() -> None:
    angles = np.linspace(0, 5, 12)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = scaled(points @ points.T)
    assert found.shown == pytest.approx(1) and np.allclose(distances(found.points), distances(points))


def test_inner_products_of_the_biplot_are_the_scores() -> None:
    scores = RNG.normal(size=(40, 2)) @ RNG.normal(size=(2, 3))
    clips, classes = biplot(scores + RNG.normal(size=(40, 1)))
    assert clips.shown == pytest.approx(1)
    assert np.allclose(clips.points @ classes.points.T, scores - scores.mean(1, keepdims=True))
    assert np.sqrt((clips.points**2).sum(1).mean()) == pytest.approx(np.sqrt((classes.points**2).sum(1).mean()))


@pytest.mark.parametrize("rows", [np.zeros((3, 2)), np.ones((1, 4)), np.array([[1.0], [2.0]])])
def test_too_little_to_show_is_no_error(rows: np.ndarray) -> None:
    assert np.isfinite(principal(rows).points).all() and principal(rows).points.shape == (len(rows), 2)
    assert np.isfinite(biplot(rows)[0].points).all()


def test_samples_are_spread_over_every_class() -> None:
    labels = np.repeat([2, 0, 1], [100, 3, 50])
    rows = some_clips(labels, 10)
    assert np.bincount(labels[rows]).tolist() == [3, 10, 10] and (np.diff(rows) > 0).all()
    assert {0, 99} <= set(rows.tolist())


def test_the_worst_clips_come_first() -> None:
    scores = np.array([[3.0, 0, 0], [0, 9, 0], [0, 1, 0], [5, 5, 5]], dtype=np.float32)
    assert worst(scores, np.array([0, 0, 0, 2])).tolist() == [1, 2, 3, 0]
