"""Answers of a local model held to their JSON schema, token by token.

llguidance tells which tokens may come next; one of them is chosen here, greedily or by sampling. Every string is a
plain ASCII sentence with as many words as were asked for, so that even a model that knows nothing writes an answer
that can be read, and comes to an end.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zsl_skeleton.errors import InputError

if TYPE_CHECKING:
    import torch
    from llguidance import LLMatcher, LLTokenizer
    from torch import Tensor

Words = Mapping[str, tuple[int, int]]
"""Key of the answer -> fewest and most words of a text."""

_ANY_LENGTH = (1, 60)
_LETTER = "[A-Za-z0-9'/-]"
_LONGEST = 24  # characters of a word
_OVERHEAD = 64  # characters of an answer's keys and brackets, per text


def require_llguidance() -> None:
    """Check that constrained decoding is possible.

    Raises:
        InputError: llguidance is not installed.
    """
    if importlib.util.find_spec("llguidance") is None:
        raise InputError(
            "local models need the package llguidance",
            why="it holds their answers to the schema",
            mend="pip install 'zsl-skeleton[local]'",
        )


def bounded(schema: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """A copy of an answer's schema in which a text is a plain sentence of ``words[key]`` words (default 1 to 60)."""
    copy: dict[str, Any] = json.loads(json.dumps(schema))
    for key, entry in copy["properties"].items():
        least, most = words.get(key, _ANY_LENGTH)
        text = entry.get("items", entry)
        # llguidance compiles the length into the pattern; a second bound would only cost time.
        text.pop("minLength", None)
        word = rf"[,;:.]? \(?[A-Za-z0-9]{_LETTER}{{0,{_LONGEST - 1}}}\)?"
        text["pattern"] = rf"^[A-Z]{_LETTER}{{0,{_LONGEST - 1}}}({word}){{{max(least, 1) - 1},{most - 1}}}\.$"
    return copy


def longest(schema: Mapping[str, Any], words: Words) -> int:
    """Upper bound of an answer's length in characters, hence in tokens."""
    total = 0
    for key, entry in schema["properties"].items():
        text = words.get(key, _ANY_LENGTH)[1] * (_LONGEST + 4) + _OVERHEAD + len(key)
        total += text * int(entry.get("maxItems", 1))
    return total


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen: the most probable one, unless ``temperature`` is above 0."""

    temperature: float = 0.0
    top_p: float = 1.0


@dataclass
class Pen:
    """One answer while it is written.

    Args:
        matcher: says which tokens may come next.
        end: id of the token that ends an answer.
        limit: most tokens.
        sampling: how one of them is chosen.
        generator: its random numbers; of its own for every answer, so that no answer depends on another.
    """

    matcher: LLMatcher
    end: int
    limit: int
    sampling: Sampling
    generator: torch.Generator
    tokens: list[int] = field(default_factory=list)
    done: bool = False

    @property
    def cut(self) -> bool:
        """Whether the limit was reached before the answer was complete."""
        return self.done and not self.matcher.is_accepting()

    def write(self, scores: Tensor) -> int:
        """Choose the next token by its masked scores [V].

        Raises:
            RuntimeError: no token is allowed, or the model's scores are not numbers.
        """
        if self.matcher.is_stopped() or len(self.tokens) >= self.limit:
            self.done = True
            return self.end
        token = int(_chosen(scores, self.sampling, self.generator))
        if scores[token].isnan():  # argmax takes it for the largest
            raise RuntimeError("its scores are not numbers (nan)")
        if not self.matcher.consume_token(token):
            raise RuntimeError(f"token {token} was chosen against the schema: {self.matcher.get_error()}")
        self.tokens.append(token)
        return token


def _chosen(scores: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    if sampling.temperature == 0:
        return scores.argmax()
    import torch

    # Sorted on the CPU in double precision: the same draw gives the same token on every machine.
    chances, order = (scores.double().cpu() / sampling.temperature).softmax(dim=-1).sort(descending=True, stable=True)
    chances[chances.cumsum(0) - chances >= sampling.top_p] = 0.0
    return order[torch.multinomial(chances, 1, generator=generator)]


@dataclass
class Writing:
    """A logits processor of transformers: leaves one token per row, the one that the row's pen chose."""

    pens: Sequence[Pen]
    stop: threading.Event

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores [B, V] with a single finite entry per unfinished row.

        Raises:
            InterruptedError: ``stop`` was set.
            RuntimeError: an answer cannot go on.
        """
        if self.stop.is_set():
            raise InterruptedError("the answers are no longer wanted")
        masked = scores.float().masked_fill(~_allowed(self.pens, scores.shape[1]).to(scores.device), -float("inf"))
        chosen = [pen.end if pen.done else pen.write(row) for pen, row in zip(self.pens, masked, strict=True)]
        masked.fill_(-float("inf"))
        for row, token in enumerate(chosen):
            masked[row, token] = 0.0
        return masked


def _allowed(pens: Sequence[Pen], size: int) -> Tensor:
    """Which tokens may come next, [B, size]; nothing for a row that is done."""
    import llguidance.numpy as masks
    import numpy as np
    import torch

    bits = masks.allocate_token_bitmask(len(pens), size)
    for row, pen in enumerate(pens):
        if not pen.done and not pen.matcher.is_stopped():
            masks.fill_next_token_bitmask(pen.matcher, bits, row)
    flags = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :size]
    return torch.from_numpy(flags.astype(bool))


def new_matcher(tokenizer: LLTokenizer, schema: Mapping[str, Any]) -> LLMatcher:
    """A matcher at the beginning of an answer.

    Raises:
        RuntimeError: the schema cannot be enforced.
    """
    from llguidance import LLMatcher

    grammar = LLMatcher.grammar_from_json_schema(
        dict(schema), overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    )
    matcher = LLMatcher(tokenizer, grammar)
    if matcher.is_error():
        raise RuntimeError(f"the schema of the answer cannot be enforced: {matcher.get_error()}")
    return matcher
