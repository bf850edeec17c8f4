"""Equal and nearly equal texts, within a class and across classes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from zsl_skeleton.semantics.lint.model import Finding, Spot
from zsl_skeleton.semantics.lint.rules import finding
from zsl_skeleton.semantics.lint.single import Reading
from zsl_skeleton.semantics.lint.vocabulary import vocabulary

NEAR = 0.9
"""Share of common words (Jaccard index of the multisets) from which two texts are nearly the same."""
_PARTS = "body-parts"
# Words that make a difference between movements, besides body parts; synonyms share a line.
_TELLING = {
    word: line.split()[0]
    for line in (
        "left",
        "right",
        "leftward leftwards",
        "rightward rightwards",
        "up upward upwards",
        "down downward downwards",
        "raises raise raised lifts lift lifted",
        "lowers lower lowered drops drop",
        "forward forwards front ahead",
        "backward backwards behind",
        "inward inwards in",
        "outward outwards out",
        "toward towards",
        "away from",
        "above over",
        "below under beneath",
        "straight straightens extends extended extend",
        "bent bends bend",
        "opens open opened",
        "closes close closed",
        "clockwise",
        "counter counterclockwise anticlockwise",
        "quickly quick fast rapidly",
        "slowly slow",
        "once one single",
        "twice two both",
        "three",
        "several repeatedly times",
        "first",
        "second",
        "start starts begin",
        "end finally",
        "still",
        "across",
        "apart",
        "together",
        "sideways",
        "high",
        "low",
        "again",
        "not without",
        "before",
        "after",
    )
    for word in line.split()
}


@dataclass(frozen=True)
class Row:
    """A text of a bank, taken apart."""

    spot: Spot
    reading: Reading

    @property
    def slot(self) -> str:
        """Where the text stands."""
        return str(self.spot.slot)

    @property
    def family(self) -> str:
        """The family of the slot."""
        return self.slot.partition(".")[0]

    @cached_property
    def tokens(self) -> frozenset[tuple[str, int]]:
        """The multiset of the words: each word with the number of its occurrence."""
        return _numbered(self.reading.words)

    @property
    def signature(self) -> tuple[str, ...]:
        """The words that make a difference between movements, in order; nearly equal texts have the same.

        Texts whose clauses change places count as in the same order: the sequence is turned to its least rotation.
        """
        kinds, telling = vocabulary().kinds, []
        for word in self.reading.words:
            if word in _TELLING:
                telling.append(_TELLING[word])
            elif "body" in kinds.get(word, ()):
                telling.append(word)
        return min((tuple(telling[n:] + telling[:n]) for n in range(len(telling))), default=())


def _numbered(items: Sequence[str]) -> frozenset[tuple[str, int]]:
    counts: Counter[str] = Counter()
    found = []
    for item in items:
        found.append((item, counts[item]))
        counts[item] += 1
    return frozenset(found)


def duplicates(rows: Sequence[Row]) -> Iterator[Finding]:
    """Equal texts in a family of a class, and in a slot of several classes.

    Texts are equal if they differ in case and punctuation only. Two classes may say the same of a body part at rest,
    but not of all parts.
    """
    said: dict[tuple[int | None, str, str], Row] = {}
    owners: dict[tuple[str, str], Row] = {}
    for row in rows:
        first = said.setdefault((row.spot.class_index, row.family, row.reading.key), row)
        if first is not row:
            place = f"text {first.spot.index} of {first.slot}"
            yield finding("duplicate-within", f"says the same as {place} of this class", row.spot)
        first = owners.setdefault((row.slot, row.reading.key), row)
        if first.spot.class_index != row.spot.class_index and row.family != _PARTS:
            yield finding("duplicate-across", f"says the same as the class {first.spot.class_name!r}", row.spot)
    yield from _equal_parts(rows)


def _equal_parts(rows: Sequence[Row]) -> Iterator[Finding]:
    parts: dict[Spot, list[tuple[str, int, str]]] = defaultdict(list)
    for row in rows:
        if row.family == _PARTS:
            place = Spot(row.spot.class_index, row.spot.class_name, _PARTS)
            parts[place].append((row.slot, row.spot.index or 0, row.reading.key))
    owners: dict[tuple[tuple[str, int, str], ...], Spot] = {}
    for place, texts in parts.items():
        first = owners.setdefault(tuple(sorted(texts)), place)
        if first is not place:
            message = f"the texts of all parts say the same as those of the class {first.class_name!r}"
            yield finding("duplicate-across", message, place)


def near_duplicates(rows: Sequence[Row]) -> Iterator[Finding]:
    """Texts of a slot that are nearly the same; each is reported once per rule, against a text that it resembles."""
    different: dict[tuple[str, int | None, str], Row] = {}
    for row in rows:
        if row.family not in (_PARTS, "label"):
            different.setdefault((row.slot, row.spot.class_index, row.reading.key), row)
    groups: dict[tuple[str, tuple[str, ...]], list[Row]] = defaultdict(list)
    for row in different.values():
        groups[row.slot, row.signature].append(row)
    for group in groups.values():
        if len(group) > 1:
            yield from _near(group)


def _near(group: Sequence[Row]) -> Iterator[Finding]:
    """Near duplicates among texts of one slot and signature.

    Sets with a Jaccard index of at least t have at least t n elements in common, n being the size of either. So, sorted
    alike, they share one of their first n - ceil(t n) + 1 elements; with the rarest first, few pairs are compared.
    """
    counts = Counter(token for row in group for token in row.tokens)
    holders: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in group:
        rare = sorted(row.tokens, key=lambda token: (counts[token], token))
        prefix = rare[: len(rare) - math.ceil(NEAR * len(rare)) + 1]
        open_rules = {True: "near-duplicate-within", False: "near-duplicate-across"}
        for other in {id(item): item for token in prefix for item in holders[token]}.values():
            within = other.spot.class_index == row.spot.class_index
            if within in open_rules and _alike(row, other):
                where = f"text {other.spot.index} of this slot" if within else f"the class {other.spot.class_name!r}"
                message = f"says nearly the same as {where}: {other.reading.text!r}"
                yield finding(open_rules.pop(within), message, row.spot)
        for token in prefix:
            holders[token].append(row)


def _alike(row: Row, other: Row) -> bool:
    if row.reading.key == other.reading.key:
        return False  # equal texts have rules of their own
    return _jaccard(row.tokens, other.tokens) >= NEAR


def _jaccard(a: frozenset[tuple[str, int]], b: frozenset[tuple[str, int]]) -> float:
    common = len(a & b)
    return common / max(1, len(a) + len(b) - common)
