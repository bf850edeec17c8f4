"""Which parts a text names, and the sums over classes."""

from __future__ import annotations

import pytest

from semantics.report.banks import bank_of, changed, dataset_of
from semantics.report.reading import Node, Page
from zsl_skeleton.semantics.lint.vocabulary import vocabulary
from zsl_skeleton.semantics.report import bank_report
from zsl_skeleton.semantics.report.parts import PARTS, UNSPECIFIC, named_parts, part_words


def _section(page: str, name: str) -> Node:
    return next(node for node in Page(page).root.all("section") if node.attributes["id"] == name)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The right hand rises.", {"right arm"}),
        ("The bent right elbow is lifted.", {"right arm"}),
        ("Both knees bend.", {"left leg", "right leg"}),
        ("The feet stay together.", {"left leg", "right leg"}),
        ("The left and right forearms cross.", {"left arm", "right arm"}),
        ("One hand moves.", {"arm, no side"}),
        ("The fingers of the right hand open.", {"right arm", "arm, no side"}),
        ("Moves to the left with the hand.", {"arm, no side"}),
        ("The right hand rises to head height.", {"right arm"}),
        ("The trunk faces forward and moves back.", {"torso"}),
        ("Bends the back.", {"torso"}),
        ("The back of the right hand.", {"right arm"}),
        ("Lifts the right foot to the left knee.", {"right leg", "left leg"}),
        ("The left heel and the head.", {"left leg", "head"}),
        ("The whole body turns.", set()),
    ],
)
def test_named_parts(text: str, parts: set[str]) -> None:
    assert named_parts(text) == parts <= set(PARTS)


def test_every_body_word_of_the_lint_vocabulary_belongs_to_a_part() -> None:
    known = {word for word, kinds in vocabulary().kinds.items() if "body" in kinds}
    assert known - set(part_words()) - UNSPECIFIC == set()


def test_coverage_counts_texts_in_use_but_not_names() -> None:
    dataset = dataset_of(("wave", "bow"))
    texts = {
        "label": [["wave"], ["bow the head"]],
        "motion": [["The right hand rises.", "The right arm and the head turn.", "The left leg."], ["Nothing."]],
    }
    bank = changed(bank_of(dataset, texts), (0, "motion", 2), state="rejected")
    section = next(
        n for n in Page(bank_report(bank, dataset, ())).root.all("section") if n.attributes["id"] == "coverage"
    )
    rows = [[cell.whole() for cell in row.all("td")] for row in section.all("tr") if row.all("td")]
    mean, never, wave, bow = (dict(zip(PARTS, row, strict=True)) for row in rows)
    assert (wave["right arm"], wave["head"], wave["left leg"]) == ("100", "50", "0")
    assert set(bow.values()) == {"0"} and mean["right arm"] == "50"
    assert (never["right arm"], never["left leg"]) == ("1", "2")


def test_words_per_slot() -> None:
    dataset = dataset_of(("wave", "bow"))
    bank = bank_of(dataset, {"motion": [["the hand rises", "the hand sinks now"], ["the head sinks", "the head"]]})
    section = next(
        n for n in Page(bank_report(bank, dataset, ())).root.all("section") if n.attributes["id"] == "diversity"
    )
    assert [cell.whole() for cell in section.all("td")] == ["motion", "2", "4.0", "3.0"]
    assert "2 texts, 5 distinct words, 3.5 words each" in Page(bank_report(bank, dataset, ())).root.whole()
