"""A chat model behind an OpenAI-compatible server: asked the way the server takes it, again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zsl_skeleton.errors import BackendError
from zsl_skeleton.semantics.backends.base import UnusableAnswerError
from zsl_skeleton.semantics.backends.chat import Call, Reply, add_tokens
from zsl_skeleton.semantics.backends.connection import HOSTED, Connection, server_address
from zsl_skeleton.semantics.backends.dialect import Dialect, Rung, follows
from zsl_skeleton.semantics.backends.faults import (
    CallError,
    FormatRefusedError,
    LimitNameError,
    UnknownModelError,
    missing_model_fault,
)
from zsl_skeleton.semantics.backends.limits import Backoff, RateLimit
from zsl_skeleton.semantics.options import Options

_STRIKES = 3
# Seconds. Calls that leave in step are answered in step, and then each waits while all the others are read.
_SPACING = 0.001
_AGAIN = "run the same command again later; what was answered is not asked again"

_DIALECTS: dict[tuple[str, str], Dialect] = {}
"""By address and model: what one backend learnt, the next one in this process need not learn again."""


class OpenAIChat:
    """A :class:`~zsl_skeleton.semantics.backends.chat.Chat` over HTTP.

    Args:
        model: its id.
        options: address, sampling, limits and timeout are taken from here.
        key: None: the server needs none.
        backoff: how failed calls are repeated.

    Raises:
        UsageError: the address is not one.
        BackendError: the key cannot be a key.
    """

    name = "openai"

    def __init__(self, model: str, options: Options, key: str | None, backoff: Backoff = Backoff()) -> None:
        self.model = model
        self.concurrency = options.max_concurrency
        self._server = Connection(server_address(options), key, options.timeout)
        self._sampling = options.model_dump(include={"temperature", "top_p", "max_tokens", "seed"}, exclude_none=True)
        self._limit = RateLimit(
            options.requests_per_minute, options.tokens_per_minute, spacing=_SPACING, sleep=self._sleep
        )
        self._backoff = backoff
        self._dialect = _DIALECTS.setdefault((self._server.url, model), Dialect(new_limit=self._server.url == HOSTED))
        self._learning, self._hopeless = asyncio.Lock(), asyncio.Event()
        self._answered = self._strikes = 0
        self._error: BackendError | None = None

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Name, model and sampling; where the model runs does not matter."""
        return {"name": self.name, "model": self.model, "parameters": dict(self._sampling)}

    async def complete(self, call: Call) -> Reply:
        """Ask the server.

        Raises:
            UnusableAnswerError: this call cannot be answered.
            BackendError: no call can be answered.
        """
        if not self._dialect.settled:
            # One call finds out how the server wants to be asked; the others wait for it.
            async with self._learning:
                if not self._dialect.settled:
                    return await self._descend(call)
        return await self._descend(call)

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._server.close()
        # These belong to an event loop, and the next call may come from another one.
        self._learning, self._hopeless = asyncio.Lock(), asyncio.Event()

    async def _descend(self, call: Call) -> Reply:
        """Go down the ladder until the server takes the call and does what it is told."""
        dialect, replies = self._dialect, []
        for rung in [rung for rung in Rung if rung >= dialect.rung]:
            try:
                reply = await self._send(call, rung)
            except FormatRefusedError:
                continue
            replies.append(reply)
            ended = reply.finish in (None, "stop")
            if dialect.settled or not ended or follows(reply.text, call.schema):
                break
        dialect.rung, dialect.settled = max(dialect.rung, rung), True
        prompt, completion = add_tokens(replies)
        return replace(replies[-1], prompt_tokens=prompt, completion_tokens=completion)

    async def _send(self, call: Call, rung: Rung) -> Reply:
        """Send a call until it is answered, or until sending it again does not help."""
        attempt, answered = 0, self._answered
        while True:
            await self._limit.wait(call.tokens)
            if self._error is not None:
                raise _copy(self._error)
            new_limit = self._dialect.new_limit
            try:
                reply = await self._server.send(self._dialect.body(self.model, call, self._sampling, rung))
            except LimitNameError as fault:
                if not self._dialect.rename_limit(new_limit):
                    raise self._verdict(fault) from None
            except FormatRefusedError:
                raise
            except CallError as fault:
                if rung is not Rung.PLAIN and not self._dialect.settled and fault.may_be_form(attempt):
                    raise FormatRefusedError(fault.what, why=fault.why) from None
                if fault.busy and self._answered > answered:
                    attempt, answered = min(attempt, fault.retries - 1), self._answered
                await self._wait_out(fault, attempt)
                attempt += 1
            else:
                self._answered, self._strikes = self._answered + 1, 0
                if reply.prompt_tokens is not None and reply.completion_tokens is not None:
                    self._limit.correct(call.tokens, reply.prompt_tokens + reply.completion_tokens)
                return reply

    async def _wait_out(self, fault: CallError, attempt: int) -> None:
        """Wait until the call may be sent again.

        Raises:
            UnusableAnswerError: there is no use in sending it again.
            BackendError: nor in sending any other one.
        """
        if isinstance(fault, UnknownModelError):
            fault = missing_model_fault(self.model, self._server.address, await self._server.models(), fault.why)
        if fault.wait is not None and fault.wait > self._backoff.patience:
            fault.why = f"it asks to wait for {fault.wait:.0f} seconds; {fault.why}"
            fault.everyone, fault.retries = True, 0
        if attempt >= min(fault.retries, self._backoff.retries):
            raise self._verdict(fault) from None
        if fault.wait:
            self._limit.pause(fault.wait)
        await self._sleep(self._backoff.delay(attempt, fault.wait))

    def _verdict(self, fault: CallError) -> BackendError | UnusableAnswerError:
        """What the user is told once a call is given up: it concerns this answer alone, or there is no use in going on.

        A failure that may be this answer's own becomes the server's when it meets several requests in a row.
        """
        why = self._server.quoted(fault.why)
        unusable = UnusableAnswerError(f"{fault.what}: {why}" if why else fault.what, mend=fault.mend)
        if fault.alone:
            return unusable
        self._strikes += 1
        if not fault.everyone and self._strikes < (_STRIKES if self._server.heard else _STRIKES - 1):
            return unusable
        if self._error is None:
            what = fault.what if fault.everyone else f"{fault.what}, for {self._strikes} requests in a row"
            self._error = BackendError(what, why=why, mend=fault.mend or _AGAIN)
        self._hopeless.set()
        return _copy(self._error)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, unless another call finds out that there is no use in waiting.

        Raises:
            BackendError: it did.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._hopeless.wait()
        except TimeoutError:
            return
        if self._error is not None:
            raise _copy(self._error)


def _copy(error: BackendError) -> BackendError:
    """The same error for another task: one object raised by many would collect all their tracebacks."""
    return BackendError(error.what, why=error.why, mend=error.mend)
