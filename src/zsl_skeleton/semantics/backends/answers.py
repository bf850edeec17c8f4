"""Reading the JSON that a model wrote: what is unambiguous is understood, everything else is a problem to send back."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, create_model

from zsl_skeleton.semantics.backends.base import Message, Request
from zsl_skeleton.semantics.backends.find_json import JsonError, find_object, shorten
from zsl_skeleton.semantics.checks import answer_problems

Texts = dict[str, tuple[str, ...]]
"""Slot -> texts."""

_SHOWN_PROBLEMS = 5
_ECHOED_CHARACTERS = 12_000
_REPAIR = """\
That answer cannot be used:
{problems}

Answer the question again, in full and not only the parts in question: the whole JSON object with everything above \
mended, and nothing else."""
_ASCII = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u00ad\u2212", "-"),
        **dict.fromkeys("\u2013\u2014\u2015", " - "),
        "\u2026": "...",
    }
)
_NUMBER_RANGE = re.compile(r"(?<=\d)\s*[\u2013\u2014]\s*(?=\d)")


def read_answer(text: str, request: Request) -> tuple[Texts, list[str]]:
    """Texts by slot, and everything that is wrong with them, in words that their writer can act on.

    The texts are complete and sound if and only if there are no problems. Blanks are joined, and typographic quotes and
    dashes become their ASCII counterparts: a repair turn for an apostrophe would be wasted.
    """
    try:
        content = find_object(text)
        answer = _model(request).model_validate(content)
    except JsonError as error:
        return {}, [str(error)]
    except ValidationError as error:
        return {}, [_reason(dict(item)) for item in error.errors()]
    values = answer.model_dump()
    texts: Texts = {}
    for number, field in enumerate(request.fields):
        value = values[f"f{number}"]
        texts[field.slot] = tuple(map(plain, [value] if isinstance(value, str) else value))
    return texts, soundness(texts, request)


def soundness(texts: Mapping[str, Sequence[str]], request: Request) -> list[str]:
    """What is wrong with texts by slot; empty if every slot has what the request asks for."""
    problems = []
    for field in request.fields:
        found = answer_problems(texts.get(field.slot, ()), field, request)
        problems += [f"{field.key}: {problem}" for problem in found]
    return problems


def repair_messages(text: str, problems: Sequence[str]) -> tuple[Message, Message]:
    """The unusable answer, and the request to mend it that quotes what is wrong."""
    shown = [f"- {shorten(problem)}" for problem in problems[:_SHOWN_PROBLEMS]]
    if len(problems) > _SHOWN_PROBLEMS:
        shown.append(f"- and {len(problems) - _SHOWN_PROBLEMS} more of the kind")
    # Servers refuse an empty message; a runaway answer would fill the context.
    said = text.strip()[:_ECHOED_CHARACTERS] or "(empty)"
    return Message("assistant", said), Message("user", _REPAIR.format(problems="\n".join(shown)))


def plain(text: str) -> str:
    """A text with single blanks and ASCII quotes, dashes and hyphens; other characters stay as they are."""
    return " ".join(_NUMBER_RANGE.sub("-", text).translate(_ASCII).split())


def _model(request: Request) -> type[BaseModel]:
    return _answer_model(tuple((field.key, field.texts == 1, request.counts[field.slot]) for field in request.fields))


@functools.cache
def _answer_model(shape: tuple[tuple[str, bool, int], ...]) -> type[BaseModel]:
    """Counterpart of ``Request.schema``. Keys become aliases, because pydantic reserves some names."""
    fields: dict[str, Any] = {}
    for number, (key, single, count) in enumerate(shape):
        many = Annotated[list[StrictStr], Field(min_length=count, max_length=count)]
        fields[f"f{number}"] = (StrictStr if single else many, Field(alias=key))
    return create_model("AnswerModel", __config__=ConfigDict(extra="forbid"), **fields)


def _reason(error: dict[str, Any]) -> str:
    """A pydantic error in the words of the question."""
    key = shorten(".".join(str(part) for part in error["loc"]))
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f"the key {key!r} is missing"
    if kind == "extra_forbidden":
        return f"the key {key!r} was not asked for"
    if kind == "string_type":
        return f"{key}: should be one string"
    if kind == "list_type":
        return f"{key}: should be a list of strings"
    if kind in ("too_short", "too_long"):
        wanted = context.get("min_length", context.get("max_length"))
        return f"{key}: {context.get('actual_length')} texts instead of {wanted}"
    return f"{key}: {error['msg']}"
