"""The word lists of the rules, and the ambiguous class names, as data read once."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_skeleton.files import read_yaml
from zsl_skeleton.semantics.words import same_key

_FOLDER = Path(__file__).resolve().parent
_VOWELS = "aeiou"
# One short syllable: the last consonant is doubled (step, stepping).
_SINGLE = re.compile(r"(?:[^aeiou]|qu)*[aeiou][^aeiouwxy]")


@dataclass(frozen=True)
class Vocabulary:
    """Word -> what it is about, and phrases by what they are about."""

    kinds: Mapping[str, frozenset[str]]
    phrases: Mapping[str, re.Pattern[str]]


def plural(noun: str) -> str:
    """The regular plural."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"


def verb_forms(verb: str) -> set[str]:
    """The verb with its regular third person, participle and past."""
    if verb.endswith("ie"):
        stem, past = verb[:-2] + "y", verb + "d"
    elif verb.endswith("e"):
        stem, past = verb[:-1], verb + "d"
    elif _SINGLE.fullmatch(verb):
        stem, past = verb + verb[-1], verb + verb[-1] + "ed"
    elif verb.endswith("y") and verb[-2] not in _VOWELS:
        stem, past = verb, verb[:-1] + "ied"
    else:
        stem, past = verb, verb + "ed"
    return {verb, plural(verb), stem + "ing", past}


@functools.cache
def vocabulary() -> Vocabulary:
    """The word lists of ``vocabulary.yaml`` with all inflections."""
    kinds: dict[str, set[str]] = {}
    phrases = {}
    for kind, lists in read_yaml(_FOLDER / "vocabulary.yaml").items():
        for word in _forms(lists):
            kinds.setdefault(word, set()).add(kind)
        if lists.get("phrases"):
            phrases[kind] = _whole_words(lists["phrases"])
    return Vocabulary({word: frozenset(found) for word, found in kinds.items()}, phrases)


def _forms(lists: Mapping[str, Any]) -> Iterator[str]:
    for noun in lists.get("nouns", "").split():
        yield from (noun, plural(noun))
    for verb in lists.get("verbs", "").split():
        yield from verb_forms(verb)
    yield from lists.get("exact", "").split()


def _whole_words(patterns: list[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


@dataclass(frozen=True)
class Sense:
    """An ambiguous class name: what it means, what it never means, and the words that tell.

    ``forbid`` finds words of the wrong sense; texts of the right sense match every pattern of ``show``. Both look at
    lower-case words without punctuation.
    """

    means: str
    never: str
    forbid: re.Pattern[str]
    show: tuple[re.Pattern[str], ...]


@functools.cache
def sense_of(name: str) -> Sense | None:
    """The entry of ``senses.yaml`` for a class name; None if the name is plain."""
    key = same_key(name)
    return next((sense for pattern, sense in _senses() if pattern.fullmatch(key)), None)


@functools.cache
def _senses() -> tuple[tuple[re.Pattern[str], Sense], ...]:
    found = []
    for entry in read_yaml(_FOLDER / "senses.yaml"):
        show = tuple(re.compile(rf"\b(?:{'|'.join(group.split())})") for group in entry["show"])
        sense = Sense(entry["means"], entry["never"], _whole_words(entry["forbid"]), show)
        found.append((re.compile("|".join(f"(?:{name})" for name in entry["names"])), sense))
    return tuple(found)
