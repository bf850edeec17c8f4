"""What a chat model is: messages in, one message out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from zsl_skeleton.semantics.backends.base import Message


@dataclass(frozen=True)
class Call:
    """What a chat model is sent.

    Args:
        messages: the whole chat, ending with a user message.
        schema: JSON schema of the answer.
        sample: number of the call within its turn, from 0.
        tokens: how many tokens prompt and answer will take, roughly; what rate limits count before the answer is here.
    """

    messages: tuple[Message, ...]
    schema: dict[str, Any]
    sample: int
    tokens: int = 0


@dataclass(frozen=True)
class Reply:
    """What a chat model says.

    Args:
        text: the message; empty if there was none.
        prompt_tokens, completion_tokens: None where nobody counted.
        finish: why it ended: ``"stop"``, ``"length"``, ``"content_filter"``, ``"refusal"`` (the text is the refusal).
        model: the model that answered, where the server says so.
    """

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    finish: str | None = None
    model: str | None = None


class Chat(Protocol):
    """A chat model: messages in, one message out.

    ``fingerprint`` is ``{"name", "model", "parameters"}``, everything that decides the answer and nothing else.
    """

    @property
    def name(self) -> str:
        """Name of the backend."""
        ...

    @property
    def model(self) -> str:
        """Id of the model."""
        ...

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at a time."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Name, model and the sampling parameters that were set."""
        ...

    async def complete(self, call: Call) -> Reply:
        """Send one call.

        Raises:
            UnusableAnswerError: this call cannot be answered.
            BackendError: no call can be answered.
        """
        ...

    async def close(self) -> None:
        """Let go of connections or memory."""
        ...


def add_tokens(replies: Iterable[Reply]) -> tuple[int | None, int | None]:
    """Prompt and completion tokens of several replies; None where one of them is unknown: the sum would be wrong."""
    prompts, completions = [], []
    for reply in replies:
        prompts.append(reply.prompt_tokens)
        completions.append(reply.completion_tokens)
    return add_known(prompts), add_known(completions)


def add_known(numbers: Iterable[int | None]) -> int | None:
    """The sum; None as soon as one number is unknown."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total
