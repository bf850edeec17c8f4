"""A chat model becomes a backend: checks, repair turns, account, money."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zsl_skeleton.errors import BackendError
from zsl_skeleton.semantics.backends import Answer, Message, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel, Reply

from .asking import MANY, ONE, PARTS, Memory, Scribe, gather, good, in_turn, request, sentence


def _prices(folder: Path, prompt: float = 1.0, completion: float = 2.0) -> Path:
    path = folder / "prices.yaml"
    path.write_text(f"dated: 2025-01-31\nmodels:\n  tiny: {{prompt: {prompt}, completion: {completion}}}\n")
    return path


MANY_GOOD = json.dumps({"descriptions": [sentence(n) for n in range(4)]})
PARTS_GOOD = json.dumps({"head": "The head stays upright.", "model_arms": [sentence(0), sentence(1)]})


@pytest.mark.parametrize(("turn", "text"), [(ONE, good()), (MANY, MANY_GOOD), (PARTS, PARTS_GOOD)])
def test_sound_answers_of_every_shape(turn: Any, text: str) -> None:
    model = LanguageModel(Scribe(text), None, Options())
    item = request(turn)
    answer = gather(model, [item])[0]
    assert {slot: len(texts) for slot, texts in answer.texts.items()} == dict(item.counts)
    assert model._chat.closed  # type: ignore[attr-defined]


def test_call_holds_the_dialogue_the_schema_and_an_estimate() -> None:
    scribe = Scribe(good())
    gather(LanguageModel(scribe, None, Options()), [request()])
    call = scribe.calls[0]
    assert call.messages == request().messages and call.schema == request().schema
    assert 40 < call.tokens < 100


def test_repair_turn_quotes_what_was_wrong() -> None:
    scribe = Scribe(json.dumps({"motion": "Arm up."}), good())
    model = LanguageModel(scribe, None, Options())
    assert isinstance(gather(model, [request()])[0], Answer)
    *dialogue, said, repair = scribe.calls[1].messages
    assert tuple(dialogue) == request().messages
    assert said == Message("assistant", '{"motion": "Arm up."}')
    assert repair.role == "user" and "2 words instead of 6 to 30: 'Arm up.'" in repair.content
    account = model.accounts["motion@v1"]
    assert (account.requests, account.calls, account.repairs, account.prompt_tokens) == (1, 2, 1, 20)


def test_only_the_last_wrong_answer_is_sent_back_and_only_so_often() -> None:
    scribe = Scribe("first", "second", "third", good())
    found = gather(LanguageModel(scribe, None, Options(repairs=2)), [request()])
    assert isinstance(found[0], UnusableAnswerError)
    assert "after 2 repair turns: there is no valid JSON object" in found[0].what
    assert [call.messages[-2].content for call in scribe.calls[1:]] == ["first", "second"]
    assert {len(call.messages) for call in scribe.calls[1:]} == {len(request().messages) + 2}


def test_no_repairs_when_none_are_wanted() -> None:
    scribe = Scribe("nonsense", good())
    found = gather(LanguageModel(scribe, None, Options(repairs=0)), [request()])
    assert isinstance(found[0], UnusableAnswerError) and len(scribe.calls) == 1


def test_repair_turn_is_short_however_much_is_wrong() -> None:
    scribe = Scribe(json.dumps({"descriptions": [f"Text number {n} {'x' * 3000}" for n in range(4)]}), MANY_GOOD)
    assert isinstance(gather(LanguageModel(scribe, None, Options()), [request(MANY)])[0], Answer)
    said, repair = scribe.calls[1].messages[-2:]
    assert len(repair.content) < 1500 and len(said.content) <= 12_000


def test_empty_answer_is_not_sent_back_as_an_empty_message() -> None:
    scribe = Scribe("", good())
    assert isinstance(gather(LanguageModel(scribe, None, Options()), [request()])[0], Answer)
    assert scribe.calls[1].messages[-2].content


@pytest.mark.parametrize(
    ("reply", "what", "mend"),
    [
        (Reply('{"motion": "The', 1, 1, "length"), "cut off at the limit of tokens", "raise --max-tokens"),
        (Reply("", 1, 1, "content_filter"), "content filter", "another model"),
        (Reply("I must not.", 1, 1, "refusal"), "the model refused: I must not.", "another model"),
    ],
)
def test_endings_that_no_repair_mends(reply: Reply, what: str, mend: str) -> None:
    scribe = Scribe(reply)
    found = gather(LanguageModel(scribe, None, Options(repairs=3)), [request()])
    assert isinstance(found[0], UnusableAnswerError) and what in found[0].what and mend in found[0].mend
    assert len(scribe.calls) == 1


def test_whole_answer_at_the_limit_of_tokens_is_taken() -> None:
    assert isinstance(
        gather(LanguageModel(Scribe(Reply(good(), 1, 1, "length")), None, Options()), [request()])[0], Answer
    )


def test_accounts_are_kept_by_family(tmp_path: Path) -> None:
    model = LanguageModel(Scribe(good()), None, Options(prices=_prices(tmp_path)))
    gather(model, [request(), request(index=1), request(family="spatial@v2")])
    assert {family: account.requests for family, account in model.accounts.items()} == {"motion@v1": 2, "spatial@v2": 1}
    assert model.accounts["motion@v1"].cost == pytest.approx(2 * (10 * 1 + 5 * 2) / 1e6)


def test_cost_of_cached_answers_counts_too(tmp_path: Path) -> None:
    memory, options = Memory(), Options(prices=_prices(tmp_path), max_cost=1.0)
    costs = []
    for line in (good(), AssertionError("asked again")):
        model = LanguageModel(Scribe(line), memory, options)
        gather(model, [request()])
        costs.append(model.accounts["motion@v1"].cost)
    assert costs[0] == costs[1] and costs[0]


def test_max_cost_is_never_passed(tmp_path: Path) -> None:
    """Every call takes 10 + 5 tokens, more than 1 dollar each; the estimates are far above that."""
    scribe = Scribe(good())
    model = LanguageModel(
        scribe, None, Options(prices=_prices(tmp_path, 40_000, 120_000), max_cost=20.0, max_tokens=20)
    )
    found = in_turn(model, [request(index=n) for n in range(30)])
    answered = [item for item in found if isinstance(item, Answer)]
    assert 8 <= len(answered) == len(scribe.calls) < 20
    assert len(answered) * (10 * 0.04 + 5 * 0.12) <= 20
    errors = found[len(answered) :]
    assert all(isinstance(item, BackendError) for item in errors)
    assert "--max-cost 20" in errors[0].what and f"${len(answered):.4f} were spent" in errors[0].why


def test_max_cost_holds_for_calls_at_the_same_time(tmp_path: Path) -> None:
    scribe = Scribe(good())
    model = LanguageModel(
        scribe, None, Options(prices=_prices(tmp_path, 40_000, 120_000), max_cost=20.0, max_tokens=20)
    )
    found = gather(model, [request(index=n) for n in range(30)])
    answered = [item for item in found if isinstance(item, Answer)]
    assert 1 <= len(answered) == len(scribe.calls) <= 6
    assert "are set aside for calls under way" in found[-1].why


def test_max_cost_without_a_price_sends_nothing() -> None:
    scribe = Scribe(good())
    found = gather(LanguageModel(scribe, None, Options(max_cost=5.0)), [request()])
    assert isinstance(found[0], BackendError) and "price of the model 'tiny' is unknown" in found[0].what
    assert scribe.calls == []


def test_backend_error_is_repeated_without_asking() -> None:
    scribe = Scribe(BackendError("down", why="because", mend="mend it"))
    model = LanguageModel(scribe, None, Options())
    found = in_turn(model, [request(index=n) for n in range(5)])
    assert len(scribe.calls) == 1
    assert {(item.what, item.why, item.mend) for item in found} == {("down", "because", "mend it")}
    assert len({id(item) for item in found}) == 5
