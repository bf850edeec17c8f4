"""Sentences about an action of two people: each of them names both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice, product

from zsl_skeleton.semantics.compose.sentences import FIRST, SECOND, Candidate, Fact, Voice, names_second, sentence
from zsl_skeleton.semantics.facts import Phase


def meanwhile(item: Candidate, s: Fact) -> Candidate:
    """A sentence, followed by one about the second person."""
    return replace(
        item,
        text=f"{item.text} Meanwhile, {SECOND} {s.text}.",
        pattern=f"{item.pattern}. Meanwhile, {{s}}",
        places=(*item.places, s.place),
    )


def both_named(voice: Voice, phases: Sequence[Phase], items: Iterable[Candidate], turn: int = 0) -> Iterator[Candidate]:
    """Sentences that name both people: as they are if they do, else with what the second person does meanwhile.

    Args:
        voice: an action of two people.
        phases: when the sentences happen; phases after the first one are spare.
        items: sentences about the first person.
        turn: the phrase about the second person to begin with.
    """
    phrases = voice.second(phases[0])
    found = list(items)
    for number, item in enumerate(found):
        if names_second(item.text):
            yield item
            continue
        start = (turn + number) % len(phrases)
        for s in islice(cycle(phrases), start, start + len(phrases)):
            yield from _extended(item, s)
    for phase, item in product(phases[1:], found):
        for s in voice.second(phase) if not names_second(item.text) else ():
            yield from (replace(spare, spare=spare.spare + 1) for spare in _extended(item, s))


def _extended(item: Candidate, s: Fact) -> Iterator[Candidate]:
    text = item.text.rstrip(".")
    lead, _, rest = text.partition(FIRST if FIRST in text else FIRST.capitalize())
    course = Fact("", rest)
    if not (course.compound or s.compound):
        yield _made(item, s, f"{text} while {SECOND} {s.text}", "{x} while {s}")
    else:
        yield _made(item, s, f"{text}, and {SECOND} {s.text}", "{x}, and {s}")
    # "While the second person steps back, slowly, the first person" has one lead too many.
    if not lead:
        text = text[0].lower() + text[1:]
        yield _made(item, s, f"while {SECOND} {s.text}, {text}", "while {s}, {x}")


def _made(item: Candidate, s: Fact, text: str, pattern: str) -> Candidate:
    whole = pattern.replace("{x}", item.pattern)
    return Candidate(sentence(text), whole, (*item.places, s.place), item.spare)
