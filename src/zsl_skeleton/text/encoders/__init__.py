"""Sentence encoders. Adding one = one file here and one line in the table; listing them imports nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import unknown_name
from zsl_skeleton.registry import normalise, resolve
from zsl_skeleton.text.class_embeddings import EncoderCard

MODEL = ":MODEL"
"""Ends the names that stand for many models: the user writes an id on the hub, or a folder, in its place."""

ENCODERS = {
    "minilm": "zsl_skeleton.text.encoders.minilm:MiniLM",
    "clip-vit-b-32": "zsl_skeleton.text.encoders.clip:VIT_B_32",
    "clip-vit-b-16": "zsl_skeleton.text.encoders.clip:VIT_B_16",
    "clip-vit-l-14-336": "zsl_skeleton.text.encoders.clip:VIT_L_14_336",
    "clip" + MODEL: "zsl_skeleton.text.encoders.clip:Clip",
    "sentence-transformers" + MODEL: "zsl_skeleton.text.encoders.sentence_transformers:SentenceTransformers",
    "hashing": "zsl_skeleton.text.encoders.hashing:Hashing",
}
DTYPES = ("float32", "bf16")
"""Precisions of the arithmetic; bf16 needs a GPU."""

_SHORT = {"st": "sentence-transformers"}
_MARKERS = 2  # tokens that an encoder may put around a text


class Encoder(Protocol):
    """Turns texts into vectors.

    Creating one is cheap: weights are looked for and loaded when they are first needed. A text's vector depends on the
    text alone, on the CPU to the last bit: not on the other texts of a call nor on their order, so that it may come
    from a cache.
    """

    @property
    def name(self) -> str:
        """How cards name it; never a path."""

    @property
    def revision(self) -> str:
        """Changes whenever the vectors would (beyond the rounding in which a GPU differs from a CPU)."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int | None:
        """Longest text that is read whole, in tokens; None: no limit."""

    @property
    def pooling(self) -> str:
        """How the vectors of tokens become that of a text."""

    @property
    def device(self) -> str:
        """Where vectors are computed: ``cpu`` or ``cuda``."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, dim] of length 1, one row per text."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has before anything is cut off."""


def load_encoder(name: str, **options: Any) -> Encoder:
    """The encoder registered under ``name`` (forgiving).

    Args:
        name: a name of ``ENCODERS``, with the model that is meant instead of ``MODEL``: an id on the hub, also with
            a revision (``ORG/NAME@REVISION``), or a folder. ``st:`` is short for ``sentence-transformers:``.
        options: ``device`` (auto, cpu, cuda, cuda:N) and ``dtype`` (of ``DTYPES``).

    Raises:
        UsageError: there is no such encoder; the message lists them. Or an option is not possible.
    """
    kind, colon, model = name.partition(":")
    if not colon:
        return cast(Encoder, resolve("encoder", name, ENCODERS)(**options))
    generic = normalise(_SHORT.get(normalise(kind), kind)) + MODEL
    if generic not in ENCODERS or not model.strip():
        raise unknown_name("encoder", name, ENCODERS)
    return cast(Encoder, resolve("encoder", generic, ENCODERS)(model.strip(), **options))


def encoder_card(encoder: Encoder) -> EncoderCard:
    """What decides an encoder's vectors, for cards and cache keys."""
    return EncoderCard(name=encoder.name, revision=encoder.revision, pooling=encoder.pooling, normalise=True)


def over_long(encoder: Encoder, texts: Iterable[str]) -> dict[str, int]:
    """The texts whose end the encoder does not read, with their numbers of tokens."""
    limit = encoder.max_tokens
    if limit is None:
        return {}
    # A token has at least one byte: only long texts can be too long, and loading a tokenizer takes a while.
    longest = sorted({text for text in texts if len(text.encode()) + _MARKERS > limit})
    counts = encoder.count_tokens(longest) if longest else []
    return {text: count for text, count in zip(longest, counts, strict=True) if count > limit}
