"""How a server wants to be asked: what differs between OpenAI-compatible servers, learnt from what they refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from zsl_skeleton.semantics.backends.chat import Call

_HINT = "Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n"


class Rung(IntEnum):
    """How the form of the answer is asked for, from the strictest to the most modest way."""

    SCHEMA = 0
    OBJECT = 1
    PLAIN = 2


@dataclass
class Dialect:
    """What is known of one server and model.

    Args:
        rung: the strictest form that may still work.
        settled: whether it has worked.
        new_limit: whether the limit is called ``max_completion_tokens`` instead of ``max_tokens``.
        renamed: whether the other name was tried.
    """

    rung: Rung = Rung.SCHEMA
    settled: bool = False
    new_limit: bool = False
    renamed: bool = False

    def body(self, model: str, call: Call, sampling: Mapping[str, Any], rung: Rung) -> dict[str, Any]:
        """Arguments of a chat completion.

        Args:
            model: id of the model.
            call: what to ask.
            sampling: the parameters that were set, under the names of the options.
            rung: how to ask for the form.
        """
        messages = [{"role": message.role, "content": message.content} for message in call.messages]
        limit = "max_completion_tokens" if self.new_limit else "max_tokens"
        named = {(limit if key == "max_tokens" else key): value for key, value in sampling.items()}
        if rung is Rung.SCHEMA:
            form = {"name": "answer", "strict": True, "schema": wire_schema(call.schema)}
            named["response_format"] = {"type": "json_schema", "json_schema": form}
            return {"model": model, "messages": messages, **named}
        schema = json.dumps(call.schema, ensure_ascii=False)
        messages[-1]["content"] += f"\n\n{_HINT}{schema}"
        if rung is Rung.OBJECT:
            named["response_format"] = {"type": "json_object"}
        return {"model": model, "messages": messages, **named}

    def rename_limit(self, refused: bool) -> bool:
        """Take the other name for the limit, once; False: both names are refused.

        Args:
            refused: what ``new_limit`` was when the refused call was sent.
        """
        if self.new_limit != refused:  # a call beside it has found out already
            return True
        if self.renamed:
            return False
        self.new_limit, self.renamed = not refused, True
        return True


def wire_schema(schema: Any) -> Any:
    """The schema without ``minLength``, which strict servers refuse; empty texts are found by the checks anyway."""
    if isinstance(schema, dict):
        return {key: wire_schema(value) for key, value in schema.items() if key != "minLength"}
    return [wire_schema(value) for value in schema] if isinstance(schema, list) else schema


def follows(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a server that writes this can have held the model to the schema (or to JSON at all).

    A server may accept ``response_format`` and ignore it; then the schema must stand in the prompt. An object that is
    cut off proves nothing, so it passes.
    """
    body = text.strip()
    if not body.startswith("{"):
        return False
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return isinstance(found, dict) and found.keys() == schema["properties"].keys()
