"""Cumulative texts: which text continues which."""

from __future__ import annotations

from collections.abc import Set

import pytest

from written_banks import Texts, bank_of
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.text.joining import joined_texts

NAMES = ("wave", "squat")


def bank(texts: Texts, rejected: Set[tuple[int, str, int]] = frozenset()) -> SemanticBank:
    return bank_of(NAMES, texts, lambda place, _: "rejected" if place in rejected else "generated")


def phases(count: int) -> dict[str, list[list[str]]]:
    return {
        f"temporal.{phase}": [[f"{name} {phase} {k}." for k in range(count)] for name in NAMES]
        for phase in ("start", "main", "end")
    }


def test_text_k_continues_text_k() -> None:
    found = joined_texts(bank({"label": [["wave"], ["squat"]], **phases(2)}))
    assert found["label"] == [["wave"], ["squat"]]
    assert found["temporal.start"] == [["wave start 0.", "wave start 1."], ["squat start 0.", "squat start 1."]]
    assert found["temporal.main"][1] == ["squat start 0. squat main 0.", "squat start 1. squat main 1."]
    assert found["temporal.end"][0][1] == "wave start 1. wave main 1. wave end 1."


def test_a_rejected_text_is_neither_read_nor_shifts_the_others() -> None:
    rejected = {(0, "temporal.start", 1), (0, "temporal.main", 0)}
    found = joined_texts(bank(phases(3), rejected))
    assert found["temporal.start"][0] == ["wave start 0.", "wave start 2."]
    assert found["temporal.main"][0] == ["wave start 2. wave main 1.", "wave start 2. wave main 2."]
    assert found["temporal.end"][0][2] == "wave start 2. wave main 2. wave end 2."
    assert not any("start 1" in text or "main 0" in text for rows in found.values() for text in rows[0])
    assert found["temporal.end"][1] == joined_texts(bank(phases(3)))["temporal.end"][1]


def test_a_class_without_a_phase() -> None:
    found = joined_texts(bank(phases(1), {(1, "temporal.main", 0)}))
    assert found["temporal.main"] == [["wave start 0. wave main 0."], []]
    assert found["temporal.end"][1] == ["squat start 0. squat end 0."]


def test_a_bank_that_lacks_a_phase() -> None:
    texts = phases(1)
    del texts["temporal.main"]
    with pytest.raises(InputError, match="cannot be joined") as caught:
        joined_texts(bank(texts))
    assert caught.value.why == "it has no slot temporal.main"
