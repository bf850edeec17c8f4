"""The either-branch rule against the loops of its definition."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.oracle import either_branch_accuracy, either_branch_search

N, C = 60, 7
SEEN = np.array([True, True, False, True, False, True, True])
GAMMAS = (0.0, 0.05, 0.1, 0.2, 0.3)


def world(seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(C, size=N)
    branches = {}
    for name in ("spatial", "temporal"):
        logits = rng.normal(size=(N, C)) + 1.5 * np.eye(C)[labels] + 0.8 * SEEN
        branches[name] = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    return branches, labels


def by_loops(branches: dict[str, np.ndarray], labels: np.ndarray) -> tuple[dict[str, float], float, float, float]:
    best = ({}, 0.0, 0.0, -1.0)
    spatial, temporal = branches.values()
    for gamma_s in GAMMAS:
        for gamma_t in GAMMAS:
            named = [(p - g * SEEN).argmax(1) for p, g in ((spatial, gamma_s), (temporal, gamma_t))]
            right = (named[0] == labels) | (named[1] == labels)
            s, u = right[SEEN[labels]].mean(), right[~SEEN[labels]].mean()
            harmonic = 2 * s * u / (s + u) if s + u else 0.0
            if harmonic > best[3]:
                best = ({"spatial": gamma_s, "temporal": gamma_t}, s, u, harmonic)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_search_equals_the_loops(seed: int) -> None:
    branches, labels = world(seed)
    found = either_branch_search(branches, labels, SEEN, GAMMAS)
    gammas, seen, unseen, harmonic = by_loops(branches, labels)
    assert found.gammas == gammas
    np.testing.assert_allclose([found.seen, found.unseen, found.harmonic], [seen, unseen, harmonic], atol=1e-12)


def test_the_label_chooses_the_branch() -> None:
    spatial, temporal = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]], np.eye(3, dtype=np.float32)[[1, 1, 0, 0]]
    labels = np.array([0, 1, 1, 2])
    assert either_branch_accuracy({"spatial": spatial}, labels) == 0.5
    assert either_branch_accuracy({"temporal": temporal}, labels) == 0.25
    assert either_branch_accuracy({"spatial": spatial, "temporal": temporal}, labels) == 0.5
    assert either_branch_accuracy({"spatial": spatial, "temporal": temporal}, np.array([1, 1, 0, 0])) == 1.0


def test_of_equal_constants_the_first_pair_wins_and_nothing_right_is_zero() -> None:
    scores = np.tile(np.array([0.1, 0.2, 0.7], np.float32), (4, 1))
    found = either_branch_search(
        {"a": scores, "b": scores}, np.array([0, 1, 0, 1]), np.array([1, 0, 1]) == 1, (0.0, 0.1)
    )
    assert (found.gammas, found.harmonic) == ({"a": 0.0, "b": 0.0}, 0.0)


def test_bad_input() -> None:
    branches, labels = world()
    first = branches["spatial"]
    for wrong, says in (
        ({}, "shapes"),
        ({"a": first, "b": first[:, :3]}, "shapes"),
        ({"a": first[:0]}, "shapes"),
        ({"a": np.full_like(first, np.nan)}, "NaN"),
        ({"a": first[:, :3]}, "candidate classes"),
    ):
        with pytest.raises(InputError, match=says):
            either_branch_accuracy(wrong, labels)
    with pytest.raises(InputError, match="cannot be searched"):
        either_branch_search(dict.fromkeys("abc", first), labels, SEEN)
    with pytest.raises(InputError, match="cannot be searched"):
        either_branch_search(branches, labels, SEEN, ())
    with pytest.raises(InputError, match="unseen"):
        either_branch_search(branches, np.zeros(N, dtype=np.int64), SEEN)
