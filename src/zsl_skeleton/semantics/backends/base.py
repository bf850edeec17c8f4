"""What a backend is asked and what it answers, the same for composed and for model-written texts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.errors import QualityError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.semantics.options import Options
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
        given: slot -> texts that must not come again: those that people kept or rejected, and those of earlier calls.
        sample: number of the call within its turn, from 0; every rejected text counts as one.
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
        """The slots to fill, as the card declares them; those that want no text are left out."""
        return tuple(answer for answer in self.turn.answers if self.counts.get(answer.slot))

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
    """What a backend is opened with.

    Args:
        dataset: the classes.
        semantics: folder of facts.
        options: what the user said.
        cache: folder of the response cache; None: nothing is remembered.
        asks: False where nobody will be asked (a dry run), so that no key and no model is needed.
    """

    dataset: Dataset
    semantics: Path
    options: Options = dataclasses.field(default_factory=Options)
    cache: Path | None = None
    asks: bool = True


@dataclass
class Account:
    """What the texts of one family took.

    ``requests`` answers were needed, ``cached`` of them came from the cache; ``calls`` were sent (repair turns
    included), ``repairs`` of them to mend an answer. Tokens and dollars are those of every answer that is in the bank,
    whenever it was asked for; ``cost`` is None while a price is unknown, ``prompt_tokens`` while the server does not
    count. ``seconds`` is the time spent waiting for answers, summed over concurrent calls.
    """

    requests: int = 0
    cached: int = 0
    calls: int = 0
    repairs: int = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    cost: float | None = None
    seconds: float = 0.0


class Writer(Protocol):
    """Answers requests of several dialogues at the same time."""

    concurrency: int

    async def answer(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            UnusableAnswerError: this request has no usable answer.
            BackendError: nothing can be answered any more.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; called once, in the event loop that asked."""
        ...


class Backend(Writer, Protocol):
    """A writer of texts that the user can choose by name. Opened once for a data set."""

    name: str
    model: str | None

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

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Family (``<family>@<version>``) -> what it took so far; empty where nothing is counted."""
        ...
