"""What hits every request of a server: told once, promptly, with the way to mend it, and nothing answered is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from scripted_server import Scripted, ScriptedServer, Seen, completion, document, failure
from zsl_skeleton.errors import BackendError, UsageError
from zsl_skeleton.semantics.backends import Answer, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel

from .asking import chat, gather, good, in_turn, request, well

HTML = Scripted(body=b"<!DOCTYPE html><html><title>Gateway</title></html>", headers={"content-type": "text/html"})
WHOLE = completion(good())


def _model(server: ScriptedServer | str, key: str | None = None, **options: Any) -> LanguageModel:
    return LanguageModel(chat(server, key, **options), None, Options(repairs=1))


@dataclass(frozen=True)
class Hopeless:
    """A fault that meets every request: what is said, how often the server is asked before, with which options."""

    scripted: Scripted | Callable[[Seen], Scripted]
    what: str
    why: str
    mend: str
    asked: int
    key: str | None = None
    options: dict[str, Any] | None = None


def _models(*ids: str) -> Callable[[Seen], Scripted]:
    listed = document({"object": "list", "data": [{"id": name, "object": "model"} for name in ids]})
    return lambda seen: listed if seen.path.endswith("/models") else failure(404, "The model does not exist")


HOPELESS = {
    "401": Hopeless(
        failure(401, "Incorrect key sk-1..."), "refuses the key in OPENAI_API_KEY", "", "export", 1, "sk-1"
    ),
    "401 without a key": Hopeless(failure(401), "asks for a key, but OPENAI_API_KEY is not set", "", "export", 1),
    "403": Hopeless(failure(403, "no access"), "may not be used for this", "no access", "--model", 1, "sk-1"),
    "402": Hopeless(failure(402, "Insufficient Balance"), "account at the server is used up", "Balance", "top up", 1),
    "quota": Hopeless(
        failure(429, "You exceeded your current quota", "insufficient_quota", retry_after="1"),
        "the account at the server is used up",
        "exceeded your current quota",
        "top up the account",
        1,
    ),
    "unknown model": Hopeless(_models("tiny-2", "huge"), "has no model 'tiny'", "it has: huge, tiny-2", "tiny-2", 1),
    "404 for everything": Hopeless(failure(404, "nothing here"), "HTTP 404", "nothing here", "usually ends in /v1", 1),
    "405": Hopeless(Scripted(405), "HTTP 405", "", "--base-url", 1),
    "web site": Hopeless(HTML, "a web page instead of JSON", "it begins: <!DOCTYPE", "usually ends in /v1", 1),
    "rate limit": Hopeless(failure(429, "slow down"), "rate limit", "slow down", "--requests-per-minute", 6),
    "a day's limit": Hopeless(
        failure(429, "come back", retry_after="7200"), "rate limit", "wait for 7200 seconds; come back", "", 1
    ),
    "temperature": Hopeless(
        failure(400, "Unsupported value: 'temperature' does not support 0.3 with this model."),
        "does not take temperature=0.3",
        "Unsupported value",
        "leave out --temperature",
        1,
        options={"temperature": 0.3},
    ),
    "seed": Hopeless(
        document({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 7}]}, 422),
        "does not take seed=7",
        "body.seed: Extra inputs are not permitted",
        "leave out --seed",
        1,
        options={"seed": 7},
    ),
    "top_p": Hopeless(
        failure(400, "top_p is not supported"),
        "does not take top_p=0.5",
        "top_p",
        "leave out --top-p",
        1,
        options={"top_p": 0.5},
    ),
    "max tokens by both names": Hopeless(
        lambda seen: failure(
            400, f"Unknown parameter: {'max_tokens' if 'max_tokens' in seen.body else 'max_completion_tokens'}"
        ),
        "refused the request",
        "Unknown parameter: max_completion_tokens",
        "leave out --max-tokens",
        2,
        options={"max_tokens": 50},
    ),
    "max tokens too large": Hopeless(
        failure(400, "max_tokens is too large: 5000000"),
        "refused the request",
        "too large",
        "another --max-tokens",
        1,
        options={"max_tokens": 5_000_000},
    ),
    "hangs": Hopeless(replace(WHOLE, sent=0, then="hang"), "no answer within 0.3 seconds", "", "--timeout", 2),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_a_fault_of_the_server_is_told_once_and_promptly(server: ScriptedServer, name: str) -> None:
    case = HOPELESS[name]
    server.script = case.scripted if callable(case.scripted) else lambda seen: case.scripted  # type: ignore[assignment]
    model = _model(server, case.key, timeout=0.3, **case.options or {})
    found = gather(model, [request(index=n) for n in range(8)])
    assert {str(item) for item in found} == {str(found[0])}
    error = found[0]
    assert isinstance(error, BackendError) and error.exit_code == 4
    assert case.what in error.what and case.why in error.why and case.mend in error.mend, str(error)
    assert len(server.asked) == case.asked
    # Nothing more is sent, whoever asks.
    assert isinstance(gather(model, [request(index=9)])[0], BackendError)
    assert len(server.asked) == case.asked


REPEATED = {
    "500": (failure(500, "oops"), 6),
    "reset": (replace(WHOLE, then="reset", sent=0), 4),
    "cut JSON": (replace(WHOLE, body=WHOLE.body[:-30]), 4),
    "empty choices": (completion(None, choices=[]), 3),
}


@pytest.mark.parametrize("name", REPEATED)
def test_what_could_be_one_request_is_the_servers_fault_when_it_meets_every_request(
    server: ScriptedServer, name: str
) -> None:
    server.script = lambda seen: well(seen) if seen.number < 2 else REPEATED[name][0]
    model = _model(server)
    found = in_turn(model, [request(index=n) for n in range(8)])
    assert all(isinstance(item, Answer) for item in found[:2])
    assert all(isinstance(item, UnusableAnswerError) for item in found[2:4])
    assert all(isinstance(item, BackendError) for item in found[4:])
    assert "for 3 requests in a row" in str(found[4]) and "run the same command" in found[4].mend
    assert len(server.asked) == 2 + 3 * REPEATED[name][1]


def test_key_refused_half_way_keeps_what_was_answered(server: ScriptedServer) -> None:
    server.script = lambda seen: well(seen) if seen.number < 3 else failure(401)
    found = in_turn(_model(server, "sk-1"), [request(index=n) for n in range(6)])
    assert [type(item) for item in found] == [Answer] * 3 + [BackendError] * 3
    assert len(server.asked) == 4


def test_waiting_calls_do_not_wait_once_it_is_hopeless(server: ScriptedServer) -> None:
    """One call sleeps through a retry-after of 5 s; another one learns that the key is refused."""

    def script(seen: Seen) -> Scripted:
        if seen.number == 0:
            return well(seen)
        return (
            failure(429, "later", retry_after="4.9") if seen.prompt.endswith("2") else replace(failure(401), delay=0.2)
        )

    server.script = script
    model = _model(server, "sk-1")
    in_turn(model, [request(index=0)])
    found = gather(model, [request(index=2), request(index=3)])
    assert all(isinstance(item, BackendError) and "refuses the key" in item.what for item in found)
    assert model.accounts["motion@v1"].seconds < 3


def test_no_server(server: ScriptedServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        found = gather(_model(url), [request(index=n) for n in range(4)])
    assert {str(item) for item in found} == {str(found[0])}
    assert isinstance(found[0], BackendError)
    assert found[0].what == f"no server at {url}" and f"curl {url}/models" in found[0].mend


def test_server_that_restarts_is_waited_for(server: ScriptedServer) -> None:
    with ScriptedServer(well) as first:
        model = _model(first)
        assert isinstance(in_turn(model, [request(index=0)])[0], Answer)
    second = ScriptedServer(well, first.port)
    later = threading.Timer(0.02, second.__enter__)
    later.start()
    try:
        assert isinstance(in_turn(model, [request(index=1)])[0], Answer)
    finally:
        later.join()
        second.__exit__()
    assert isinstance(in_turn(model, [request(index=2)])[0], BackendError)


def test_unknown_host(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = gather(_model("http://no-such-host.invalid/v1"), [request()])
    assert isinstance(found[0], BackendError)
    assert found[0].what == "the address http://no-such-host.invalid/v1 is not known"
    assert "Name or service not known" in found[0].why and "--base-url" in found[0].mend


def test_https_where_only_http_is_spoken(server: ScriptedServer) -> None:
    found = gather(_model(server.url.replace("http:", "https:")), [request()])
    assert isinstance(found[0], BackendError)
    assert "no secure connection" in found[0].what and "http://" in found[0].mend


def test_address_that_is_none(server: ScriptedServer) -> None:
    for address in ("localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1"):
        with pytest.raises(UsageError, match="not the address of a server"):
            chat(address)
