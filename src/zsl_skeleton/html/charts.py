"""Charts at the size of a telephone's width, so that their letters stay readable there; wider screens enlarge them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from zsl_skeleton.html.svg import compact, element, line, mark, text

_MARGINS = (50.0, 10.0, 12.0, 38.0)  # left, top, right, bottom


@dataclass(frozen=True)
class Axis:
    """A scale from ``low`` to ``high``; ``percent``: values are shares, labelled in percent."""

    label: str
    low: float
    high: float
    percent: bool = False

    @property
    def ticks(self) -> list[float]:
        """About five round values within the scale."""
        span = self.high - self.low
        if not span > 0:
            return [self.low]
        raw = span / 5
        magnitude = 10.0 ** math.floor(math.log10(raw))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * (1 - 1e-9))
        first = math.ceil(self.low / step - 1e-9)
        return [round(k * step, 12) for k in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def name(self, value: float) -> str:
        """The label of a tick."""
        if self.percent:
            return f"{100 * value:g}"
        small = value and abs(value) < 0.001
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-") if small else f"{value:.4g}"


def spanning(label: str, values: Sequence[float], *, percent: bool = False, zero: bool = False) -> Axis:
    """An axis with a little room around ``values``; ``zero``: from 0 on."""
    low, high = (min(values), max(values)) if len(values) else (0.0, 1.0)
    low = min(low, 0.0) if zero else low
    room = 0.05 * ((high - low) or abs(high) or 1.0)
    return Axis(label, low if zero and low == 0 else low - room, high + room, percent)


@dataclass(frozen=True)
class Plane:
    """Two axes and the room between them, ``width`` x ``height`` with the labels."""

    x: Axis
    y: Axis
    width: float = 380.0
    height: float = 280.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the picture."""
        left, top, right, bottom = _MARGINS
        wide, tall = self.width - left - right, self.height - top - bottom
        across = (x - self.x.low) / ((self.x.high - self.x.low) or 1.0)
        up = (y - self.y.low) / ((self.y.high - self.y.low) or 1.0)
        return left + wide * across, top + tall * (1 - up)

    def frame(self) -> Iterator[Markup]:
        """Grid, ticks and labels."""
        left, top, right, bottom = _MARGINS
        floor = self.height - bottom
        for tick in self.y.ticks:
            y = self.at(self.x.low, tick)[1]
            yield line((left, y), (self.width - right, y), "grid")
            yield text(self.y.name(tick), left - 6, y + 4, "tick", "end")
        for tick in self.x.ticks:
            x = self.at(tick, self.y.low)[0]
            yield line((x, top), (x, floor), "grid")
            yield text(self.x.name(tick), x, floor + 15, "tick", "middle")
        yield text(self.x.label, (left + self.width - right) / 2, self.height - 4, "label", "middle")
        middle = (top + floor) / 2
        turned = f"rotate(-90 10 {compact(middle)})"
        yield element("text", self.y.label, x=10.0, y=middle, class_="label", text_anchor="middle", transform=turned)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.width, self.height


def bars(plane: Plane, edges: Sequence[float], heights: Sequence[float], kind: str) -> Iterator[Markup]:
    """Columns between neighbouring ``edges``."""
    for low, high, height in zip(edges[:-1], edges[1:], heights, strict=True):
        if height > 0:
            (x, y), (end, floor) = plane.at(low, height), plane.at(high, 0.0)
            yield element("rect", x=x + 0.5, y=y, width=max(end - x - 1, 0.5), height=floor - y, class_=kind)


@dataclass(frozen=True)
class Dot:
    """A value on a row, with its interval if there is one; ``kind`` is its colour, ``shape`` its marker."""

    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "s1"
    shape: str = "circle"
    says: str = ""


@dataclass(frozen=True)
class DotPlot:
    """Rows of dots on one scale; ``guides`` are values that a dashed line marks on all rows."""

    axis: Axis
    rows: tuple[tuple[str, tuple[Dot, ...]], ...]
    guides: tuple[float, ...] = ()

    row: ClassVar[float] = 21.0
    names: ClassVar[float] = 150.0
    width: ClassVar[float] = 390.0
    letters: ClassVar[int] = 22

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.width, self.row * len(self.rows) + 40

    def at(self, value: float) -> float:
        """x of a value."""
        share = (value - self.axis.low) / ((self.axis.high - self.axis.low) or 1.0)
        return self.names + (self.width - self.names - 14) * share

    def drawn(self) -> Iterator[Markup]:
        """The whole plot."""
        floor = self.size[1] - 34
        for tick in self.axis.ticks:
            yield line((self.at(tick), 4), (self.at(tick), floor), "grid")
            yield text(self.axis.name(tick), self.at(tick), floor + 14, "tick", "middle")
        yield text(self.axis.label, self.at((self.axis.low + self.axis.high) / 2), floor + 30, "label", "middle")
        for guide in self.guides:
            yield line((self.at(guide), 0), (self.at(guide), floor), "guide")
        for place, (name, dots) in enumerate(self.rows):
            y = self.row * (place + 0.6) + 2
            short = name if len(name) <= self.letters else f"{name[: self.letters - 1]}…"
            yield text(short, self.names - 8, y + 4, "tick", "end")
            for dot in dots:
                if dot.low is not None and dot.high is not None:
                    yield line((self.at(dot.low), y), (self.at(dot.high), y), f"whisker {dot.kind}")
                yield mark(dot.shape, (self.at(dot.value), y), 4.0, f"dot {dot.kind}", dot.says)
