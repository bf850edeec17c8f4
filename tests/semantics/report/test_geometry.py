"""Similarities and effective numbers against values worked out by hand."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from semantics.report.banks import bank_of, dataset_of, vectors_of
from zsl_skeleton.semantics.report.geometry import MISSING, effective, nearest, pack, similarity
from zsl_skeleton.semantics.report.similarities import similarities
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard

CARD = EncoderCard(name="toy", revision="r1", pooling="mean", normalise=False)


def _embeddings(vectors: list[list[list[float]]], mask: list[list[bool]]) -> ClassEmbeddings:
    names = tuple(f"class {n}" for n in range(len(vectors)))
    slots = {"motion": np.array(vectors, dtype=np.float32)}
    return ClassEmbeddings("toy", names, CARD, slots, {"motion": np.array(mask)})


def test_similarity_is_the_cosine_of_mean_vectors_and_unknown_without_texts() -> None:
    vectors = [[[1.0, 0], [0, 1]], [[3, 0], [9, 9]], [[0, 0], [0, 0]]]
    found = similarity(_embeddings(vectors, [[True, True], [True, False], [False, False]]), "motion")
    assert found[0, 1] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(found[2]).all() and np.isnan(found[:, 2]).all() and np.diag(found)[:2] == pytest.approx(1)


def test_packed_levels_give_every_pair_back() -> None:
    draw = np.random.default_rng(0)
    square = draw.uniform(-1, 1, (9, 9))
    matrix = (square + square.T) / 2
    matrix[4, 7] = matrix[7, 4] = np.nan
    low, high, cells = pack(matrix)
    levels = list(base64.b64decode(cells))
    for i in range(9):
        for j in range(i + 1, 9):
            level = levels[i * (2 * 9 - i - 1) // 2 + j - i - 1]
            if (i, j) == (4, 7):
                assert level == MISSING
            else:
                assert low + (high - low) * level / 254 == pytest.approx(matrix[i, j], abs=(high - low) / 254)
    assert sorted(levels)[0] == 0 and sorted(levels)[-2] == 254


def test_equal_or_unknown_similarities_can_be_packed() -> None:
    assert set(base64.b64decode(pack(np.ones((3, 3)))[2])) == {0}
    assert set(base64.b64decode(pack(np.full((3, 3), np.nan))[2])) == {MISSING}


def test_nearest_looks_among_seen_and_among_other_unseen_classes() -> None:
    matrix = np.array([[1, 0.9, 0.2, 0.1], [0.9, 1, 0.5, 0.4], [0.2, 0.5, 1, 0.3], [0.1, 0.4, 0.3, 1]])
    first, second = nearest(matrix, [2, 1])
    assert (first.class_index, first.seen, first.unseen) == (1, (0, 0.9), (2, 0.5))
    assert (second.class_index, second.seen, second.unseen) == (2, (3, 0.3), (1, 0.5))
    assert nearest(matrix, [3])[0].unseen is None


def test_effective_number_counts_only_texts_that_are_there() -> None:
    vectors = [[[1.0, 0], [0, 2], [0, 0]], [[3, 0], [3, 0], [3, 0]], [[0, 0]] * 3]
    embeddings = _embeddings(vectors, [[True, True, False], [True] * 3, [False] * 3])
    assert effective(embeddings, "motion", 0) == pytest.approx(2)
    assert effective(embeddings, "motion", 1) == pytest.approx(1)
    assert effective(embeddings, "motion", 2) is None


def test_rows_of_a_split_say_what_the_matrix_says() -> None:
    dataset = dataset_of([f"class {n}" for n in range(6)], {"a": [1, 4], "b": [0, 2, 3]})
    embeddings = vectors_of(bank_of(dataset, {slot: [["x", "y"]] * 6 for slot in ("label", "motion")}))
    found = similarities(embeddings, dataset, None, ("label", "motion"))
    assert [slot["name"] for slot in found["slots"]] == ["label", "motion"]
    matrix = similarity(embeddings, "motion")
    split = found["splits"][0]
    assert split["unseen"] == [1, 4]
    for index, seen, seen_cosine, unseen, unseen_cosine in split["rows"][1]:
        assert seen == max((0, 2, 3, 5), key=lambda other: matrix[index, other])
        assert seen_cosine == pytest.approx(matrix[index, seen], abs=5e-4)
        assert {index, unseen} == {1, 4} and unseen_cosine == pytest.approx(matrix[1, 4], abs=5e-4)
    everything = found["splits"][-1]
    assert everything["unseen"] == [] and [row[0] for row in everything["rows"][0]] == list(range(6))
    assert all(row[1] is None and row[3] != row[0] for row in everything["rows"][0])
