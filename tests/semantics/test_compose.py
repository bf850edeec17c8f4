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
from zsl_skeleton.semantics.compose.select import choose
from zsl_skeleton.semantics.compose.sentences import Candidate, Fact
from zsl_skeleton.semantics.facts import load_facts
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.prompts import load_families
from zsl_skeleton.semantics.words import leaks_name, same_key, word_count

REPOSITORY = Path(__file__).resolve().parents[2]
WITH_FACTS = sorted(
    path.parent.name for path in (REPOSITORY / "semantics").glob("*/facts.yaml") if path.parent.name in dataset_names()
)


@pytest.fixture(scope="module", params=WITH_FACTS)
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
        assert re.fullmatch(r"[A-Z][ -~]*[a-z0-9]\.", row.text), row.text
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
        for entry, texts in zip(facts.classes, bank.texts(f"body-parts.{part}"), strict=True):
            assert texts[0].lower().rstrip(".") == entry.parts[part].fine.lower()  # type: ignore[index]


def _ask(pair: Dataset, semantics: Path, family: str, index: int, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    turn = load_families(REPOSITORY / "prompts", [family])[family].card.turns[0]
    backend = ComposeBackend.open(Setting(pair, semantics))
    slot = turn.answers[0].slot
    request = Request(f"{family}@v1", turn, pair.classes[index], (), turn.calls()[0], {slot: given})
    return asyncio.run(backend.answer(request)).texts[slot]


def test_later_calls_go_on_where_earlier_ones_stopped(pair: Dataset, semantics: Path) -> None:
    first = _ask(pair, semantics, "codebook", 0)
    second = _ask(pair, semantics, "codebook", 0, first)
    assert len(first) == len(second) == 20
    assert not set(first) & set(second)


def test_two_people_are_kept_apart(pair: Dataset, semantics: Path) -> None:
    classes = [action.model_copy(update={"persons": 2}) for action in pair.classes]
    two = pair.model_copy(update={"classes": tuple(classes)})
    assert "the first person" in _ask(two, semantics, "motion", 0)[0]
    assert "the first person" not in _ask(pair, semantics, "motion", 0)[0]


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
