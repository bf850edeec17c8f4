"""Sentence encoders. Adding one = one file here and one line in the table; listing them imports nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.registry import resolve
from zsl_skeleton.text.class_embeddings import EncoderCard

ENCODERS = {
    "hashing": "zsl_skeleton.text.encoders.hashing:Hashing",
    "minilm": "zsl_skeleton.text.encoders.minilm:MiniLM",
}


class Encoder(Protocol):
    """Turns texts into vectors.

    Creating one is cheap: weights are loaded when they are first needed. A text's vector depends on the text alone, to
    the last bit: not on the other texts of a call nor on their order, so that it may come from a cache.
    """

    name: str
    revision: str
    """Changes whenever the vectors would."""
    dim: int
    max_tokens: int | None
    """Longest text that is read whole, in tokens; None: no limit."""
    pooling: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, dim] of length 1, one row per text."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has before anything is cut off."""


def load_encoder(name: str, **options: Any) -> Encoder:
    """The encoder registered under ``name`` (forgiving).

    Raises:
        UsageError: there is no such encoder; the message lists them.
    """
    return cast(Encoder, resolve("encoder", name, ENCODERS)(**options))


def encoder_card(encoder: Encoder) -> EncoderCard:
    """What decides an encoder's vectors, for cards and cache keys."""
    return EncoderCard(name=encoder.name, revision=encoder.revision, pooling=encoder.pooling, normalise=True)
