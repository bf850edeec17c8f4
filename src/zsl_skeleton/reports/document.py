"""What a report says, as data: sections of tables, figures and texts. How it looks is for ``render``, ``formats``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from markupsafe import Markup

_MANY_ROWS = 20


@dataclass(frozen=True)
class Share:
    """A share in [0, 1], shown in percent, with its interval if there is one; ``signed``: a difference, in points."""

    value: float
    low: float | None = None
    high: float | None = None
    signed: bool = False

    @property
    def interval(self) -> str:
        """``"[80.1, 92.3]"``, or nothing."""
        if self.low is None or self.high is None:
            return ""
        return f"[{self._percent(self.low)}, {self._percent(self.high)}]"

    @property
    def percent(self) -> str:
        """``"88.6"``."""
        return self._percent(self.value)

    def __str__(self) -> str:
        return f"{self.percent} {self.interval}".rstrip()

    def _percent(self, value: float) -> str:
        return f"{100 * value:{'+' if self.signed else ''}.1f}"


@dataclass(frozen=True)
class Link:
    """Words that lead to another page, by an address relative to this one."""

    text: str
    address: str

    def __str__(self) -> str:
        return self.text


Cell = str | int | float | Share | Link | None
"""None: there is no such value."""


@dataclass(frozen=True)
class Table:
    """Rows under columns; the first cell of a row names it.

    ``look``: ``bars`` draws shares as bars, ``matrix`` shades numbers by their share of the row's sum,
    ``prose`` has sentences where others have names. ``main``: never folded, however long.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    look: Literal["plain", "bars", "matrix", "prose"] = "plain"
    main: bool = False

    @property
    def long(self) -> bool:
        """Whether the table is folded until somebody opens it."""
        return len(self.rows) > _MANY_ROWS and not self.main

    def numeric(self, column: int) -> bool:
        """Whether a column holds numbers."""
        return any(isinstance(row[column], int | float | Share) for row in self.rows)


@dataclass(frozen=True)
class Figure:
    """A drawing with what it shows; ``legend``: (class of the style sheet, meaning)."""

    title: str
    drawing: Markup
    caption: str = ""
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Figures:
    """Figures side by side, as many as there is room for. ``playing``: they hold clips that move."""

    figures: tuple[Figure, ...]
    playing: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph; ``kind`` ``hint`` sets it apart. ``command`` follows as something to type."""

    text: str
    kind: Literal["plain", "hint", "warning"] = "plain"
    command: str = ""


Block = Table | Figures | Text


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; ``id`` is its anchor."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A report.

    Args:
        title: of the page.
        lead: one sentence below it.
        warnings: what has to be known before any figure: synthetic data, oracle selection, altered texts.
        headline: the figures that matter, each with a label.
        facts: (what, value) about where they come from.
        sections: the rest.
        data: JSON values for the scripts of the page.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = ()
    headline: tuple[tuple[Cell, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]
