"""Bad style in facts: texts that are too short, too long, or give their class's name away."""

from __future__ import annotations

from zsl_skeleton.semantics.facts.model import PARTS, ClassFacts, Facts
from zsl_skeleton.semantics.words import leaks_name, word_count

LENGTHS: dict[str, tuple[int, int]] = {
    "motion": (8, 20),
    "phases": (8, 18),
    "coarse": (4, 9),
    "medium": (9, 16),
    "fine": (14, 26),
    "second": (3, 9),
}
"""Fewest and most words; texts outside are bad style, not errors."""


def style_problems(facts: Facts) -> list[str]:
    """What is wrong with the style of all classes, one line each that begins with the name of the class."""
    return [f"{entry.name}: {problem}" for entry in facts.classes for problem in class_problems(entry)]


def class_problems(entry: ClassFacts) -> list[str]:
    """What is wrong with the style of one class, one line per text, in words that a writer can act on."""
    found = []
    for place, rule, text in entry.shown():
        least, most = LENGTHS[rule]
        if not least <= word_count(text) <= most:
            found.append(f"{place} has {word_count(text)} words, not {least} to {most}: {text!r}")
        if leaks_name(text, entry.name):
            found.append(f"{place} gives the class name away: {text!r}")
    # Composed sentences say whose part it is: "the first person's right arm".
    for part in PARTS if entry.second else ():
        for level, text in entry.parts[part].model_dump(exclude={"moves"}).items():
            if not text.startswith("the "):
                found.append(f'parts.{part}.{level} does not begin with "the": {text!r}')
    return found
