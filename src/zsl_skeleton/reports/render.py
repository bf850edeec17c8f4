"""A report as one HTML file, or as its tables in another format."""

from __future__ import annotations

from pathlib import Path

from zsl_skeleton.html import Pages
from zsl_skeleton.registry import find_name, resolve
from zsl_skeleton.reports.document import Document, Figures, Link, Share, Table, Text
from zsl_skeleton.reports.formats import plain

FORMATS: dict[str, str] = {
    "html": "zsl_skeleton.reports.render:html",
    "md": "zsl_skeleton.reports.formats:markdown",
    "csv": "zsl_skeleton.reports.formats:csv",
    "latex": "zsl_skeleton.reports.formats:latex",
}
"""Name of a format -> what turns a document into text."""

_PAGES = Pages(Path(__file__).resolve().parent / "template", ("report.css",), ("skeletons.js", "tables.js"))


def render(document: Document, form: str = "html") -> str:
    """The report in one of :data:`FORMATS`; equal reports give equal bytes.

    Raises:
        UsageError: there is no such format.
    """
    made: str = resolve("format", find_name("format", form, FORMATS), FORMATS)(document)
    return made


def html(document: Document) -> str:
    """One self-contained page."""
    kinds = {Table: "table", Figures: "figures", Text: "text"}
    values = {
        "document": document,
        "kind": lambda block: kinds[type(block)],
        "is_share": lambda cell: isinstance(cell, Share),
        "is_link": lambda cell: isinstance(cell, Link),
        "plain": plain,
        "strength": _strength,
    }
    return _PAGES.render("report.html.j2", values)


def _strength(row: tuple[object, ...], cell: object) -> int:
    """Share of the cell in the numbers of its row, in percent."""
    total = sum(value for value in row if isinstance(value, int))
    return round(100 * cell / total) if isinstance(cell, int) and total else 0
