"""Controls."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.controls import altered_texts, shuffled_rows

TEXTS = {
    "label": [["jump"], ["sit down"], ["wave"]],
    "codebook": [["bends both knees", "leaves the ground"], ["lowers the hips"], ["raises one hand", ""]],
}


@pytest.mark.parametrize("classes", [2, 3, 27, 120])
def test_nobody_keeps_its_own_text(classes: int) -> None:
    for seed in range(20):
        rows = shuffled_rows(classes, seed)
        assert sorted(rows) == list(range(classes))
        assert not (rows == np.arange(classes)).any()
    assert (shuffled_rows(classes, 1) == shuffled_rows(classes, 1)).all()


def test_all_shuffles_are_equally_likely() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(900):
        rows = tuple(int(row) for row in shuffled_rows(4, seed))
        counts[rows] = counts.get(rows, 0) + 1
    assert len(counts) == 9  # derangements of four
    assert max(counts.values()) < 160


def test_one_class_cannot_be_shuffled() -> None:
    with pytest.raises(InputError, match="cannot be shuffled"):
        shuffled_rows(1, 0)


def test_random_words_keep_lengths_and_vocabulary_but_not_the_texts() -> None:
    altered = altered_texts(TEXTS, "random-words", seed=1)
    words = {w for rows in TEXTS.values() for row in rows for text in row for w in text.split()}
    for slot, rows in TEXTS.items():
        for old, new in zip(rows, altered[slot], strict=True):
            assert [len(text.split()) for text in old] == [len(text.split()) for text in new]
            assert {w for text in new for w in text.split()} <= words
    assert altered["codebook"] != TEXTS["codebook"]
    assert altered == altered_texts(TEXTS, "random-words", seed=1)
    assert altered != altered_texts(TEXTS, "random-words", seed=2)


def test_name_only_writes_the_label_everywhere() -> None:
    assert altered_texts(TEXTS, "name-only")["codebook"] == [["jump", "jump"], ["sit down"], ["wave", "wave"]]


def test_name_only_needs_labels() -> None:
    with pytest.raises(InputError, match="slot 'label'"):
        altered_texts({"codebook": TEXTS["codebook"]}, "name-only")
