"""Figures from papers, to be printed beside ours. The table holds only those that could be traced to their source."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from zsl_skeleton.files import read_yaml
from zsl_skeleton.registry import normalise

_TABLE = Path(__file__).resolve().with_name("published.yaml")


class PublishedSource(BaseModel):
    """Where figures were read: the authors' own ``logs``, or a ``secondary`` place such as a later paper."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["logs", "secondary"]
    url: str | None


class PublishedResult(BaseModel):
    """What a paper reports on one split, in percent (cross-subject).

    ``zsl`` is top-1 accuracy among the unseen classes; ``seen``, ``unseen`` and ``harmonic`` are the generalised ones.
    ``text`` tells the texts and their encoder. A ``note`` has to be printed wherever the figures are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: str
    method: str
    protocol_id: str
    zsl: float | None = Field(None, ge=0, le=100)
    seen: float | None = Field(None, ge=0, le=100)
    unseen: float | None = Field(None, ge=0, le=100)
    harmonic: float | None = Field(None, ge=0, le=100)
    text: str = ""
    note: str = ""
    source: PublishedSource

    def __str__(self) -> str:
        """One line for a report: method, figures, text, note and source."""
        values = {"ZSL": self.zsl, "seen": self.seen, "unseen": self.unseen, "H": self.harmonic}
        figures = ", ".join(f"{name} {value:g} %" for name, value in values.items() if value is not None)
        details = "; ".join(filter(None, [self.protocol_id, self.text, self.note, f"source: {self.source.name}"]))
        return f"{self.method}: {figures} ({details})"


def published(dataset: str, split: str, method: str | None = None) -> tuple[PublishedResult, ...]:
    """Published results on a split of the catalog.

    Args:
        dataset: a catalog name.
        split: a catalog name, or ``"smie-mean"`` / ``"sadvae-random-mean"`` for the mean over those three splits.
        method: one of our methods (``"mla"``) or a published name (``"SA-DVAE"``); None: all.

    Returns:
        The results in the table's order; empty if none may be printed.
    """
    results, ours = _table()
    found = [r for r in results if (r.dataset, r.split) == (normalise(dataset), normalise(split))]
    if method is not None:
        name = normalise(ours.get(normalise(method), method))
        found = [r for r in found if normalise(r.method) == name]
    return tuple(found)


@functools.cache
def _table() -> tuple[tuple[PublishedResult, ...], dict[str, str]]:
    raw = read_yaml(_TABLE)
    results = [
        PublishedResult.model_validate(
            {"dataset": dataset, "split": split} | row | {"source": raw["sources"][row["source"]]}
        )
        for dataset, splits in raw["results"].items()
        for split, rows in splits.items()
        for row in rows
    ]
    return tuple(results), raw["methods"]
