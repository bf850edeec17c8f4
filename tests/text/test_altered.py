from __future__ import annotations

import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.text.altered import altered_texts

TEXTS = {
    "label": [["jump"], ["sit down"], ["wave"]],
    "codebook": [["bends both knees", "leaves the ground"], ["lowers the hips"], ["raises one hand", ""]],
}


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
