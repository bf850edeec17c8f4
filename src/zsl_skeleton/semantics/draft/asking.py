"""Asking a language model for the facts of classes, one question per class, with bounded repairs and a memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zsl_skeleton.cache import TextCache
from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.errors import some_of
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.progress import track
from zsl_skeleton.semantics.backends import Message, Options, UnusableAnswerError
from zsl_skeleton.semantics.backends.answers import repair_messages
from zsl_skeleton.semantics.backends.chat import Call, Chat
from zsl_skeleton.semantics.backends.find_json import shorten
from zsl_skeleton.semantics.backends.prices import Budget, estimate_tokens, load_prices
from zsl_skeleton.semantics.draft.answer import answer_schema, read_facts
from zsl_skeleton.semantics.facts import ClassFacts
from zsl_skeleton.semantics.facts.style import LENGTHS

_ANSWER_TOKENS = 2500  # about what a whole answer takes; for rate limits and the cost limit
_SHOWN_PROBLEMS = 3
_ENDINGS = {
    "length": "the answer was cut off at the limit of tokens; raise --max-tokens",
    "content_filter": "the server's content filter withheld the answer",
    "refusal": "the model refused",
}
Asked = dict[str, ClassFacts | str]
"""Class -> its facts, or why there are none."""


@dataclass
class Author:
    """A chat model that writes facts.

    Args:
        chat: who is asked.
        cache: remembers sound answers by all that decides them.
        options: repairs, refresh, limit of cost and price table are taken from here.

    Raises:
        InputError: the price table is not valid.
    """

    chat: Chat
    cache: TextCache
    options: Options

    def __post_init__(self) -> None:
        self._budget = Budget(self.chat.model, load_prices(self.options.prices), self.options.max_cost)
        self._prompts = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    def write(self, classes: Sequence[ActionClass]) -> Asked:
        """Facts of every class, or why there are none; sound answers are remembered and not asked for again.

        Raises:
            BackendError: nothing can be answered any more; what was answered before is remembered.
        """
        return asyncio.run(self._all(classes))

    async def _all(self, classes: Sequence[ActionClass]) -> Asked:
        gate = asyncio.Semaphore(self.chat.concurrency)
        found: Asked = {}

        async def one(action: ActionClass) -> None:
            async with gate:
                try:
                    found[action.name] = await self._one(action)
                except UnusableAnswerError as error:
                    found[action.name] = error.what

        tasks = [asyncio.create_task(one(action)) for action in classes]
        try:
            for finished in track(asyncio.as_completed(tasks), "facts", total=len(tasks)):
                await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.chat.close()
        return found

    async def _one(self, action: ActionClass) -> ClassFacts:
        question = self._question(action)
        schema = answer_schema(action)
        chat = [[message.role, message.content] for message in question]
        key = sha256_text(canonical_json(["facts", dict(self.chat.fingerprint), chat, schema]))
        remembered = None if self.options.refresh else self.cache.get(key)
        if remembered is not None:
            facts, problems = read_facts(remembered, action)
            if facts is not None and not problems:
                return facts
        messages, problems = question, ["nothing was asked"]
        for _ in range(self.options.repairs + 1):
            text = await self._ask(messages, schema)
            facts, problems = read_facts(text, action)
            if facts is not None and not problems:
                self.cache.set(key, text)
                return facts
            messages = (*question, *repair_messages(text, problems))
        raise UnusableAnswerError(some_of([shorten(problem) for problem in problems], _SHOWN_PROBLEMS))

    async def _ask(self, messages: tuple[Message, ...], schema: Mapping[str, object]) -> str:
        prompt = sum(estimate_tokens(message.content) for message in messages)
        with self._budget.reserved(prompt, self.options.max_tokens or _ANSWER_TOKENS) as reserved:
            reply = await self.chat.complete(Call(messages, dict(schema), 0, tokens=prompt + _ANSWER_TOKENS))
            reserved.settle(reply.prompt_tokens, reply.completion_tokens)
        if reply.finish in _ENDINGS:
            raise UnusableAnswerError(_ENDINGS[reply.finish])
        return reply.text

    def _question(self, action: ActionClass) -> tuple[Message, ...]:
        values = {"name": action.name, "persons": action.persons, "lengths": LENGTHS}
        rendered = [self._prompts.get_template(file).render(values).strip() for file in ("system.j2", "question.j2")]
        return Message("system", rendered[0]), Message("user", rendered[1])
