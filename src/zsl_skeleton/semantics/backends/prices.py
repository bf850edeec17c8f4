"""What tokens cost: a dated table that the user can replace, and a budget that is not exceeded."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zsl_skeleton.errors import BackendError, InputError
from zsl_skeleton.files import read_yaml
from zsl_skeleton.semantics.backends.base import Message, Request

_EMBEDDED = Path(__file__).with_name("prices.yaml")
_MILLION = 1_000_000
_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_WORD = 1.5
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_KEY = 8
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)


class Prices(BaseModel):
    """A price table.

    Args:
        dated: the day on which the prices were right.
        batch: what a call in a batch costs, as a part of what an ordinary call costs.
        models: id of the model -> price.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dated: datetime.date
    batch: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    models: Mapping[str, Price]

    def of(self, model: str) -> Price | None:
        """Price of a model; a dated snapshot (``gpt-x-2025-01-31``) costs what its model costs. None: unknown."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))

    def cost(self, model: str, prompt: int | None, completion: int | None, *, batch: bool = False) -> float | None:
        """US dollars for so many tokens (of a batch); None if the price or a number is unknown."""
        price = self.of(model)
        if price is None or prompt is None or completion is None:
            return None
        factor = self.batch if batch else 1.0
        return factor * (prompt * price.prompt + completion * price.completion) / _MILLION


def load_prices(path: Path | None) -> Prices:
    """The price table in ``path``, which replaces the embedded one; None: the embedded one.

    Raises:
        InputError: the file is missing or not a price table.
    """
    chosen = path or _EMBEDDED
    try:
        return Prices.model_validate(read_yaml(chosen))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{chosen} is not a price table",
            why=f"{where}: {first['msg']}" if where else first["msg"],
            mend=f"write it like {_EMBEDDED}",
        ) from error


def estimate_tokens(text: str) -> int:
    """Roughly how many tokens an English text takes (a token is about four characters); at least 1."""
    return max(1, math.ceil(len(text) / _CHARACTERS_PER_TOKEN))


def request_tokens(messages: Sequence[Message], request: Request) -> tuple[int, int]:
    """Estimated tokens of a prompt, and of an answer whose texts are all as long as they may be."""
    prompt = sum(estimate_tokens(message.content) + _TOKENS_PER_MESSAGE for message in messages)
    longest = sum(request.counts[field.slot] * field.words[1] for field in request.fields)
    return prompt, math.ceil(longest * _TOKENS_PER_WORD) + _TOKENS_PER_KEY * len(request.fields)


class Reservation:
    """Dollars set aside for a call under way."""

    def __init__(self, budget: Budget, amount: float) -> None:
        self._budget = budget
        self.amount = amount

    def settle(self, prompt: int | None, completion: int | None) -> None:
        """Book what the call took; the estimate, where nobody counted."""
        real = self._budget.cost(prompt, completion)
        self._budget.spent += self.amount if real is None else real
        self.amount = 0.0


class Budget:
    """Dollars that are not exceeded by the calls of this process.

    Args:
        model: id of the model that is asked.
        prices: the table.
        max_cost: US dollars; None: no limit.
    """

    def __init__(self, model: str, prices: Prices, max_cost: float | None) -> None:
        self.spent = 0.0
        self._model = model
        self._prices = prices
        self._max_cost = max_cost
        self._reserved = 0.0

    def cost(self, prompt: int | None, completion: int | None, *, batch: bool = False) -> float | None:
        """US dollars for so many tokens (of a batch); None if unknown."""
        return self._prices.cost(self._model, prompt, completion, batch=batch)

    @contextmanager
    def reserved(self, prompt: int, completion: int) -> Iterator[Reservation]:
        """Set aside what a call may take at most, while it is under way.

        Raises:
            BackendError: it could pass the limit, or there is a limit but no price.
        """
        reservation = Reservation(self, self._estimate(prompt, completion))
        amount = reservation.amount
        self._reserved += amount
        try:
            yield reservation
        finally:
            self._reserved -= amount

    def _estimate(self, prompt: int, completion: int) -> float:
        estimate = self.cost(prompt, completion)
        if self._max_cost is None:
            return estimate or 0.0
        if estimate is None:
            raise BackendError(
                f"--max-cost cannot be kept: the price of the model {self._model!r} is unknown",
                why=f"the price table of {self._prices.dated} does not list it; nothing was sent",
                mend="name a table that lists it (--prices prices.yaml), or leave --max-cost out",
            )
        if self.spent + self._reserved + estimate > self._max_cost:
            under_way = f", ${self._reserved:.4f} are set aside for calls under way" if self._reserved else ""
            raise BackendError(
                f"the next call could pass --max-cost {self._max_cost:g}",
                why=f"${self.spent:.4f} were spent{under_way}, and it may cost ${estimate:.4f}",
                mend="run the same command with a higher --max-cost; what was answered is not asked again",
            )
        return estimate
