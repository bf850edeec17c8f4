"""What a rule and a finding are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Kind = Literal["shown", "named", "literal"]
"""What the texts of a slot are: about what a skeleton shows, free to use the class's name and things, or the name."""


@dataclass(frozen=True)
class Rule:
    """One rule: why it exists, and a text of our own that breaks it (for the class in brackets, where it matters)."""

    name: str
    severity: Severity
    reason: str
    example: str


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken.

    ``class_index``, ``class_name``, ``slot``, ``index`` and ``text`` are None where the finding is about the whole
    bank, class or slot. ``message`` says what is wrong in words that a writer can act on, without quoting the text.
    """

    rule: str
    severity: Severity
    class_index: int | None
    class_name: str | None
    slot: str | None
    index: int | None
    text: str | None
    message: str


@dataclass(frozen=True)
class Spot:
    """Where a finding is; a field is None where the finding is about all of them."""

    class_index: int | None = None
    class_name: str | None = None
    slot: str | None = None
    index: int | None = None
    text: str | None = None
