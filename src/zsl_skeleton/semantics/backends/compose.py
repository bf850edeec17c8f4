"""The offline backend: sentences composed of hand-written facts. Deterministic; no model, no network."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.semantics.backends.base import Account, Answer, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.checks import text_problem
from zsl_skeleton.semantics.compose.pools import pool
from zsl_skeleton.semantics.compose.select import choose
from zsl_skeleton.semantics.compose.sentences import Candidate, Voice
from zsl_skeleton.semantics.facts import Facts, facts_path, load_facts
from zsl_skeleton.semantics.prompts import AnswerField, Turn
from zsl_skeleton.semantics.words import same_key

_VERSION = 2
"""Raised when other sentences come out of the same facts, so that old banks are not taken for new ones."""

_SHARED = 10
"""Spareness of a sentence that another class could have, too."""


class ComposeBackend:
    """Answers every family of prompts from ``semantics/<dataset>/facts.yaml``."""

    name = "compose"
    model: str | None = None
    concurrency = 1
    accounts: Mapping[str, Account] = MappingProxyType({})

    def __init__(self, dataset: Dataset, facts: Facts, path: Path) -> None:
        self._dataset = dataset
        self._facts = facts
        self._path = path
        # A slot asked for in several calls, or for several classes, is composed once.
        self._texts = functools.cache(self._compose)
        self._pools = functools.cache(self._sound)

    @classmethod
    def open(cls, setting: Setting) -> Self:
        """Read the facts of the data set.

        Raises:
            InputError: there are none, or they do not fit.
        """
        path = facts_path(setting.dataset.name, setting.semantics)
        return cls(setting.dataset, load_facts(setting.dataset, setting.semantics), path)

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """Name, version and the hash of the facts."""
        return {"name": self.name, "version": _VERSION, "facts": self._facts.hash}

    async def answer(self, request: Request) -> Answer:
        """Compose the texts that the request asks for: the next ones that were not given before, by whomever.

        Raises:
            UnusableAnswerError: the facts do not give enough different texts.
        """
        texts = {}
        for field in request.fields:
            given = {same_key(text) for text in request.given.get(field.slot, ())}
            count = request.counts[field.slot]
            found = self._texts(request.action, field, request.turn, max(field.texts, count + len(given)))
            fresh = [text for text in found if same_key(text) not in given]
            if len(fresh) < count:
                raise UnusableAnswerError(
                    f"the facts give {len(found)} of {field.texts} sound texts for {field.slot}",
                    mend=f"add alternatives to the class {request.action.name!r} in {self._path}",
                )
            texts[field.slot] = tuple(fresh[:count])
        return Answer(texts)

    async def close(self) -> None:
        """Nothing is open."""

    def _compose(self, action: ActionClass, field: AnswerField, turn: Turn, count: int) -> tuple[str, ...]:
        return tuple(choose(self._pools(field, turn)[action.index], count))

    def _sound(self, field: AnswerField, turn: Turn) -> list[list[Candidate]]:
        """Candidates of every class that pass the checks; where several are chosen, those of two classes come last."""
        pools = []
        for action, facts in zip(self._dataset.classes, self._facts.classes, strict=True):
            try:
                candidates = pool(Voice(facts), field.slot)
            except KeyError:
                raise UnusableAnswerError(f"facts cannot answer for the slot {field.slot!r}") from None
            pools.append([item for item in candidates if text_problem(item.text, field, turn, action) is None])
        if field.texts == 1:
            return pools
        classes = Counter(key for items in pools for key in {item.key for item in items})
        return [
            [replace(item, spare=item.spare + _SHARED * (classes[item.key] > 1)) for item in items] for items in pools
        ]
