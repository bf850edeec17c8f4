"""Composed texts: counts, variety, leaks and grammar, for every data set that has facts."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset, dataset_names, load_dataset
from zsl_skeleton.semantics.backends import Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.compose import ComposeBackend
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.compose.pools import pool
from zsl_skeleton.semantics.compose.select import choose
from zsl_skeleton.semantics.compose.sentences import Candidate, Fact, Voice
from zsl_skeleton.semantics.facts import load_facts
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.lint import lint_bank, text_findings
from zsl_skeleton.semantics.prompts import load_families
from zsl_skeleton.semantics.words import leaks_name, same_key, word_count

REPOSITORY = Path(__file__).resolve().parents[2]
WITH_FACTS = sorted(
    path.parent.name for path in (REPOSITORY / "semantics").glob("*/facts.yaml") if path.parent.name in dataset_names()
)
_MANY = 30
"""Data sets with more classes than this take several seconds each."""
SIZES = {name: len(load_dataset(name).classes) for name in WITH_FACTS}
PARAMS = [pytest.param(name, marks=[pytest.mark.slow] * (SIZES[name] > _MANY)) for name in WITH_FACTS]


@pytest.fixture(scope="module", params=PARAMS)
def composed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, SemanticBank]:
    dataset = load_dataset(request.param)
    store = Store(tmp_path_factory.mktemp("store"))
    return dataset, SemanticBank.open(generate(store, dataset, GenerateConfig()))


def test_every_class_has_every_text(composed: tuple[Dataset, SemanticBank]) -> None:
    dataset, bank = composed
    bank.check_dataset(dataset)
    families = load_families(REPOSITORY / "prompts")
    wanted = {slot: count for family in families.values() for slot, count in family.slots.items()}
    assert set(bank.slots) == set(wanted)
    for slot, count in wanted.items():
        texts = bank.texts(slot)
        assert [len(row) for row in texts] == [count] * len(dataset.classes)
        for row in texts:
            assert len({same_key(text) for text in row}) == count


def test_texts_are_sentences_that_do_not_name_the_class(composed: tuple[Dataset, SemanticBank]) -> None:
    _, bank = composed
    for row in bank.descriptions:
        if row.slot == "label":
            assert row.text == row.class_name
            continue
        assert re.fullmatch(r"[A-Z][ -~]*[A-Za-z0-9]\.", row.text), row.text
        assert not re.search(r"  |,,| ,|\.\.|\bthe the\b|\b(\w+) \1\b", row.text), row.text
        assert row.slot == "action" or not leaks_name(row.text, row.class_name), row.text
        if row.slot == "codebook":
            assert 10 <= word_count(row.text) <= 40


def test_codebook_is_varied_and_its_own(composed: tuple[Dataset, SemanticBank]) -> None:
    _, bank = composed
    owner: dict[str, int] = {}
    for index, texts in enumerate(bank.texts("codebook")):
        openings = Counter(" ".join(text.split()[:5]) for text in texts)
        assert len(openings) >= 15, (bank.class_names[index], openings)
        assert max(openings.values()) <= 20, (bank.class_names[index], openings)
        for text in texts:
            assert owner.setdefault(same_key(text), index) == index, f"two classes share {text!r}"


def test_body_parts_come_from_the_finest_facts(composed: tuple[Dataset, SemanticBank]) -> None:
    dataset, bank = composed
    facts = load_facts(dataset, REPOSITORY / "semantics")
    for part in ("head", "right-arm", "left-leg"):
        for action, entry, texts in zip(dataset.classes, facts.classes, bank.texts(f"body-parts.{part}"), strict=True):
            fine = entry.parts[part].fine  # type: ignore[index]
            if action.persons == 1 and not text_findings(fine, f"body-parts.{part}", action, may_name=False):
                assert texts[0].lower().rstrip(".") == fine.lower()


def test_both_people_are_in_every_text(composed: tuple[Dataset, SemanticBank]) -> None:
    dataset, bank = composed
    two = {action.index for action in dataset.classes if action.persons == 2}
    for row in bank.descriptions:
        if row.class_index in two and row.slot not in ("label", "action"):
            assert "first person" in row.text.lower() and "second person" in row.text.lower(), row.text
        elif row.class_index not in two and row.slot != "label":
            assert "second person" not in row.text.lower(), row.text


def test_lint_finds_nothing(composed: tuple[Dataset, SemanticBank]) -> None:
    dataset, bank = composed
    assert [(item.rule, item.class_name, item.slot, item.text) for item in lint_bank(bank, dataset)] == []


def _ask(pair: Dataset, semantics: Path, family: str, index: int, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    turn = load_families(REPOSITORY / "prompts", [family])[family].card.turns[0]
    backend = ComposeBackend.open(Setting(pair, semantics))
    slot = turn.answers[0].slot
    request = Request(f"{family}@v1", turn, pair.classes[index], (), turn.calls()[0], {slot: given})
    return tuple(asyncio.run(backend.answer(request)).texts[slot])


def test_later_calls_go_on_where_earlier_ones_stopped(pair: Dataset, semantics: Path) -> None:
    first = _ask(pair, semantics, "codebook", 0)
    second = _ask(pair, semantics, "codebook", 0, first)
    assert len(first) == len(second) == 20
    assert not set(first) & set(second)


def test_texts_given_by_a_person_are_passed_over(pair: Dataset, semantics: Path) -> None:
    first = _ask(pair, semantics, "codebook", 0)
    whole = first + _ask(pair, semantics, "codebook", 0, first)
    given = ("The right hand greets at head height.", whole[1].upper(), whole[4])
    expected = tuple(text for text in whole if text not in (whole[1], whole[4]))[:20]
    assert _ask(pair, semantics, "codebook", 0, given) == expected


def test_rejected_text_is_replaced_by_the_next_one(pair: Dataset, semantics: Path) -> None:
    first = _ask(pair, semantics, "motion", 0)
    second = _ask(pair, semantics, "motion", 0, first)
    third = _ask(pair, semantics, "motion", 0, first + second)
    assert len({*first, *second, *third}) == 3


def test_two_people_are_kept_apart(meeting: Dataset, semantics: Path) -> None:
    motion = _ask(meeting, semantics, "motion", 0)[0]
    assert motion == (
        "Standing behind the second person, the first person raises the right hand to the back of the second person "
        "and lowers it. The movement is made twice, in one short movement. Meanwhile, the second person stands still "
        "with hanging arms."
    )
    assert "the first person" not in _ask(meeting, semantics, "motion", 1)[0]


def test_every_text_about_two_people_names_both(meeting: Dataset, semantics: Path) -> None:
    for family in ("body-parts", "codebook", "spatial", "temporal"):
        for turn in load_families(REPOSITORY / "prompts", [family])[family].card.turns:
            counts = {field.slot: field.texts for field in turn.answers}
            request = Request(f"{family}@v1", turn, meeting.classes[0], (), counts, {})
            answer = asyncio.run(ComposeBackend.open(Setting(meeting, semantics)).answer(request))
            for text in (text for texts in answer.texts.values() for text in texts):
                assert "first person" in text.lower() and "second person" in text.lower(), text


def _voice(meeting: Dataset, semantics: Path) -> Voice:
    return Voice(load_facts(meeting, semantics).classes[0])


def test_a_part_is_somebodys_where_it_could_be_the_others(meeting: Dataset, semantics: Path) -> None:
    texts = [item.text for item in pool(_voice(meeting, semantics), "codebook")]
    assert (
        "The first person's right arm reaches forward twice while the left arm hangs still, and the second person "
        "stands still with hanging arms." in texts
    )
    touching = "The first person's right elbow extends and the right hand touches the second person twice while the "
    assert f"{touching}first person's left arm hangs still." in texts
    assert f"{touching}left arm hangs still." not in texts


def test_the_second_person_is_shown_in_the_same_phase(meeting: Dataset, semantics: Path) -> None:
    voice = _voice(meeting, semantics)
    ends = [item.text for item in pool(voice, "temporal.end")]
    dropped = "The first person drops the right forearm to the hip and stands still"
    assert f"{dropped} while the second person steps to the side." in ends
    assert not any("turned" in text or "hanging arms" in text for text in ends)


def test_leaking_fact_is_passed_over(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    content["classes"][1]["motion"][0] = "bends each knee between the feet and rises again to full height"
    (semantics / "pair" / "facts.yaml").write_text(yaml.safe_dump(content))
    assert "sinks down on both legs" in _ask(pair, semantics, "motion", 1)[0]


def test_too_few_facts_fail_with_the_class_and_file(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    content["classes"][1]["motion"] = [f"bends a knee {n} times in a row and stands" for n in range(5)]
    (semantics / "pair" / "facts.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UnusableAnswerError, match="0 of 1 sound texts for motion") as caught:
        _ask(pair, semantics, "motion", 1)
    assert "knee bend" in caught.value.mend and "facts.yaml" in caught.value.mend


def _plain(text: str, pattern: str = "p", spare: int = 0) -> Candidate:
    return Candidate(text, pattern, (text,), spare)


def test_choice_begins_with_the_first_avoids_likeness_and_extends() -> None:
    pool = [
        _plain("The right arm rises."),
        _plain("The right arm rises again."),
        _plain("Both legs bend slowly."),
        _plain("the right arm, rises"),
        _plain("Something else.", spare=1),
    ]
    assert choose(pool, 3) == ["The right arm rises.", "Both legs bend slowly.", "The right arm rises again."]
    assert choose(pool, 9) == [*choose(pool, 3), "Something else."]
    assert choose(pool, 2) == choose(pool, 3)[:2]
    assert choose([], 3) == []


def test_the_same_facts_in_another_order_come_last() -> None:
    both = ("arm", "head")
    pool = [
        Candidate("The right arm rises while the head stays upright and still.", "p", both),
        Candidate("While the head stays upright and still, the right arm rises.", "q", both),
        Candidate("The right arm rises while the left arm hangs still.", "p", ("arm", "other"), spare=2),
    ]
    assert choose(pool, 3) == [pool[0].text, pool[2].text, pool[1].text]


@pytest.mark.parametrize(
    ("text", "part", "named"),
    [
        ("lifts the right hand beside the head", "right-arm", True),
        ("lifts the right hand beside the head", "head", False),
        ("lifts the right hand beside the head", "left-arm", False),
        ("swings both bent arms", "left-arm", True),
        ("bends both knees", "right-leg", True),
        ("turns the trunk to the left", "torso", True),
        ("turns the trunk to the left", "left-arm", False),
        ("the head turns left", "head", True),
    ],
)
def test_a_phrase_names_the_parts_it_moves(text: str, part: Any, named: bool) -> None:
    assert Fact("motion.0", text).names(part) is named
