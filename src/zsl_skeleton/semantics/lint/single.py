"""The rules that look at one text alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.lint.model import Finding, Kind, Spot
from zsl_skeleton.semantics.lint.rules import finding
from zsl_skeleton.semantics.lint.vocabulary import sense_of, vocabulary
from zsl_skeleton.semantics.words import words, words_leak_name

_FEWEST = 3
"""Fewer words than this describe no movement."""

_MARKS = re.compile(r"[*_`#|<>\[\]{}~\\]|^(?:[-+]|\d+[.)]) |https?:|\n")
_QUOTES = re.compile(r"[\"\u201c-\u201f\u00ab\u00bb]|(?<!\w)['\u2018][^'\u2018\u2019]+['\u2019](?!\w)")
_SIMPLE = re.compile(r"[A-Za-z0-9 ,.;:()/-]*")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|as an ai|ai (?:assistant|language model)|language model"
    r"|i (?:cannot|can not|am unable|can t)"
    r"|(?:cannot|unable to) (?:answer|assist|comply|describe|generate|help|provide)"
    r"|here (?:is|are) (?:a|the|some|your)|(?:sure|certainly) here|unfortunately i)\b"
)
_STAND_IN = re.compile(
    r"(?:n a|na|nan|none|null|undefined|unknown|unspecified|tba|tbd|todo|placeholder|error)(?: \w+)?"
)
_ANYWHERE = re.compile(
    r"\b(?:lorem ipsum|to be (?:added|defined|done|written)|not (?:available|applicable)|no description)\b"
)
_OTHER = re.compile(
    r"\b(?:(?:second|other|another) (?:actor|figure|individual|one|person|skeleton|subject)|partners?|opponents?"
    r"|somebody|someone|each other|one another"
    r"|(?:both|two) (?:actors|bodies|figures|individuals|people|persons|subjects)"
    r"|the other(?! (?:arm|direction|elbow|fist|foot|forearm|hand|hip|knee|leg|palm|shoulder|side|way|wrist)s?\b))\b"
)
_ABOUT = {
    "affect-word": (("affect", "a feeling or a face"), ("intention", "an intention")),
    "object-word": (("object", "a thing"),),
    "scene-word": (("scene", "a place, a look or a sound"),),
    "hedge-word": (("hedge", "a guess or a comparison"),),
}
_MOVES = frozenset({"motion", "direction"})
_NO_OTHER_NEEDED = frozenset({"label", "body-parts"})
"""Families whose texts are the name, or are about one part of one person."""


@dataclass(frozen=True)
class Reading:
    """A text taken apart once for all rules: its words, the words joined by blanks, what the words are about."""

    text: str
    words: list[str]
    key: str
    kinds: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Reading:
        """Take a text apart."""
        found = words(text)
        table = vocabulary().kinds
        kinds: frozenset[str] = frozenset().union(*(table[word] for word in found if word in table))
        return cls(text, found, " ".join(found), kinds)

    def about(self, kind: str) -> list[str]:
        """The words and phrases of a kind, each once."""
        table, phrases = vocabulary().kinds, vocabulary().phrases
        found = [word for word in self.words if kind in table.get(word, ())] if kind in self.kinds else []
        if kind in phrases:
            found += [match[0] for match in phrases[kind].finditer(self.key)]
        return list(dict.fromkeys(found))


def kind_of(slot: str, may_name: bool) -> Kind:
    """What the texts of a slot may say."""
    if slot.partition(".")[0] == "label":
        return "literal"
    return "named" if may_name else "shown"


def text_findings(text: str, slot: str, action: ActionClass, may_name: bool) -> list[Finding]:
    """Everything that is wrong with one text, without looking at other texts.

    Args:
        text: the text.
        slot: where it stands; texts of the family ``label`` are names, not descriptions.
        action: its class.
        may_name: the text may use the class's name, things and intentions.
    """
    return reading_findings(Reading.of(text), Spot(action.index, action.name, slot, None, text), action, may_name)


def reading_findings(reading: Reading, spot: Spot, action: ActionClass, may_name: bool) -> list[Finding]:
    """As :func:`text_findings`, for a text that has been taken apart already."""
    kind = kind_of(spot.slot or "", may_name)
    broken = list(_form(reading, kind))
    if kind != "literal":
        broken += _meaning(reading, action, spot.slot or "")
    if kind == "shown":
        broken += _shown(reading, action)
    return [finding(rule, message, spot) for rule, message in broken]


def _form(reading: Reading, kind: Kind) -> Iterator[tuple[str, str]]:
    text, found = reading.text, reading.words
    if len(found) < (1 if kind == "literal" else _FEWEST):
        yield "too-short", f"has {len(found)} words; describe the movement in a sentence"
    if not text.isascii():
        odd = next(letter for letter in text if not letter.isascii())
        yield "non-ascii", f"holds {odd!a}; use plain ASCII"
    if not _SIMPLE.fullmatch(text):
        if mark := _MARKS.search(text):
            yield "markdown", f"holds {mark[0].strip()!a}; write a plain sentence without lists or marks"
        if quote := _QUOTES.search(text):
            yield "quotes", f"holds quotation marks ({quote[0]!a}); leave them out"
    elif text[:1] in "-1234567890" and (mark := _MARKS.search(text)):
        yield "markdown", f"begins like an item of a list ({mark[0].strip()!a}); write a plain sentence"
    if "cue" in reading.kinds or not found:
        if match := _REFUSAL.search(reading.key):
            yield "refusal", f"is about the writer, not the movement ({match[0]!r})"
        if _STAND_IN.fullmatch(reading.key) or _ANYWHERE.search(reading.key):
            yield "placeholder", "stands in for a text; describe the movement"


def _meaning(reading: Reading, action: ActionClass, slot: str) -> Iterator[tuple[str, str]]:
    sense = sense_of(action.name)
    if sense and (match := sense.forbid.search(reading.key)):
        yield "wrong-sense", f"{action.name!r} means {sense.means}, not {sense.never} ({match[0]!r})"
    alone = action.persons == 2 and slot.partition(".")[0] not in _NO_OTHER_NEEDED
    if alone and not _OTHER.search(reading.key):
        yield "second-person-missing", "does not name the second person; say how the two stand or move to each other"


def _shown(reading: Reading, action: ActionClass) -> Iterator[tuple[str, str]]:
    if words_leak_name(reading.words, action.name):
        yield "class-name-leak", f"gives the class name away ({action.name!r})"
    if "body" not in reading.kinds:
        yield "no-body-part", "names no body part; say which part moves"
    if reading.kinds.isdisjoint(_MOVES):
        yield "no-motion-verb", "has no word of movement, posture or direction; say what the part does"
    for rule, kinds in _ABOUT.items():
        for kind, what in kinds:
            if found := reading.about(kind):
                listed = ", ".join(map(repr, found))
                yield rule, f"{listed}: {what}, which a skeleton does not show; describe the moving body parts"
