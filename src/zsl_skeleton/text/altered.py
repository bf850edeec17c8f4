"""Texts that replace a bank's for a control: what accuracy is left when they say nothing, or nothing but the name?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zsl_skeleton.errors import InputError

ALTERED = ("random-words", "name-only")
"""Controls whose texts are encoded anew."""

Texts = Mapping[str, Sequence[Sequence[str]]]
"""Slot -> texts by class index; classes may have different numbers of texts, also none."""


def altered_texts(texts: Texts, control: str, seed: int = 0) -> dict[str, list[list[str]]]:
    """The texts that replace those of a bank under a control; as many per class and slot as before.

    ``random-words`` replaces every text by as many words, drawn with replacement from all words of the bank, so that
    length and vocabulary stay. ``name-only`` writes the class's first ``label`` text everywhere.

    Raises:
        InputError: the bank holds no words, or ``name-only`` finds no ``label`` text for a class.
    """
    if control == "random-words":
        return _random_words(texts, np.random.default_rng([seed, 1]))
    labels = [row[0] if row else "" for row in texts.get("label", ())]
    classes = max((len(rows) for rows in texts.values()), default=0)
    if len(labels) != classes or not all(labels):
        raise InputError(
            "the control name-only needs a text in the slot 'label' for every class",
            mend="zsl-semantics generate with the family label",
        )
    return {s: [[name] * len(row) for name, row in zip(labels, rows, strict=True)] for s, rows in texts.items()}


def _random_words(texts: Texts, generator: np.random.Generator) -> dict[str, list[list[str]]]:
    vocabulary = sorted({word for rows in texts.values() for row in rows for text in row for word in text.split()})
    if not vocabulary:
        raise InputError("the bank holds no words to draw from", mend="zsl-semantics generate")

    def draw(text: str) -> str:
        return " ".join(vocabulary[i] for i in generator.integers(len(vocabulary), size=len(text.split())))

    return {slot: [[draw(text) for text in row] for row in texts[slot]] for slot in sorted(texts)}
