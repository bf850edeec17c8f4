"""Requests to ask, sound answers to them, and ways to ask them of a scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from scripted_server import Scripted, ScriptedServer, Seen, completion
from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.backends import Message, Options, Request
from zsl_skeleton.semantics.backends.language_model import Call, Reply
from zsl_skeleton.semantics.backends.limits import Backoff
from zsl_skeleton.semantics.backends.openai_chat import OpenAIChat
from zsl_skeleton.semantics.prompts import AnswerField, Turn

_SIDES = ("right", "left")
_ARCS = ("short", "wide", "slow", "quick", "even")
ONE = Turn(
    name="motion",
    template="motion.j2",
    answers=(AnswerField(slot="motion", key="motion", texts=1, words=(6, 30)),),
)
MANY = Turn(
    name="coarse",
    template="coarse.j2",
    answers=(AnswerField(slot="spatial.coarse", key="descriptions", texts=4, words=(6, 30)),),
)
PARTS = Turn(
    name="parts",
    template="parts.j2",
    answers=(
        AnswerField(slot="parts.head", key="head", texts=1, words=(4, 30)),
        AnswerField(slot="parts.arms", key="model_arms", texts=2, words=(4, 30)),
    ),
)


def sentence(number: int) -> str:
    """A sound sentence, another one for every number below 10."""
    return f"The person swings the {_SIDES[number % 2]} arm in {_ARCS[number // 2]} arcs beside the head."


def request(turn: Turn = ONE, index: int = 0, family: str = "motion@v1") -> Request:
    """A request for the class number ``index``; its prompt ends with ``class <index>``."""
    action = ActionClass(index=index, code=f"A{index:03d}", name="knee bend")
    messages = (Message("system", "You describe movements."), Message("user", f"Describe class {index}"))
    counts = {field.slot: field.texts for field in turn.answers}
    return Request(family, turn, action, messages, counts, {field.slot: () for field in turn.answers})


def good(number: int = 0) -> str:
    """A sound answer to a request of the turn ``ONE``."""
    return json.dumps({"motion": sentence(number)})


def well(seen: Seen) -> Scripted:
    """The script of a server without faults."""
    return completion(good(seen.number % 10))


def chat(server: ScriptedServer | str, key: str | None = None, **options: Any) -> OpenAIChat:
    """A chat with the server that backs off for milliseconds only."""
    url = server if isinstance(server, str) else server.url
    quick = Backoff(first=0.002, patience=5.0)
    return OpenAIChat("tiny", Options(base_url=url, **options), key, quick)


def gather(model: Any, requests: Sequence[Request]) -> list[Any]:
    """Ask everything at the same time; answers and errors in order."""

    async def work() -> list[Any]:
        try:
            return await asyncio.gather(*(model.answer(item) for item in requests), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(work())


def in_turn(model: Any, requests: Sequence[Request]) -> list[Any]:
    """Ask one after the other; answers and errors in order."""

    async def caught(work: Callable[[Request], Awaitable[Any]], item: Request) -> Any:
        try:
            return await work(item)
        except Exception as error:
            return error

    async def work() -> list[Any]:
        try:
            return [await caught(model.answer, item) for item in requests]
        finally:
            await model.close()

    return asyncio.run(work())


class Scribe:
    """A chat model that says what it is told, in order; the last line again and again."""

    name, model, concurrency = "scribe", "tiny", 4

    def __init__(self, *lines: str | Reply | Exception, seed: int = 0) -> None:
        self.lines = list(lines)
        self.calls: list[Call] = []
        self.closed = False
        self.fingerprint: Mapping[str, Any] = {"name": "scribe", "model": "tiny", "parameters": {"seed": seed}}

    async def complete(self, call: Call) -> Reply:
        self.calls.append(call)
        await asyncio.sleep(0)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, Reply) else Reply(line, 10, 5, "stop", "tiny-1")

    async def close(self) -> None:
        self.closed = True


class Memory(dict[str, str]):
    """A cache in memory."""

    def get(self, key: str) -> str | None:  # type: ignore[override]
        return super().get(key)

    def set(self, key: str, text: str) -> None:
        self[key] = text

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        return iter(sorted(super().keys()))

    def delete(self, key: str) -> None:
        self.pop(key, None)

    def close(self) -> None:
        """Nothing is open."""
