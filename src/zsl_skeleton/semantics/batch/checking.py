"""Checks what a batch answered by the code that a live answer passes, and remembers what is sound."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zsl_skeleton.cache import TextCache
from zsl_skeleton.files import canonical_json
from zsl_skeleton.semantics.backends import Answer, Request, UnusableAnswerError
from zsl_skeleton.semantics.backends.chat import Call, Reply, add_known
from zsl_skeleton.semantics.backends.faults import CallError, FormatRefusedError, LimitNameError
from zsl_skeleton.semantics.backends.find_json import shorten
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.batch.lines import AnswerLine, form_of, read_reply, request_body
from zsl_skeleton.semantics.batch.records import BatchRecord, Try, former_tries


class _Played:
    """A chat model that says again what it said in the batches."""

    name = "openai"
    concurrency = 1

    def __init__(self, fingerprint: Mapping[str, Any], replies: Sequence[Reply]) -> None:
        self.fingerprint = fingerprint
        self.model = str(fingerprint["model"])
        self._replies: Iterator[Reply] = iter(replies)

    async def complete(self, call: Call) -> Reply:
        """The next reply."""
        return next(self._replies)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Checker:
    """Looks at the answers of one batch.

    Args:
        fingerprint: that of the backend whose answers these are.
        cache: takes the sound ones, under the keys of their requests.
        requests: what is asked now, by key.
        record: the batch; unusable answers are written into it.
        former: all batches so far: an answer may mend one of an earlier batch.
    """

    fingerprint: Mapping[str, Any]
    cache: TextCache
    requests: Mapping[str, Request]
    record: BatchRecord
    former: Sequence[BatchRecord]
    prompt_tokens: int | None = field(default=0, init=False)
    completion_tokens: int | None = field(default=0, init=False)

    def check(self, key: str, line: AnswerLine | None) -> str | None:
        """Take the answer to one request; ``line`` None: there is none.

        Returns:
            Why it cannot be used; None if it is sound.
        """
        request = self.requests.get(key)
        if request is None:
            return "nobody asks this any more: the prompts, the classes or the bank to --keep have changed"
        if line is None:
            return "there is no answer to it"
        tries = [item.reply() for item in former_tries(self.former, key) if item.mendable]
        body = request_body(
            request, request.messages, form_of(self.record.rung, self.record.new_limit), self.fingerprint
        )
        try:
            reply = read_reply(line, body)
        except CallError as fault:
            return self._refused(key, fault, line)
        try:
            self._remember(key, request, [*tries, reply])
        except UnusableAnswerError as error:
            reason = f"{error.what} ({error.mend})" if error.mend else error.what
            self.record.tries[key] = _try(reason, reply)
            return reason
        self.record.answered += 1
        return None

    def _refused(self, key: str, fault: CallError, line: AnswerLine) -> str:
        reason = ": ".join(filter(None, map(shorten, [fault.what, fault.why])))
        answered = line.response is not None and line.response.status_code == 200
        if isinstance(fault, FormatRefusedError):
            self.record.refused = "form"
        elif isinstance(fault, LimitNameError):
            self.record.refused = "limit"
        elif answered or fault.alone:
            # What is wrong with the request itself must not be asked for ever.
            self.record.tries[key] = Try(reason=reason, finish="unreadable" if answered else "refused")
        return reason

    def _remember(self, key: str, request: Request, replies: Sequence[Reply]) -> None:
        """Let a language model answer that says all these replies, repair turns included.

        Raises:
            UnusableAnswerError: the last reply does not pass either.
        """
        options = self.record.origin.config.options.model_copy(update={"repairs": len(replies) - 1, "max_cost": None})
        model = LanguageModel(_Played(self.fingerprint, replies), self.cache, options)
        if model.recall(request) is not None:
            return  # by a live call, or by a command that was killed before it was through
        _result(model.answer(request))
        # Which batch it came from: batches cost less than calls.
        stored = json.loads(self.cache.get(key) or "{}")
        self.cache.set(key, canonical_json(stored | {"batch": self.record.id}))
        self.prompt_tokens = add_known([self.prompt_tokens, stored.get("prompt_tokens")])
        self.completion_tokens = add_known([self.completion_tokens, stored.get("completion_tokens")])


def _try(reason: str, reply: Reply) -> Try:
    return Try(
        reason=reason,
        text=reply.text,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        finish=reply.finish,
        model=reply.model,
    )


def _result(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine returns that never waits; so this works inside a running event loop, too."""
    try:
        work.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    raise RuntimeError("a replayed answer had to be waited for")
