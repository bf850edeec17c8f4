"""Texts that an encoder does not read to their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zsl_skeleton.semantics.lint.across import Row
from zsl_skeleton.semantics.lint.model import Finding
from zsl_skeleton.semantics.lint.rules import finding
from zsl_skeleton.text.encoders import Encoder, over_long


def too_long(rows: Sequence[Row], encoder: Encoder) -> Iterator[Finding]:
    """Texts with more tokens than the encoder reads, counted by itself."""
    tokens = over_long(encoder, (row.reading.text for row in rows))
    for row in rows:
        if row.reading.text in tokens:
            count = tokens[row.reading.text]
            message = f"{count} tokens; {encoder.name} reads {encoder.max_tokens} and cuts off the rest"
            yield finding("too-long-for-encoder", message, row.spot)
