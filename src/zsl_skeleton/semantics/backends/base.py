"""What a backend is asked and what it answers, the same for composed and for model-written texts."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.errors import QualityError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.semantics.prompts import AnswerField, Turn


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Request:
    """One call: the dialogue of a class so far, ending with the question to answer.

    Args:
        family: ``<family>@<version>``.
        turn: the turn of the family that asks.
        action: the class.
        messages: system prompt, earlier questions with their answers, this question.
        counts: slot -> how many texts this call asks for.
        given: slot -> texts that earlier calls of the same turn gave.
        sample: number of the call within its turn, from 0.
    """

    family: str
    turn: Turn
    action: ActionClass
    messages: tuple[Message, ...]
    counts: Mapping[str, int]
    given: Mapping[str, tuple[str, ...]]
    sample: int = 0

    @property
    def fields(self) -> tuple[AnswerField, ...]:
        """The slots to fill, as the card declares them."""
        return self.turn.answers

    @functools.cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the answer: one key per slot, a string or a list of exactly as many strings as asked for."""
        properties: dict[str, Any] = {}
        for field in self.fields:
            count = self.counts[field.slot]
            text: dict[str, Any] = {"type": "string", "minLength": 1}
            many = {"type": "array", "items": text, "minItems": count, "maxItems": count}
            properties[field.key] = text if field.texts == 1 else many
        required = [field.key for field in self.fields]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def hash(self, fingerprint: Mapping[str, Any]) -> str:
        """Hex SHA-256 of all that decides the answer: who is asked, the rendered messages, the schema, the sample."""
        chat = [[message.role, message.content] for message in self.messages]
        return sha256_text(canonical_json([dict(fingerprint), chat, self.schema, self.sample]))


@dataclass(frozen=True)
class Answer:
    """Texts per slot, in the order of the request."""

    texts: Mapping[str, tuple[str, ...]]


class UnusableAnswerError(QualityError):
    """This one request has no usable answer. It is recorded as failed; the others go on."""


@dataclass(frozen=True)
class Setting:
    """What a backend is opened with: the data set and the ``semantics`` folder."""

    dataset: Dataset
    semantics: Path


class Backend(Protocol):
    """Writes texts. Opened once for a data set, then asked by several dialogues at the same time."""

    name: str
    model: str | None
    concurrency: int

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Get ready.

        Raises:
            ZslError: something it needs is missing.
        """
        ...

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """JSON values that decide the answers (version, model, parameters); a part of the bank's recipe."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            UnusableAnswerError: this request has no usable answer.
            BackendError: nothing can be answered any more.
        """
        ...
