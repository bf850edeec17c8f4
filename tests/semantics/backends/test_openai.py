"""The OpenAI-compatible backend over real sockets: what is sent, waiting, keys and addresses."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scripted_server import Scripted, ScriptedServer, Seen, failure
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import BackendError, UsageError
from zsl_skeleton.semantics.backends import Answer, Options, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.backends.limits import Backoff
from zsl_skeleton.semantics.backends.openai import OpenAIBackend
from zsl_skeleton.semantics.backends.openai_chat import OpenAIChat

from .asking import MANY, chat, gather, in_turn, request, well

KEY = "sk-test-0123456789"


def _model(server: ScriptedServer | str, key: str | None = None, **options: Any) -> LanguageModel:
    return LanguageModel(chat(server, key, **options), None, Options(repairs=1))


def _forms(server: ScriptedServer) -> list[str | None]:
    return [seen.form for seen in server.asked]


def _answered(found: list[Any]) -> bool:
    return all(isinstance(item, Answer) for item in found)


def test_only_parameters_that_were_set_are_sent(server: ScriptedServer) -> None:
    gather(_model(server), [request()])
    assert set(server.asked[0].body) == {"model", "messages", "response_format"}
    chosen = {"temperature": 0.0, "top_p": 0.9, "max_tokens": 70, "seed": 3}
    model = _model(server, **chosen)
    gather(model, [request()])
    assert {name: server.asked[1].body[name] for name in chosen} == chosen
    assert model.fingerprint == {"name": "openai", "model": "tiny", "parameters": chosen}


def test_fingerprint_knows_neither_address_nor_key_nor_pace() -> None:
    first = chat("http://a:1/v1", "k1", timeout=1, max_concurrency=2, requests_per_minute=5, temperature=0.5)
    second = chat("http://b:2/v1", "k2", temperature=0.5)
    assert first.fingerprint == second.fingerprint


def test_schema_is_sent_without_what_strict_servers_refuse(server: ScriptedServer) -> None:
    gather(_model(server), [request(MANY)])
    form = server.asked[0].body["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["properties"]["descriptions"] == {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 4,
        "maxItems": 4,
    }


def test_retry_after_is_honoured_by_all_calls(server: ScriptedServer) -> None:
    moments: dict[int, float] = {}

    def script(seen: Seen) -> Scripted:
        moments[seen.number] = time.monotonic()
        return failure(429, "slow down", retry_after="0.4") if seen.number == 1 else well(seen)

    server.script = script
    model = _model(server)

    async def work() -> None:
        await model.answer(request(index=0))
        refused = asyncio.create_task(model.answer(request(index=1)))
        await asyncio.sleep(0.1)
        await asyncio.gather(refused, model.answer(request(index=2)))
        await model.close()

    asyncio.run(work())
    assert len(moments) == 4
    assert min(moments[2], moments[3]) - moments[1] >= 0.4


def test_busy_server_is_waited_for_as_long_as_it_answers_others(server: ScriptedServer) -> None:
    """A server that takes one call in 20 ms: by the bound on repetitions alone, most would give up."""
    free = 0.0

    def script(seen: Seen) -> Scripted:
        nonlocal free
        if time.monotonic() < free:
            return failure(429, "slow down")
        free = time.monotonic() + 0.02
        return well(seen)

    server.script = script
    assert _answered(gather(_model(server), [request(index=n) for n in range(24)]))


def test_backoff_grows_with_every_attempt(server: ScriptedServer) -> None:
    moments: list[float] = []

    def script(seen: Seen) -> Scripted:
        moments.append(time.monotonic())
        return failure(503) if seen.number < 3 else well(seen)

    server.script = script
    slow = OpenAIChat("tiny", Options(base_url=server.url), None, Backoff(first=0.08, random=lambda: 1.0))
    assert _answered(gather(LanguageModel(slow, None, Options()), [request()]))
    waits = [after - before for before, after in itertools.pairwise(moments)]
    assert waits[0] >= 0.08 and waits[1] >= 0.16 and waits[2] >= 0.32


def test_requests_per_minute_are_kept(server: ScriptedServer) -> None:
    moments: list[float] = []

    def script(seen: Seen) -> Scripted:
        moments.append(time.monotonic())
        return well(seen)

    server.script = script
    assert _answered(gather(_model(server, requests_per_minute=1200), [request(index=n) for n in range(8)]))
    # The first one is late: the client gets ready.
    assert moments[-1] - moments[1] >= 6 * 0.05 - 0.01


def test_one_backend_serves_several_event_loops(server: ScriptedServer) -> None:
    model = _model(server)
    for number in range(3):
        assert _answered(gather(model, [request(index=number), request(index=number + 10)]))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_key_is_sent_and_never_shown(server: ScriptedServer, status: int) -> None:
    server.script = lambda seen: failure(status, f"you sent {seen.headers['authorization']}", retry_after="900")
    errors = in_turn(_model(server, KEY), [request(index=n) for n in range(3)])
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert all(isinstance(error, BackendError | UnusableAnswerError) for error in errors)
    assert not any(KEY in str(error) or KEY in repr(error) for error in errors)
    assert not any(error.__cause__ or (error.__context__ and not error.__suppress_context__) for error in errors)


@pytest.mark.parametrize("key", ["sk-1 23", "sk-\u2026", "sk-1\nX-Evil: 1"])
def test_key_that_cannot_be_one_is_refused_unseen(key: str) -> None:
    with pytest.raises(BackendError, match="cannot be a key") as caught:
        chat("http://127.0.0.1:1/v1", key)
    assert key not in str(caught.value) and caught.value.__cause__ is None


def test_password_in_the_address_is_not_shown(server: ScriptedServer) -> None:
    server.script = lambda seen: failure(404)
    address = server.url.replace("//", "//me:hunter2@")
    found = gather(_model(address), [request()])
    assert isinstance(found[0], BackendError) and "127.0.0.1" in str(found[0]) and "hunter2" not in str(found[0])


def _setting(pair: Dataset, semantics: Path, **options: Any) -> Setting:
    return Setting(pair, semantics, Options(**options))


def test_hosted_service_needs_a_key(server: ScriptedServer, pair: Dataset, semantics: Path) -> None:
    with pytest.raises(BackendError, match="OPENAI_API_KEY is not set") as caught:
        OpenAIBackend.open(_setting(pair, semantics, model="gpt-4o-mini"))
    assert "--base-url" in caught.value.mend


def test_model_must_be_named(server: ScriptedServer, pair: Dataset, semantics: Path) -> None:
    with pytest.raises(UsageError, match="name of a model") as caught:
        OpenAIBackend.open(_setting(pair, semantics, base_url=server.url))
    assert "--model" in caught.value.mend


def test_address_and_key_come_from_the_environment(
    server: ScriptedServer, pair: Dataset, semantics: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    setting = Setting(pair, semantics, Options(model="tiny"), tmp_path / "responses")
    for _ in range(2):
        assert _answered(gather(OpenAIBackend.open(setting), [request()]))
    assert len(server.asked) == 1  # the second one came from the cache
    assert server.asked[0].path == "/v1/chat/completions"
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    stored = b"".join(path.read_bytes() for path in (tmp_path / "responses").iterdir())
    assert KEY.encode() not in stored


def test_option_goes_before_the_environment(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert _answered(gather(_model(server), [request()]))


def test_cancelled_call_leaves_the_others_alone(server: ScriptedServer) -> None:
    """A user who drops one dialogue (or Ctrl-C) does not break the client for those that go on."""
    server.script = lambda seen: Scripted(delay=5) if seen.prompt == "Describe class 1" else well(seen)
    model = _model(server)

    async def work() -> Any:
        await model.answer(request(index=0))
        slow = asyncio.create_task(model.answer(request(index=1)))
        await asyncio.sleep(0.1)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        answer = await model.answer(request(index=2))
        await model.close()
        return answer

    assert isinstance(asyncio.run(work()), Answer)


def test_importing_the_backend_does_not_import_the_client() -> None:
    code = (
        "import sys, zsl_skeleton.semantics.backends.openai;"
        "print([name for name in ('openai', 'torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
