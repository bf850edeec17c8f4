"""Drawing as SVG that takes its colours from the page's style sheet; every text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

SERIES = 8
"""Number of colours ``s1`` ... ``s8`` that tell series apart; the style sheet defines them for both themes."""
SHAPES = ("circle", "square", "triangle", "diamond")
Value = str | float | None


def element(name: str, *children: str | Markup, **attributes: Value) -> Markup:
    """An element; ``class_`` and ``aria_label`` become ``class`` and ``aria-label``, None leaves an attribute out."""
    told = (
        Markup(' {}="{}"').format(
            key.strip("_").replace("_", "-"), compact(value) if isinstance(value, float) else value
        )
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(map(escape, children))
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup("").join(told), inner)


def drawing(size: tuple[float, float], says: str, children: Iterable[Markup], kind: str = "") -> Markup:
    """A whole picture of ``size`` (width, height) in units of about a pixel; ``says`` is what it tells without eyes."""
    width, height = size
    return element(
        "svg",
        *children,
        role="img",
        aria_label=says,
        class_=f"drawing {kind}".strip(),
        viewBox=f"0 0 {compact(width)} {compact(height)}",
        style=f"--width:{compact(width)}",
    )


def text(words: str, x: float, y: float, kind: str = "", anchor: str = "start") -> Markup:
    """Words at a place; ``anchor`` start, middle or end."""
    return element("text", words, x=x, y=y, class_=kind or None, text_anchor=None if anchor == "start" else anchor)


def line(start: tuple[float, float], end: tuple[float, float], kind: str) -> Markup:
    """A straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=kind)


def path(points: Iterable[tuple[float, float]], kind: str) -> Markup:
    """A line through points."""
    return element("path", d="M" + "L".join(f"{compact(x)} {compact(y)}" for x, y in points), class_=kind)


def mark(shape: str, at: tuple[float, float], size: float, kind: str, says: str = "") -> Markup:
    """A marker of one of :data:`SHAPES`, or ``"cross"``, of about the area of a circle of radius ``size``."""
    x, y = at
    told = [element("title", says)] if says else []
    if shape == "circle":
        return element("circle", *told, cx=x, cy=y, r=size, class_=kind)
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "triangle": [(0, -1.3), (1.2, 0.8), (-1.2, 0.8)],
        "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    }
    if shape == "cross":
        d = f"M{compact(x - size)} {compact(y - size)}l{compact(2 * size)} {compact(2 * size)}m0 -{compact(2 * size)}"
        return element("path", *told, d=f"{d}l-{compact(2 * size)} {compact(2 * size)}", class_=kind)
    points = " ".join(f"{compact(x + size * dx)},{compact(y + size * dy)}" for dx, dy in corners[shape])
    return element("polygon", *told, points=points, class_=kind)


def compact(value: float) -> str:
    """A coordinate in as few characters as a screen can show."""
    rounded = round(float(value), 1)
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"


def series(index: int) -> str:
    """Class of the colour of a series; colours repeat after :data:`SERIES`."""
    return f"s{index % SERIES + 1}"


def shape(index: int) -> str:
    """Shape of the markers of a series: another one when the colours repeat."""
    return SHAPES[index // SERIES % len(SHAPES)]
