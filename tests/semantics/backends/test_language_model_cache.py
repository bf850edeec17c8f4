"""What was answered is not asked again, and what was not is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.errors import BackendError
from zsl_skeleton.semantics.backends import Answer, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel, Recorded

from .asking import Memory, Scribe, gather, good, in_turn, request, sentence


def test_cache_answers_the_second_time_and_counts_the_same() -> None:
    memory = Memory()
    first = LanguageModel(Scribe("oops", good()), memory, Options())
    answer = gather(first, [request()])[0]
    second = LanguageModel(Scribe(AssertionError("asked again")), memory, Options())
    assert gather(second, [request()])[0] == answer
    one, two = first.accounts["motion@v1"], second.accounts["motion@v1"]
    assert (two.requests, two.cached, two.calls, two.repairs) == (1, 1, 0, 0)
    assert (two.prompt_tokens, two.completion_tokens) == (one.prompt_tokens, one.completion_tokens) == (20, 10)
    assert second.recall(request()) == answer and second.recall(request(index=1)) is None


def test_cached_value_is_what_the_contract_says() -> None:
    memory = Memory()
    gather(LanguageModel(Scribe("oops", good()), memory, Options()), [request()])
    (key, text), *rest = memory.items()
    assert rest == [] and key == request().hash({"name": "scribe", "model": "tiny", "parameters": {"seed": 0}})
    value = json.loads(text)
    assert value.pop("at").endswith("+00:00")
    assert value == {
        "answer": {"motion": [sentence(0)]},
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "calls": 2,
        "model": "tiny-1",
    }


@pytest.mark.parametrize("seed", [0, 1])
def test_other_parameters_are_another_answer(seed: int) -> None:
    memory = Memory()
    gather(LanguageModel(Scribe(good()), memory, Options()), [request()])
    scribe = Scribe(good(1), seed=seed)
    gather(LanguageModel(scribe, memory, Options()), [request()])
    assert len(scribe.calls) == seed


def test_failures_are_not_cached() -> None:
    memory = Memory()
    for line in ("nonsense", UnusableAnswerError("no"), BackendError("down")):
        gather(LanguageModel(Scribe(line), memory, Options()), [request()])
    assert not memory


def test_refresh_asks_again_and_overwrites() -> None:
    memory = Memory()
    gather(LanguageModel(Scribe(good(0)), memory, Options()), [request()])
    answer = gather(LanguageModel(Scribe(good(1)), memory, Options(refresh=True)), [request()])[0]
    assert answer.texts["motion"] == (sentence(1),)
    assert gather(LanguageModel(Scribe(good(2)), memory, Options()), [request()])[0] == answer


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "no JSON",
        lambda text: "[]",
        lambda text: text.replace("motion", "other"),
        lambda text: json.dumps(json.loads(text) | {"answer": {"motion": ["Too short."]}}),
    ],
)
def test_damaged_or_no_longer_sound_entry_is_asked_again(damage: Callable[[str], str]) -> None:
    memory = Memory()
    gather(LanguageModel(Scribe(good()), memory, Options()), [request()])
    for key, text in list(memory.items()):
        memory[key] = damage(text)
    scribe = Scribe(good(3))
    assert gather(LanguageModel(scribe, memory, Options()), [request()])[0].texts["motion"] == (sentence(3),)
    assert len(scribe.calls) == 1
    assert Recorded.model_validate_json(next(iter(memory.values()))).answer == {"motion": (sentence(3),)}


def test_answers_before_a_crash_are_in_the_cache_on_disk(tmp_path: Path) -> None:
    cache = open_text_cache(tmp_path / "responses", "response cache")
    scribe = Scribe(good(), good(), BackendError("down"))
    found = in_turn(LanguageModel(scribe, cache, Options()), [request(index=n) for n in range(4)])
    assert [type(item) for item in found] == [Answer, Answer, BackendError, BackendError]
    assert len(scribe.calls) == 3
    again = Scribe(good())
    cache = open_text_cache(tmp_path / "responses", "response cache")
    assert all(
        isinstance(item, Answer)
        for item in in_turn(LanguageModel(again, cache, Options()), [request(index=n) for n in range(4)])
    )
    assert len(again.calls) == 2
