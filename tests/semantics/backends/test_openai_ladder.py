"""How a server wants to be asked for the form of an answer: found out once, from the strictest way downwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripted_server import Scripted, ScriptedServer, completion, document, failure
from zsl_skeleton.semantics.backends import Answer, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel

from .asking import chat, gather, good, in_turn, request, well


def _model(server: ScriptedServer, **options: Any) -> LanguageModel:
    return LanguageModel(chat(server, **options), None, Options(repairs=1))


def _forms(server: ScriptedServer) -> list[str | None]:
    return [seen.form for seen in server.asked]


def _answered(found: list[Any]) -> bool:
    return all(isinstance(item, Answer) for item in found)


REFUSALS = {
    "openai": failure(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported"),
    "fastapi": document({"detail": [{"loc": ["body", "response_format"], "msg": "unexpected", "input": {}}]}, 422),
    "silent": Scripted(400),
    "not implemented": failure(501, "no grammar here"),
    "vague": failure(400, "Bad request"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_ladder_is_descended_once_for_server_and_model(server: ScriptedServer, name: str) -> None:
    server.script = lambda seen: REFUSALS[name] if seen.form == "json_schema" else well(seen)
    assert _answered(gather(_model(server), [request(index=n) for n in range(12)]))
    assert _forms(server) == ["json_schema"] + ["json_object"] * 12
    assert json.dumps(request().schema) in server.asked[1].prompt
    assert _answered(gather(_model(server), [request(index=20)]))
    assert _forms(server)[13:] == ["json_object"]


def test_plain_prompt_with_the_schema_is_the_last_rung(server: ScriptedServer) -> None:
    server.script = lambda seen: failure(400, "response_format: unknown field") if seen.form else well(seen)
    assert _answered(gather(_model(server), [request(index=n) for n in range(5)]))
    assert _forms(server) == ["json_schema", "json_object"] + [None] * 5
    assert json.dumps(request().schema) in server.asked[-1].prompt


def test_http_500_for_a_schema_is_a_refusal_only_when_it_comes_twice(server: ScriptedServer) -> None:
    server.script = lambda seen: failure(500, "grammar") if seen.form == "json_schema" else well(seen)
    assert _answered(gather(_model(server), [request(index=n) for n in range(3)]))
    assert _forms(server) == ["json_schema"] * 2 + ["json_object"] * 3


def test_http_500_once_is_not_a_refusal(server: ScriptedServer) -> None:
    server.script = lambda seen: failure(500, "hiccup") if seen.number == 0 else well(seen)
    assert _answered(gather(_model(server), [request(index=n) for n in range(3)]))
    assert _forms(server) == ["json_schema"] * 4


@pytest.mark.parametrize("text", ["Certainly! The arm goes up.", f"```json\n{good()}\n```", '{"motions": "x"}', "[]"])
def test_server_that_ignores_the_form_gets_the_schema_in_the_prompt(server: ScriptedServer, text: str) -> None:
    server.script = lambda seen: well(seen) if "JSON schema" in seen.prompt else completion(text)
    assert _answered(gather(_model(server), [request(index=n) for n in range(4)]))
    assert _forms(server) == ["json_schema"] + ["json_object"] * 4


def test_server_that_never_writes_json_is_not_asked_for_ever(server: ScriptedServer) -> None:
    server.script = lambda seen: completion("Certainly!")
    found = gather(_model(server), [request(index=n) for n in range(4)])
    assert all(isinstance(item, UnusableAnswerError) for item in found)
    # Two rungs once, then every request and its one repair turn in the last form.
    assert _forms(server) == ["json_schema", "json_object"] + [None] * 8


def test_tokens_of_answers_that_showed_the_form_to_be_ignored_are_counted(server: ScriptedServer) -> None:
    server.script = lambda seen: well(seen) if seen.form is None else completion("Certainly!")
    model = _model(server)
    gather(model, [request()])
    assert model.accounts["motion@v1"].prompt_tokens == 300


def test_one_bad_answer_later_does_not_change_the_form(server: ScriptedServer) -> None:
    server.script = lambda seen: completion("Hm.") if seen.number == 2 else well(seen)
    assert _answered(in_turn(_model(server), [request(index=n) for n in range(5)]))
    assert set(_forms(server)) == {"json_schema"}


def test_server_that_refuses_the_form_later_is_asked_more_modestly(server: ScriptedServer) -> None:
    refused = REFUSALS["openai"]
    server.script = lambda seen: refused if seen.number > 1 and seen.form == "json_schema" else well(seen)
    assert _answered(in_turn(_model(server), [request(index=n) for n in range(4)]))
    assert _forms(server) == ["json_schema"] * 3 + ["json_object"] * 2


def test_the_other_name_of_the_token_limit_is_found_once(server: ScriptedServer) -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    server.script = lambda seen: failure(400, message) if "max_tokens" in seen.body else well(seen)
    assert _answered(gather(_model(server, max_tokens=90), [request(index=n) for n in range(6)]))
    assert len(server.asked) == 7
    assert [seen.body.get("max_completion_tokens") for seen in server.asked] == [None] + [90] * 6
