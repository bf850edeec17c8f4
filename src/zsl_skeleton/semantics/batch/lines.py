"""The lines of the files that go to a Batch API and come back from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zsl_skeleton.semantics.backends import Message, Request
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.completion import read_completion
from zsl_skeleton.semantics.backends.dialect import Dialect, Rung
from zsl_skeleton.semantics.backends.faults import CallError, status_fault
from zsl_skeleton.semantics.batch.server import ENDPOINT

MOST_LINES = 50_000
"""Requests that one batch may have (OpenAI)."""

MOST_BYTES = 200_000_000
"""Bytes that one input file may have (OpenAI: 200 MB)."""


class _Response(BaseModel):
    status_code: int
    body: Any = None


class _Error(BaseModel):
    code: str | None = None
    message: str | None = None


class AnswerLine(BaseModel):
    """One line of an output or error file."""

    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def request_body(
    request: Request, messages: tuple[Message, ...], dialect: Dialect, fingerprint: Mapping[str, Any]
) -> dict[str, Any]:
    """What a live call would send: the same arguments in the same form."""
    call = Call(messages, request.schema, request.sample)
    return dialect.body(str(fingerprint["model"]), call, fingerprint["parameters"], dialect.rung)


def request_line(key: str, body: Mapping[str, Any]) -> bytes:
    """One line of an input file; the answer comes back under ``key``."""
    line = {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def split_lines(
    lines: Iterable[tuple[str, bytes]], most_lines: int | None = None, most_bytes: int | None = None
) -> list[dict[str, bytes]]:
    """Distribute lines (with their keys) to as few files as the API allows, in order."""
    most_lines, most_bytes = most_lines or MOST_LINES, most_bytes or MOST_BYTES
    files: list[dict[str, bytes]] = []
    size = 0
    for key, line in lines:
        if not files or len(files[-1]) == most_lines or size + len(line) > most_bytes:
            files.append({})
            size = 0
        files[-1][key] = line
        size += len(line)
    return files


def read_answer_lines(content: bytes) -> tuple[dict[str, AnswerLine], list[str]]:
    """Answers by key (the first of each), and what is wrong with the lines that are none."""
    found: dict[str, AnswerLine] = {}
    problems = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            answer = AnswerLine.model_validate_json(line)
        except ValidationError as error:
            problems.append(f"line {number} is not an answer: {error.errors()[0]['msg']}")
        else:
            found.setdefault(answer.custom_id, answer)
    return found, problems


def read_reply(line: AnswerLine, body: Mapping[str, Any]) -> Reply:
    """What the model said to ``body``.

    Raises:
        CallError: the request failed, or there is no message in the answer.
    """
    if line.response is None or line.error is not None:
        error = line.error or _Error()
        raise CallError(f"the server did not answer it: {error.message or error.code or 'no reason given'}")
    if line.response.status_code != 200:
        raise _status_fault(line.response, body)
    return read_completion(json.dumps(line.response.body).encode(), heard=True)


def _status_fault(response: _Response, body: Mapping[str, Any]) -> CallError:
    """What the same status means when a call is sent by itself."""
    import httpx2
    import openai

    said = response.body.get("error", response.body) if isinstance(response.body, dict) else response.body
    http = httpx2.Response(response.status_code, request=httpx2.Request("POST", ENDPOINT))
    return status_fault(openai.APIStatusError("", response=http, body=said), body, with_key=True)


def form_of(rung: int, new_limit: bool) -> Dialect:
    """How a batch asks: nothing is learnt while it is under way."""
    return Dialect(rung=Rung(rung), settled=True, new_limit=new_limit)
