"""Finds the one JSON object in what a model wrote."""

from __future__ import annotations

import json
import re
from typing import Any

_STARTS = 50
_SHOWN_CHARACTERS = 200
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)


class JsonError(ValueError):
    """There is no JSON object that is certain to be meant; the text says why."""


def shorten(text: str) -> str:
    """One line of at most about 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + " [...]"


def find_object(text: str) -> dict[str, Any]:
    """The one JSON object in a text: alone, in a code fence, or between other words; thoughts before it are skipped.

    Raises:
        JsonError: there is none, it is cut or broken, or there are several different ones.
    """
    body = _THOUGHT.sub("", text).strip()
    if not body:
        raise JsonError("there is no answer")
    found, whole = _decode(body)
    if whole:
        if isinstance(found, dict):
            return found
        raise JsonError(f"a JSON object was asked for, not {_KINDS[type(found)]}")
    fenced = [block for block in _FENCE.findall(body) if block.strip()]
    objects = [item for item, good in map(_decode, fenced) if good and isinstance(item, dict)] or _objects(body)
    if not objects:
        cut = "{" in body and not body.endswith(("}", "`"))
        raise JsonError("the JSON is cut off before its end" if cut else "there is no valid JSON object in it")
    if any(item != objects[0] for item in objects):
        raise JsonError(f"there are {len(objects)} different JSON objects in it instead of one")
    return objects[0]


_KINDS: dict[type, str] = {
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twice is not None:
        raise JsonError(f"the key {shorten(twice)!r} is there twice")
    return dict(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)


def _decode(text: str) -> tuple[Any, bool]:
    """The JSON value that the text is, and whether it is one."""
    try:
        return _DECODER.decode(text.strip()), True
    except JsonError:
        raise
    except (ValueError, RecursionError):
        return None, False


def _objects(text: str) -> list[dict[str, Any]]:
    """JSON objects between other words, from left to right."""
    found: list[dict[str, Any]] = []
    start = text.find("{")
    for _ in range(_STARTS):  # a runaway answer may hold any number of brackets
        if start < 0:
            break
        try:
            item, end = _DECODER.raw_decode(text, start)
            found.append(item)
        except JsonError:
            raise
        except (ValueError, RecursionError):
            end = start + 1
        start = text.find("{", end)
    return found
