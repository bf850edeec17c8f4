"""What counts as a word, as the same text, and as giving the class name away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_WORD = re.compile(r"[a-z0-9]+")
_PREFIX = 5
_SHORT = 4
_CHANGED = {"e": "in", "y": "i"}  # making, carries
_OTHER_WORDS = frozenset({"hands"})  # the beginning of "handshaking" is no form of it


def words(text: str) -> list[str]:
    """Lower-case words of a text; hyphens, apostrophes and punctuation separate."""
    return _WORD.findall(text.lower())


def word_count(text: str) -> int:
    """Number of words as a person counts them (blanks separate)."""
    return len(text.split())


def same_key(text: str) -> str:
    """Equal for texts that differ in case, punctuation or blanks only."""
    return " ".join(words(text))


# Words of a label that say nothing about its movement.
_FUNCTION_WORDS = frozenset(
    words(
        "a an and another any as at by each for from in into is it its of off on one onto or other others out over own "
        "person persons people s self some somebody someone something the their them this to toward towards up upon "
        "while with"
    )
)


@cache
def content_beginnings(name: str) -> tuple[tuple[str, ...], ...]:
    """For every content word of a class name, how a word begins that is a form of it.

    These are its first five letters and, for short words that lose or change their last letter when they are inflected,
    that form: ``make`` and ``makin(g)``, ``carry`` and ``carri(es)``. All words count if none has content.
    """
    all_words = words(name)
    content = [word for word in all_words if word not in _FUNCTION_WORDS] or all_words
    return tuple(_beginnings(word) for word in dict.fromkeys(content))


def _beginnings(word: str) -> tuple[str, ...]:
    if _SHORT <= len(word) <= _PREFIX and word[-1] in _CHANGED:
        return (word, word[:-1] + _CHANGED[word[-1]])
    return (word[: _PREFIX + (word[:_PREFIX] in _OTHER_WORDS)],)


def leaks_name(text: str, name: str) -> bool:
    """Whether every content word of the class name occurs in the text, in whatever form.

    A text that spells its class's name lets an encoder match names instead of movements.
    """
    return words_leak_name(words(text), name)


def words_leak_name(found: Sequence[str], name: str) -> bool:
    """As :func:`leaks_name`, for the words of a text."""
    return all(any(word.startswith(beginnings) for word in found) for beginnings in content_beginnings(name))
