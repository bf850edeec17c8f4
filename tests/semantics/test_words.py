"""Leaks, and when two texts are the same."""

from __future__ import annotations

import pytest

from zsl_skeleton.semantics.words import leaks_name, same_key


@pytest.mark.parametrize(
    ("text", "name", "leaks"),
    [
        ("The person draws a line in circles.", "draw circle", True),
        ("The hand moves in a circular path.", "draw circle", False),
        ("The person draws the hand back.", "draw circle", False),
        ("The hand touches the other hand.", "touch other person's pocket", False),
        ("The person touches a pocket.", "touch other person's pocket", True),
        ("The right arm is bent.", "bend", False),
        ("The trunk bends forward.", "bend", True),
        ("The person stands up.", "put on", False),
    ],
)
def test_leak_needs_every_content_word(text: str, name: str, leaks: bool) -> None:
    assert leaks_name(text, name) is leaks


def test_same_text_ignores_case_blanks_and_punctuation() -> None:
    assert same_key("The left-arm  rises.") == same_key("the left arm, rises")
    assert same_key("The left arm rises.") != same_key("The right arm rises.")
