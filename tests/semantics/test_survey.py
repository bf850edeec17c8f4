"""The survey of a generation: what would be asked, what is known, what it would cost; nobody is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.backends.base import Setting
from zsl_skeleton.semantics.backends.chat import Call, Reply
from zsl_skeleton.semantics.backends.echo import EchoBackend
from zsl_skeleton.semantics.backends.language_model import LanguageModel, Recorded
from zsl_skeleton.semantics.dialogue import Past
from zsl_skeleton.semantics.generate import Plan
from zsl_skeleton.semantics.options import Options
from zsl_skeleton.semantics.prompts import load_families
from zsl_skeleton.semantics.survey import estimate, render_estimate, render_prompts, survey


class Silent:
    """A chat model that must not be asked."""

    name, model, concurrency = "openai", "gpt-4o-mini", 4
    fingerprint: ClassVar[dict[str, object]] = {"name": "openai", "model": "gpt-4o-mini", "parameters": {}}

    async def complete(self, call: Call) -> Reply:
        raise RuntimeError(f"somebody was asked: {call.messages[-1].content}")

    async def close(self) -> None:
        pass


@pytest.fixture
def plan(store: Store, pair: Dataset, semantics: Path, repository: Path) -> Plan:
    cache = open_text_cache(store.root / ".cache" / "responses", "response cache")
    families = load_families(repository / "prompts", ["label", "motion", "spatial", "codebook"])
    return Plan(pair, families, LanguageModel(Silent(), cache, Options()), semantics, Past())


def test_counts_every_call_of_every_turn(plan: Plan) -> None:
    asked = survey(plan)
    counts = {row.family: row.requests for row in estimate(asked, "gpt-4o-mini", Options())}
    assert counts == {"motion@v1": 2, "spatial@v1": 6, "codebook@v1": 10}, "the literal label asks nobody"
    assert not any(item.cached for item in asked)
    assert len({item.key for item in asked}) == len(asked)


def test_what_can_be_asked_now_are_the_first_calls(plan: Plan) -> None:
    turns = [(i.request.family, i.request.turn.name, i.request.sample) for i in survey(plan, through=False)]
    assert sorted(set(turns)) == [
        ("codebook@v1", "codebook", 0),
        ("motion@v1", "motion", 0),
        ("spatial@v1", "coarse", 0),
    ]


async def _remember(plan: Plan, turn: str) -> None:
    """Put the echo's answers to one turn into the cache, as if the model had given them."""
    echo = EchoBackend.open(Setting(plan.dataset, plan.semantics))
    for item in survey(plan, through=False):
        if item.request.turn.name == turn:
            answer = await echo.answer(item.request)
            known = Recorded(answer=dict(answer.texts)).model_dump_json()
            plan.backend._cache.set(item.key, known)  # type: ignore[attr-defined]


def test_known_answers_open_the_next_turn(plan: Plan) -> None:
    asyncio.run(_remember(plan, "coarse"))
    spatial = [item for item in survey(plan, through=False) if item.request.family == "spatial@v1"]
    assert [(item.request.turn.name, item.cached) for item in spatial] == [("coarse", True), ("medium", False)] * 2
    row = next(r for r in estimate(survey(plan), "gpt-4o-mini", Options()) if r.family == "spatial@v1")
    assert (row.requests, row.cached) == (6, 2)


def test_prices_and_prompts_for_people(plan: Plan) -> None:
    asked = survey(plan)
    known = estimate(asked, "gpt-4o-mini", Options())
    assert all(row.cost is not None and row.cost > 0 for row in known)
    unknown = estimate(asked, "my-own-model", Options())
    assert all(row.cost is None for row in unknown)
    assert "unknown" in render_estimate(unknown, "my-own-model")
    text = render_prompts(asked, 1)
    assert "Action: knee bend" in text and "right hand greeting" not in text
    assert text.count("=== spatial@v1") == 3
