"""Contrast of what the style sheets put on what, in both themes, by WCAG 2.2: 4.5 for words, 3 for lines and marks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zsl_skeleton

SHEETS = ("html/template/base.css", "reports/template/report.css", "semantics/report/template/style.css")
SOURCE = "".join((Path(zsl_skeleton.__file__).parent / sheet).read_text() for sheet in SHEETS)
COLOURS = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\);", SOURCE))
SERIES = [f"s{number}" for number in range(1, 9)]
WORDS = ["ink", "soft", "accent", "unseen", "error", "warning", "good"]

Colour = tuple[float, float, float]


def colour(name: str, theme: int) -> Colour:
    found = COLOURS[name].split(",")[theme].strip().lstrip("#")
    red, green, blue = (int(found[k : k + 2], 16) for k in (0, 2, 4))
    return red, green, blue


def luminance(value: Colour) -> float:
    parts = [part / 255 for part in value]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Colour, b: Colour) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (share * x + (1 - share) * y for x, y in zip(a, b, strict=True))
    return red, green, blue


def test_the_measure_knows_black_on_white() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "panel"])
def test_words_and_marks_on_their_ground(theme: int, ground: str) -> None:
    below = colour(ground, theme)
    words = {name: contrast(colour(name, theme), below) for name in WORDS}
    marks = {name: contrast(colour(name, theme), below) for name in SERIES}
    assert {name: value for name, value in words.items() if value < 4.5} == {}
    assert {name: value for name, value in marks.items() if value < 3} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_numbers_on_shaded_cells(theme: int) -> None:
    strongest = float(re.search(r"calc\(var\(--v\) \* ([\d.]+)%\)", SOURCE).group(1))  # type: ignore[union-attr]
    for share in range(0, 101, 5):
        cell = mixed(colour("accent", theme), colour("panel", theme), strongest * share / 100)
        assert contrast(colour("ink", theme), cell) >= 4.5, share


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_found_words(theme: int) -> None:
    assert contrast(colour("ink", theme), colour("found", theme)) >= 4.5


def test_no_colour_is_named_outside_the_two_themes() -> None:
    rules = re.sub(r"light-dark\([^)]*\)", "", SOURCE)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules) == []
