"""A backend made of a chat model: remembers, asks, checks, sends back what is wrong, and keeps account.

What is written here knows no server and no library; a :class:`~zsl_skeleton.semantics.backends.chat.Chat`
does the talking.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from zsl_skeleton.errors import BackendError, some_of
from zsl_skeleton.semantics.backends.answers import Texts, read_answer, repair_messages, soundness
from zsl_skeleton.semantics.backends.base import Account, Answer, Message, Request, UnusableAnswerError
from zsl_skeleton.semantics.backends.chat import Call, Chat, Reply, add_known, add_tokens
from zsl_skeleton.semantics.backends.find_json import shorten
from zsl_skeleton.semantics.backends.prices import Budget, load_prices, request_tokens
from zsl_skeleton.semantics.options import Options

if TYPE_CHECKING:
    from zsl_skeleton.cache import TextCache

__all__ = ["Call", "Chat", "LanguageModel", "Recorded", "Reply"]

_SHOWN_PROBLEMS = 3
_ENDINGS = {
    "length": ("the answer was cut off at the limit of tokens", "raise --max-tokens"),
    "content_filter": ("the server's content filter withheld the answer", "edit the prompt, or ask another model"),
    "refusal": ("the model refused", "edit the prompt, or ask another model"),
}


class Recorded(BaseModel):
    """A sound answer as the cache keeps it: slot -> texts, what it took (repair turns included), who and when.

    ``batch`` is the id of the batch that brought it, if one did.
    """

    model_config = ConfigDict(frozen=True)

    answer: dict[str, tuple[str, ...]]
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    calls: int = 1
    model: str | None = None
    at: str = ""
    batch: str | None = None


class LanguageModel:
    """A :class:`~zsl_skeleton.semantics.backends.base.Backend` made of a chat model.

    Args:
        chat: who is asked.
        cache: remembers sound answers by the hash of their request; None: nothing is remembered.
        options: repairs, refresh, cost limit and price table are taken from here.

    Raises:
        InputError: the price table is not valid.
    """

    def __init__(self, chat: Chat, cache: TextCache | None, options: Options) -> None:
        self.name = chat.name
        self.model: str | None = chat.model
        self.concurrency = chat.concurrency
        self._chat = chat
        self._cache = cache
        self._options = options
        self._budget = Budget(chat.model, load_prices(options.prices), options.max_cost)
        self._accounts: dict[str, Account] = {}
        self._broken: BackendError | None = None

    @property
    def chat(self) -> Chat:
        """The chat model itself."""
        return self._chat

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """That of the chat model."""
        return self._chat.fingerprint

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Family -> what it took so far."""
        return self._accounts

    @property
    def remembers(self) -> bool:
        """Whether what was answered before comes from the cache."""
        return self._cache is not None and not self._options.refresh

    async def answer(self, request: Request) -> Answer:
        """Answer from the cache or from the model.

        Raises:
            UnusableAnswerError: this request has no usable answer.
            BackendError: nothing can be answered any more; so it says to every later request without asking.
        """
        account = self._accounts.setdefault(request.family, Account(cost=self._budget.cost(0, 0)))
        account.requests += 1
        key = request.hash(self.fingerprint)
        found = self._recall(key, request)
        if found is None:
            found = await self._ask(request, account)
            if self._cache is not None:
                self._cache.set(key, found.model_dump_json(exclude={"batch"}))
        else:
            account.cached += 1
        account.prompt_tokens = add_known([account.prompt_tokens, found.prompt_tokens])
        account.completion_tokens = add_known([account.completion_tokens, found.completion_tokens])
        cost = self._budget.cost(found.prompt_tokens, found.completion_tokens, batch=found.batch is not None)
        account.cost = None if account.cost is None or cost is None else account.cost + cost
        return Answer(found.answer)

    async def close(self) -> None:
        """Close the chat and the cache."""
        await self._chat.close()
        if self._cache is not None:
            self._cache.close()

    def recall(self, request: Request) -> Answer | None:
        """The answer that the cache knows; None if it would have to be asked. Counts nothing."""
        found = self._recall(request.hash(self.fingerprint), request)
        return None if found is None else Answer(found.answer)

    def _recall(self, key: str, request: Request) -> Recorded | None:
        if self._cache is None or not self.remembers:
            return None
        text = self._cache.get(key)
        if text is None:
            return None
        try:
            found = Recorded.model_validate_json(text)
        except ValidationError:
            return None  # somebody else's entry: ask, and overwrite it
        # The checks may have become stricter since it was stored.
        return None if soundness(found.answer, request) else found

    async def _ask(self, request: Request, account: Account) -> Recorded:
        replies: list[Reply] = []
        messages = request.messages
        for attempt in range(self._options.repairs + 1):
            account.repairs += attempt > 0
            reply = await self._complete(request, messages, account)
            replies.append(reply)
            texts, problems = read_answer(reply.text, request)
            if not problems:
                return _recorded(texts, replies)
            if reply.finish in _ENDINGS:
                what, mend = _ENDINGS[reply.finish]
                said = f": {shorten(reply.text)}" if reply.finish == "refusal" and reply.text else ""
                raise UnusableAnswerError(what + said, mend=mend)
            messages = (*request.messages, *repair_messages(reply.text, problems))
        count = self._options.repairs
        turns = f" after {count} repair turn{'s' * (count > 1)}" if count else ""
        shown = some_of([shorten(problem) for problem in problems], _SHOWN_PROBLEMS)
        raise UnusableAnswerError(f"the answer is not usable{turns}: {shown}")

    async def _complete(self, request: Request, messages: tuple[Message, ...], account: Account) -> Reply:
        if self._broken is not None:
            # A fresh copy: one exception raised by many tasks would collect all their tracebacks.
            raise BackendError(self._broken.what, why=self._broken.why, mend=self._broken.mend)
        prompt, completion = request_tokens(messages, request)
        started = time.monotonic()
        try:
            with self._budget.reserved(prompt, self._options.max_tokens or completion) as reserved:
                account.calls += 1
                reply = await self._chat.complete(
                    Call(messages, request.schema, request.sample, tokens=prompt + completion)
                )
                reserved.settle(reply.prompt_tokens, reply.completion_tokens)
                return reply
        except BackendError as error:
            self._broken = error
            raise
        finally:
            account.seconds += time.monotonic() - started


def _recorded(texts: Texts, replies: list[Reply]) -> Recorded:
    prompt, completion = add_tokens(replies)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Recorded(
        answer=dict(texts),
        prompt_tokens=prompt,
        completion_tokens=completion,
        calls=len(replies),
        model=replies[-1].model,
        at=at,
    )
