"""What a server can do wrong to a single request, over a real socket: what is said, and that the others go on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from scripted_server import Scripted, ScriptedServer, Seen, completion, document, failure
from zsl_skeleton.semantics.backends import Answer, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel

from .asking import MANY, chat, gather, good, in_turn, request, sentence, well

HTML = Scripted(body=b"<!DOCTYPE html><html><title>Gateway</title></html>", headers={"content-type": "text/html"})
WHOLE = completion(good())
CUT_CONTENT = good()[:-20]


def _model(server: ScriptedServer | str, key: str | None = None, **options: Any) -> LanguageModel:
    return LanguageModel(chat(server, key, **options), None, Options(repairs=1))


def _sick(seen: Seen) -> bool:
    return any(message["content"] == "Describe class 2" for message in seen.body["messages"])


def _asked_of_the_sick(server: ScriptedServer) -> int:
    return sum(_sick(seen) for seen in server.asked)


def _others_are_well(found: list[Any]) -> bool:
    return all(isinstance(item, Answer) for index, item in enumerate(found) if index != 2)


PASSING = {
    "reset": replace(WHOLE, then="reset", sent=0),
    "reset within the body": replace(WHOLE, then="reset", sent=30),
    "closed before the answer": replace(WHOLE, then="close", sent=0),
    "closed half-way": replace(WHOLE, then="close", sent=60),
    "chunks end early": replace(WHOLE, then="close", sent=60, chunked=True),
    "200 with cut JSON": replace(WHOLE, body=WHOLE.body[:-30]),
    "200 with nothing": replace(WHOLE, body=b""),
    "200 with bytes that are no text": replace(WHOLE, body=b'{"choices": "\xff\xfe"}'),
    "200 with a web page": HTML,
    "200 with an error": document({"error": {"message": "overloaded", "code": 503}}),
    "empty choices": completion(None, choices=[]),
    "choices of another kind": completion(None, choices=["hello"]),
    "no content": completion(None),
    "empty content": completion(""),
    "cut content": completion(CUT_CONTENT),
    "prose": completion("I would rather talk about something else."),
    "wrong key": completion(json.dumps({"movement": sentence(1)})),
    "list for a string": completion(json.dumps({"motion": [sentence(1)]})),
    "two different objects": completion(good(1) + "\n" + good(2)),
    "text that fails the checks": completion(json.dumps({"motion": "Too short."})),
    "409": failure(409, "locked"),
    "408": failure(408, "slow"),
    "429": failure(429, "slow down", "rate_limit_exceeded", retry_after="0.01"),
    "429 with a date": failure(429, "slow down", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    "500": failure(500, "oops"),
    "502 with a web page": replace(HTML, status=502),
    "503 without a word": Scripted(503),
    "529": failure(529, "overloaded"),
    "too slow": replace(WHOLE, delay=1.0),
    "hangs within the body": replace(WHOLE, sent=30, then="hang"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_costs_one_more_request(server: ScriptedServer, name: str) -> None:
    ill = True

    def script(seen: Seen) -> Scripted:
        nonlocal ill
        if _sick(seen) and ill:
            ill = False
            return PASSING[name]
        return well(seen)

    server.script = script
    model = _model(server, timeout=0.4)
    found = in_turn(model, [request(index=0), request(index=1)]) + gather(model, [request(index=n) for n in (2, 3, 4)])
    assert all(isinstance(item, Answer) for item in found), found
    assert _asked_of_the_sick(server) == 2
    assert len(server.asked) == 6


@dataclass(frozen=True)
class Lasting:
    """A fault that meets one request whenever it is sent, what is said of it, and how often it is sent."""

    scripted: Scripted
    says: str
    asked: int


LASTING = {
    "reset": Lasting(PASSING["reset"], "the server broke the connection off before the answer was whole", 4),
    "closed half-way": Lasting(PASSING["closed half-way"], "broke the connection off before the answer was whole", 4),
    "chunks end early": Lasting(PASSING["chunks end early"], "broke the connection off before the answer was whole", 4),
    "cut JSON": Lasting(PASSING["200 with cut JSON"], "the server's JSON is broken or cut off: EOF while parsing", 4),
    "nothing": Lasting(PASSING["200 with nothing"], "the server sent an empty answer", 4),
    "web page": Lasting(HTML, "the server answered with a web page instead of JSON: it begins: <!DOCTYPE html>", 4),
    "error in a 200": Lasting(PASSING["200 with an error"], "reported an error instead of an answer: .*overloaded", 3),
    "empty choices": Lasting(PASSING["empty choices"], "an answer without any choice in it", 3),
    "another kind": Lasting(PASSING["choices of another kind"], "not a chat completion: choices.0: ", 3),
    "another document": Lasting(document({"hello": 1}), "an answer without any choice in it", 3),
    "500": Lasting(failure(500, "oops"), r"the server failed \(HTTP 500\): oops", 6),
    "503": Lasting(failure(503, "loading"), r"the server failed \(HTTP 503\): loading", 6),
    "400": Lasting(failure(400, "bad words"), r"the server refused the request \(HTTP 400\): bad words", 1),
    "too slow": Lasting(replace(WHOLE, delay=2.0), r"no answer within 0.3 seconds.*--timeout", 2),
    "no content": Lasting(completion(None), "not usable after 1 repair turn: there is no answer", 2),
    "cut content": Lasting(completion(CUT_CONTENT), "the JSON is cut off before its end", 2),
    "prose": Lasting(PASSING["prose"], "there is no valid JSON object in it", 2),
    "wrong key": Lasting(PASSING["wrong key"], "the key 'movement' was not asked for|the key 'motion' is missing", 2),
    "list for a string": Lasting(PASSING["list for a string"], "motion: should be one string", 2),
    "two different objects": Lasting(PASSING["two different objects"], "2 different JSON objects", 2),
    "null": Lasting(completion("null"), "a JSON object was asked for, not null", 2),
    "length": Lasting(completion(CUT_CONTENT, "length"), r"cut off at the limit of tokens.*raise --max-tokens", 1),
    "filter": Lasting(completion(None, "content_filter"), "the server's content filter withheld the answer", 1),
    "refusal": Lasting(
        completion(
            None,
            choices=[{"finish_reason": "stop", "message": {"content": None, "refusal": "I can't help with that."}}],
        ),
        "the model refused: I can't help with that",
        1,
    ),
    "prompt too long": Lasting(
        failure(400, "This model's maximum context length is 4096 tokens.", "context_length_exceeded"),
        "the dialogue is too long for the model: This model's maximum context length.*longer context",
        1,
    ),
    "prompt too large": Lasting(Scripted(413), "the dialogue is too long for the model", 1),
    "prompt filtered": Lasting(
        failure(400, "The prompt triggered the policy.", "content_filter"), "content filter refused the prompt", 1
    ),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_of_one_request_is_recorded_and_the_others_go_on(server: ScriptedServer, name: str) -> None:
    case = LASTING[name]
    server.script = lambda seen: case.scripted if _sick(seen) else well(seen)
    model = _model(server, timeout=0.3)
    found = in_turn(model, [request(index=n) for n in range(4)])
    assert _others_are_well(found)
    error = found[2]
    assert isinstance(error, UnusableAnswerError) and error.exit_code == 5
    assert _asked_of_the_sick(server) == case.asked
    assert len(server.asked) == case.asked + 3
    said = f"{error.what} ({error.mend})"
    assert re.search(case.says, said), said


@pytest.mark.parametrize("usage", [None, {}, "many", {"prompt_tokens": "x", "completion_tokens": -1}, {"total": 3}])
def test_missing_usage_makes_tokens_and_cost_unknown(server: ScriptedServer, usage: Any) -> None:
    server.script = lambda seen: completion(good(), usage=usage)
    model = LanguageModel(chat(server), None, Options())
    assert isinstance(gather(model, [request()])[0], Answer)
    account = model.accounts["motion@v1"]
    assert (account.prompt_tokens, account.completion_tokens, account.cost) == (None, None, None)


def test_unknown_fields_in_usage_and_elsewhere_do_no_harm(server: ScriptedServer) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "x": {"y": [1]}, "prompt_tokens_details": None}
    server.script = lambda seen: completion(good(), usage=usage, service_tier={"a": 1}, created="today", id=7)
    model = LanguageModel(chat(server), None, Options())
    assert isinstance(gather(model, [request()])[0], Answer)
    assert model.accounts["motion@v1"].prompt_tokens == 7


def test_content_in_parts_is_joined(server: ScriptedServer) -> None:
    parts = [{"type": "text", "text": good()[:10]}, {"type": "text", "text": good()[10:]}]
    server.script = lambda seen: completion(None, choices=[{"message": {"content": parts}}])
    assert isinstance(gather(_model(server), [request()])[0], Answer)


def test_a_huge_list_of_wrong_texts_is_quoted_in_short(server: ScriptedServer) -> None:
    server.script = lambda seen: completion(json.dumps({"descriptions": ["wrong " * 500] * 4}))
    found = gather(_model(server), [request(MANY)])
    assert isinstance(found[0], UnusableAnswerError) and len(str(found[0])) < 1200
    assert len(server.asked[1].prompt) < 2500
