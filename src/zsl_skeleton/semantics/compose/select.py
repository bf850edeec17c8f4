"""Choosing varied sentences: greedily the candidate least like those chosen so far."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.semantics.compose.sentences import Candidate
from zsl_skeleton.semantics.lint.across import NEAR
from zsl_skeleton.semantics.words import words

_APART = 100.0
"""More than any candidate can cost otherwise."""

_CROWDED = 3
"""Spareness of a sentence that says nearly the same as a chosen one; twice that if it is made of the same facts."""


def choose(pool: Sequence[Candidate], count: int) -> list[str]:
    """The first ``count`` texts of a varied order that begins with the first candidate.

    Each step takes the candidate with the smallest sum of: its greatest Jaccard similarity (of words) to a chosen
    text, the share of chosen texts with its pattern, and the mean share of chosen texts with each of its facts. Ties go
    to the earlier candidate, so the same pool always gives the same order, and a longer choice begins with a shorter
    one. Spare candidates come after the others, and so do those that are nearly equal to a chosen text. Fewer texts
    come back if the pool holds fewer different ones.
    """
    unlike: dict[str, Candidate] = {}
    for item in pool:
        unlike.setdefault(item.key, item)
    different = list(unlike.values())
    if not different:
        return []
    found = [words(item.text) for item in different]
    word_sets, word_bags = _incidence(found), _incidence([_numbered(row) for row in found])
    places = _incidence([item.places for item in different])
    patterns = _incidence([(item.pattern,) for item in different])
    spare = np.array([_APART * item.spare for item in different])
    sizes, bag_sizes, place_counts = word_sets.sum(axis=1), word_bags.sum(axis=1), places.sum(axis=1)
    nearest, crowded = np.zeros(len(different)), np.zeros(len(different))
    used_places = np.zeros(places.shape[1], dtype=np.int64)
    used_patterns = np.zeros(patterns.shape[1], dtype=np.int64)
    chosen: list[int] = []
    cost = spare + np.linspace(0, 1, len(different))
    while len(chosen) < min(count, len(different)):
        best = int(np.argmin(cost))
        chosen.append(best)
        nearest = np.maximum(nearest, _likeness(word_sets, sizes, best))
        near = _likeness(word_bags, bag_sizes, best) >= NEAR
        crowded = np.maximum(crowded, near * (1.0 + (_likeness(places, place_counts, best) == 1)))
        used_places += places[best]
        used_patterns += patterns[best]
        cost = spare + _APART * _CROWDED * crowded + nearest
        cost += (patterns @ used_patterns + (places @ used_places) / place_counts) / len(chosen)
        cost[chosen] = np.inf
    return [different[index].text for index in chosen]


def _likeness(sets: NDArray[np.int64], sizes: NDArray[np.int64], row: int) -> NDArray[np.float64]:
    """Jaccard similarity of every row to one of them."""
    shared = sets[:, sets[row] > 0].sum(axis=1)
    return np.asarray(shared / (sizes + sizes[row] - shared), dtype=np.float64)


def _numbered(row: Sequence[str]) -> list[tuple[str, int]]:
    """Each word with the number of its occurrence, so that sets of them count like multisets of words."""
    return [(word, row[:place].count(word)) for place, word in enumerate(row)]


def _incidence(rows: Sequence[Iterable[Hashable]]) -> NDArray[np.int64]:
    """0/1 matrix: which row holds which item."""
    sets = [list(dict.fromkeys(row)) for row in rows]
    column = {item: number for number, item in enumerate(dict.fromkeys(item for row in sets for item in row))}
    matrix = np.zeros((len(sets), len(column)), dtype=np.int64)
    for number, row in enumerate(sets):
        matrix[number, [column[item] for item in row]] = 1
    return matrix
