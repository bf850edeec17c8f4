"""Equal and nearly equal texts."""

from __future__ import annotations

import random
import time

import pytest

from semantics.lint.banks import of_rule
from written_banks import bank_of
from zsl_skeleton.semantics.lint import lint_bank
from zsl_skeleton.semantics.lint.across import NEAR, Row, near_duplicates
from zsl_skeleton.semantics.lint.model import Spot
from zsl_skeleton.semantics.lint.single import Reading

NAMES = ("first", "other", "third")
REST = {part: f"The {part.replace('-', ' ')} stays still." for part in ("head", "torso", "left-arm", "right-leg")}
LONG = (
    "Standing upright and facing forward, the person slowly raises the extended right arm sideways to the height of "
    "the shoulder {}, and lowers it again to the hip."
)


def rows_of(*texts: str, classes: tuple[int, ...] = (), slot: str = "codebook") -> list[Row]:
    indices = classes or (0,) * len(texts)
    return [
        Row(Spot(c, NAMES[c], slot, n, t), Reading.of(t)) for n, (c, t) in enumerate(zip(indices, texts, strict=True))
    ]


def test_equal_texts_in_a_class_are_found_across_the_slots_of_a_family() -> None:
    bank = bank_of(
        NAMES[:1],
        {
            "temporal.start": [["The right arm rises.", "The head turns."]],
            "temporal.main": [["The left arm rises.", "the right arm, rises"]],
            "codebook": [["The right arm rises."]],
        },
    )
    [found] = of_rule(lint_bank(bank), "duplicate-within")
    assert (found.slot, found.index) == ("temporal.main", 1)
    assert "text 0 of temporal.start" in found.message


def test_equal_texts_of_two_classes_are_found() -> None:
    texts = {"motion": [["The right arm rises."], ["The head turns."], ["The right arm rises."]]}
    [found] = of_rule(lint_bank(bank_of(NAMES, texts)), "duplicate-across")
    assert (found.class_name, found.slot) == ("third", "motion")
    assert "'first'" in found.message


def test_parts_at_rest_may_be_equal_but_not_all_parts() -> None:
    arms = ["The right arm rises.", "The right arm sinks.", "The right arm rises."]
    texts = {f"body-parts.{part}": [[text]] * 3 for part, text in REST.items()}
    texts["body-parts.right-arm"] = [[arm] for arm in arms]
    findings = lint_bank(bank_of(NAMES, texts))
    [found] = findings
    assert (found.rule, found.class_name, found.slot) == ("duplicate-across", "third", "body-parts")


def test_the_same_sentence_for_most_classes_is_a_placeholder_and_reported_once() -> None:
    names = tuple(f"class {n}" for n in range(6))
    texts = {
        "motion": [[f"The right arm rises {n} times." if n > 3 else "The arm moves in some way."] for n in range(6)]
    }
    findings = lint_bank(bank_of(names, texts))
    [found] = of_rule(findings, "placeholder")
    assert "4 of 6" in found.message
    assert not of_rule(findings, "duplicate-across")


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        (LONG.format("in an arc"), LONG.format("in an ellipse"), True),
        (LONG.format("in an arc"), LONG.format("in an arc").replace("raises", "lifts"), True),
        (
            "While the left arm hangs still, the right arm rises to the front.",
            "The right arm rises to the front while the left arm hangs still.",
            True,
        ),
        (LONG.format("in an arc"), LONG.format("in an arc").replace("right", "left"), False),
        (LONG.format("in an arc"), LONG.format("in an arc").replace("slowly", "quickly"), False),
        (LONG.format("in an arc"), LONG.format("in an arc").replace("hip", "knee"), False),
        (LONG.format("once"), LONG.format("twice"), False),
        (
            "The right hand swings down on the left side and up on the right side of the body again.",
            "The right hand swings down on the right side and up on the left side of the body again.",
            False,
        ),
        ("The right arm rises.", "The right arm swings.", False),
        (LONG.format("in an arc"), LONG.format("in an arc").upper(), False),
    ],
)
def test_nearly_equal_means_the_same_statement(a: str, b: str, near: bool) -> None:
    assert [item.rule for item in near_duplicates(rows_of(a, b))] == ["near-duplicate-within"] * near
    assert [item.rule for item in near_duplicates(rows_of(a, b, classes=(0, 1)))] == ["near-duplicate-across"] * near
    assert not list(near_duplicates(rows_of(a, b, slot="body-parts.head")))


def test_near_duplicates_are_those_that_all_pairs_give() -> None:
    generator = random.Random(0)
    filler = ["slow", "smooth", "the", "a", "with", "some", "small", "even", "steady", "wide"]
    texts = []
    for _ in range(150):
        words = ["the", "right", "arm", "moves", *generator.choices(filler, k=24)]
        texts.append(" ".join(words))
        if generator.random() < 0.5:
            words[generator.randrange(4, len(words))] = generator.choice(filler)
            texts.append(" ".join(words))
    rows = rows_of(*texts)
    expected = set()
    for n, row in enumerate(rows):
        for other in rows[:n]:
            union = len(row.tokens | other.tokens)
            same = row.reading.key == other.reading.key or row.signature != other.signature
            if not same and len(row.tokens & other.tokens) >= NEAR * union:
                expected.add(row.spot.index)
    assert len(expected) > 10
    assert {item.index for item in near_duplicates(rows)} == expected


def test_a_full_bank_is_linted_in_seconds() -> None:
    generator = random.Random(0)
    words = [*"abcdefghi", "right", "left", "hand", "arm", "rises", "sinks", "forward", "chest", "hip", "while", "and"]
    slots = {"codebook": 100, "spatial.fine": 30, "temporal.main": 26, "motion": 7}
    texts = {
        slot: [[" ".join(generator.choices(words, k=18)) for _ in range(count)] for _ in range(120)]
        for slot, count in slots.items()
    }
    bank = bank_of(tuple(f"class {n}" for n in range(120)), texts)
    start = time.process_time()
    findings = lint_bank(bank)
    assert time.process_time() - start < 5
    assert {item.class_index for item in findings} == set(range(120))
