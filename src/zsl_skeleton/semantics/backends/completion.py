"""Reads the body of a chat completion, whatever a server makes of it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from zsl_skeleton.semantics.backends.chat import Reply
from zsl_skeleton.semantics.backends.faults import CallError


class _Part(BaseModel):
    text: str = ""


class _Text(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Text
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: Any = None
    error: Any = None


def read_completion(body: bytes, heard: bool) -> Reply:
    """What the model said.

    Args:
        body: of an answer with the status 200.
        heard: whether this server has given a proper answer before.

    Raises:
        CallError: there is no message in it.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        raise _unreadable(body, error, heard) from None
    if completion.error:
        raise CallError("the server reported an error instead of an answer", why=str(completion.error), retries=2)
    if not completion.choices:
        raise CallError("the server sent an answer without any choice in it", retries=2)
    message, finish = completion.choices[0].message, completion.choices[0].finish_reason
    content = message.content
    text = content if isinstance(content, str) else "".join(part.text for part in content or ())
    if message.refusal and not text:
        text, finish = message.refusal, "refusal"
    usage = completion.usage if isinstance(completion.usage, dict) else {}
    model = completion.model if isinstance(completion.model, str) else None
    return Reply(text, _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), finish, model)


def model_ids(body: bytes) -> list[str]:
    """Ids in the answer of ``/models``; empty if it is no such answer."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return []
    items = found.get("data") if isinstance(found, dict) else None
    ids = [item.get("id") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return sorted({name for name in ids if isinstance(name, str)})


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _unreadable(body: bytes, error: ValidationError, heard: bool) -> CallError:
    start = body[:200].decode("utf-8", "replace").strip()
    if start.startswith("<"):
        # Once an API has been heard, a page is that of a proxy in trouble; before, the address is that of a web site.
        return CallError(
            "the server answered with a web page instead of JSON",
            why=f"it begins: {start}",
            mend="check --base-url; it usually ends in /v1",
            retries=3 if heard else 0,
            everyone=not heard,
        )
    if error.errors()[0]["type"] == "json_invalid":
        what = "the server's JSON is broken or cut off" if start else "the server sent an empty answer"
        return CallError(what, why=str(error.errors()[0]["ctx"]["error"]), retries=3)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return CallError("the server's answer is not a chat completion", why=f"{where}: {first['msg']}", retries=2)
