"""What counts as a word, as the same text, and as giving the class name away."""

from __future__ import annotations

import re
from functools import cache

_WORD = re.compile(r"[a-z0-9]+")
_PREFIX = 5


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
def content_prefixes(name: str) -> frozenset[str]:
    """Five-letter prefixes of the content words of a class name; all its words if none has content."""
    all_words = words(name)
    content = [word for word in all_words if word not in _FUNCTION_WORDS] or all_words
    return frozenset(word[:_PREFIX] for word in content)


def leaks_name(text: str, name: str) -> bool:
    """Whether every content word of the class name occurs in the text (compared by five-letter prefix).

    A text that spells its class's name lets an encoder match names instead of movements.
    """
    found = words(text)
    return all(any(word.startswith(prefix) for word in found) for prefix in content_prefixes(name))
