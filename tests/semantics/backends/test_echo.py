"""Made-up sentences: sound, repeatable, different for every class, and honest about their limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import ActionClass, Dataset, load_dataset
from zsl_skeleton.semantics.backends import Message, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.echo import EchoBackend
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank
from zsl_skeleton.semantics.dialogue import Dialogue
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.semantics.prompts import AnswerField, Turn, load_families
from zsl_skeleton.semantics.words import leaks_name, same_key, word_count


def _rows(dataset: Dataset, prompts: Path) -> list[Description]:
    backend = EchoBackend.open(Setting(dataset, Path("nowhere")))

    async def all_dialogues() -> list[Description]:
        rows = []
        for family in load_families(prompts).values():
            common = Provenance(family=family.id, template=family.hash, backend="echo")
            for action in dataset.classes:
                talk = Dialogue(backend.answer, backend.fingerprint, family, dataset.name, action, common)
                rows += await talk.run()
        return rows

    return asyncio.run(all_dialogues())


def test_every_family_of_120_classes(repository: Path) -> None:
    dataset = load_dataset("ntu120")
    rows = _rows(dataset, repository / "prompts")
    assert [row.provenance.reason for row in rows if row.provenance.state == "failed"] == []
    assert len(rows) == 120 * 169
    made = [row for row in rows if row.slot != "label"]
    assert [text for text, count in Counter(same_key(row.text) for row in made).items() if count > 1] == []
    assert [row for row in made if row.slot != "action" and leaks_name(row.text, row.class_name)] == []
    for row in made:
        part = row.slot.partition("body-parts.")[2].replace("-", " ")
        assert part in row.text
        if dataset.classes[row.class_index].persons == 2:
            assert "the first person" in row.text and "the second person" in row.text


def test_a_bank_of_echoes_says_so_and_comes_out_twice(tmp_path: Path, pair: Dataset) -> None:
    config = GenerateConfig(backend="echo", families=("motion", "spatial"))
    first, second = (generate(Store(tmp_path / name), pair, config) for name in "ab")
    assert first.card.config["backend"]["name"] == "echo"
    assert "echo" in first.card.name
    assert first.id == second.id
    assert SemanticBank.open(first).descriptions == SemanticBank.open(second).descriptions


def _request(words: tuple[int, int], count: int, persons: int = 1) -> Request:
    field = AnswerField(slot="made-up", key="texts", texts=count, words=words)
    turn = Turn(name="only", template="only.j2", answers=(field,))
    action = ActionClass(index=3, code="A3", name="some action", persons=2 if persons == 2 else 1)
    return Request("made-up@v1", turn, action, (Message("user", "?"),), {"made-up": count}, {"made-up": ()})


def _texts(request: Request) -> tuple[str, ...]:
    return asyncio.run(EchoBackend().answer(request)).texts["made-up"]


@pytest.mark.parametrize("words", [(1, 5), (5, 5), (6, 6), (7, 7), (9, 10), (25, 25), (28, 28), (40, 60), (90, 120)])
def test_any_word_limits_that_hold_a_sentence(words: tuple[int, int]) -> None:
    for text in _texts(_request(words, 7)):
        assert words[0] <= word_count(text) <= words[1]


@pytest.mark.parametrize(("words", "persons"), [((1, 4), 1), ((1, 12), 2)])
def test_limits_that_hold_none_are_said(words: tuple[int, int], persons: int) -> None:
    with pytest.raises(UnusableAnswerError, match=f"echo has 0 sentences of 1 to {words[1]} words"):
        _texts(_request(words, 1, persons))


def test_texts_that_were_given_do_not_come_again() -> None:
    request = _request((8, 20), 6)
    whole = _texts(replace(request, counts={"made-up": 12}))
    assert _texts(replace(request, given={"made-up": whole[:6]})) == whole[6:]
    assert _texts(replace(request, given={"made-up": (whole[1].upper(),)})) == (whole[0], *whole[2:7])
