"""What a generation would ask: the rendered prompts, what the cache knows already, tokens and dollars. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from zsl_skeleton.semantics.asking import Desk, hold
from zsl_skeleton.semantics.backends import Answer, Backend, Message, Request, Setting, UnusableAnswerError
from zsl_skeleton.semantics.backends.echo import EchoBackend
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.backends.prices import load_prices, request_tokens
from zsl_skeleton.semantics.generate import Plan
from zsl_skeleton.semantics.options import Options


@dataclass(frozen=True)
class Asked:
    """A request that a generation would make, its key in the cache, and whether the cache knows the answer."""

    request: Request
    key: str
    cached: bool

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "family": self.request.family,
            "turn": self.request.turn.name,
            "class": self.request.action.name,
            "key": self.key,
            "cached": self.cached,
            "messages": [asdict(message) for message in self.request.messages],
        }


@dataclass
class _Surveyor:
    """Stands before a backend: answers from its cache; notes the rest, which ``stand_in`` answers."""

    backend: Backend
    stand_in: Backend | None
    asked: list[Asked] = field(default_factory=list)
    concurrency: int = 1

    async def answer(self, request: Request) -> Answer:
        known = self.backend.recall(request) if isinstance(self.backend, LanguageModel) else None
        self.asked.append(Asked(request, request.hash(self.backend.fingerprint), known is not None))
        if known is not None:
            return known
        if self.stand_in is None:
            raise UnusableAnswerError("not answered yet")
        return await self.stand_in.answer(request)

    async def close(self) -> None:
        await self.backend.close()


def survey(plan: Plan, *, through: bool = True) -> list[Asked]:
    """Hold all dialogues without asking anybody.

    Args:
        plan: what would be generated.
        through: go on behind an unknown answer with a made-up one, so that all later requests are counted; else stop
            the dialogue there: what is not cached then is exactly what could be asked now.
    """
    stand_in = EchoBackend.open(Setting(plan.dataset, plan.semantics)) if through else None
    surveyor = _Surveyor(plan.backend, stand_in)
    desk = Desk(surveyor)
    dialogues = [plan.dialogue(desk, f, action) for f in plan.families.values() for action in plan.dataset.classes]
    hold(dialogues, desk, f"{plan.dataset.name}: survey", lambda *_: None)
    return surveyor.asked


@dataclass(frozen=True)
class FamilyEstimate:
    """What a family would take: requests, those known, tokens of the rest, dollars (None: unknown price)."""

    family: str
    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


def estimate(asked: Sequence[Asked], model: str | None, options: Options) -> list[FamilyEstimate]:
    """Tokens and dollars of what is not cached, family by family. Tokens are estimates: about four letters each."""
    prices = load_prices(options.prices)
    found = []
    for family in dict.fromkeys(item.request.family for item in asked):
        items = [item for item in asked if item.request.family == family]
        tokens = [request_tokens(item.request.messages, item.request) for item in items if not item.cached]
        prompt, completion = sum(p for p, _ in tokens), sum(c for _, c in tokens)
        cost = prices.cost(model, prompt, completion) if model else 0.0
        found.append(FamilyEstimate(family, len(items), sum(item.cached for item in items), prompt, completion, cost))
    return found


def render_prompts(asked: Sequence[Asked], class_index: int, model: str | None = None) -> str:
    """The dialogues about one class as they would be sent, for people; each message once (no ``model``: to nobody)."""
    lines: list[str] = []
    shown: tuple[Message, ...] = ()
    known = True
    for item in (item for item in asked if item.request.action.index == class_index):
        request = item.request
        state = "known to the cache" if item.cached else "would be asked" if model else "no model is asked"
        lines.append(f"=== {request.family}, turn {request.turn.name}, call {request.sample}: {state}")
        same = 0
        while shown[same : same + 1] == request.messages[same : same + 1] != ():
            same += 1
        for message in request.messages[same:]:
            made_up = "" if known or message.role != "assistant" else ", made up: the model's answer will stand here"
            lines.append(f"[{message.role}{made_up}]\n{message.content}")
        shown, known = request.messages, item.cached
    return "\n".join(lines)


def render_estimate(estimates: Sequence[FamilyEstimate], model: str | None) -> str:
    """The table of :func:`estimate`, for people."""
    lines = [
        f"{'family':<16}{'requests':>9}{'cached':>8}{'to ask':>8}{'prompt tokens':>15}{'answer tokens':>15}{'US $':>10}"
    ]
    rows = [*estimates, _total(estimates)]
    for row in rows:
        cost = "unknown" if row.cost is None else f"{row.cost:.4f}"
        numbers = f"{row.requests:>9}{row.cached:>8}{row.requests - row.cached:>8}"
        lines.append(f"{row.family:<16}{numbers}{row.prompt_tokens:>15}{row.completion_tokens:>15}{cost:>10}")
    if model is None:
        lines.append("no model is asked: nothing is sent, and nothing costs anything")
    elif rows[-1].cost is None:
        lines.append(f"the price of {model} is not in the price table (--prices FILE)")
    return "\n".join(lines)


def _total(estimates: Sequence[FamilyEstimate]) -> FamilyEstimate:
    costs = [row.cost for row in estimates]
    known = [cost for cost in costs if cost is not None]
    return FamilyEstimate(
        "all",
        sum(row.requests for row in estimates),
        sum(row.cached for row in estimates),
        sum(row.prompt_tokens for row in estimates),
        sum(row.completion_tokens for row in estimates),
        sum(known) if len(known) == len(costs) else None,
    )
