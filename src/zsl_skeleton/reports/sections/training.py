"""What the training recorded, epoch by epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from zsl_skeleton.html.charts import Axis, Plane, spanning
from zsl_skeleton.html.svg import drawing, mark, path, series
from zsl_skeleton.reports.document import Figure, Figures, Section
from zsl_skeleton.reports.opened import OpenedRun

_ABOUT = ("phase", "epoch")
_ORDER = ("loss", "accuracy", "learning_rate")


def training(opened: OpenedRun) -> Section | None:
    """A curve per recorded quantity, a line per phase; None for a closed form."""
    names = list(dict.fromkeys(name for record in opened.records for name in record if name not in _ABOUT))
    names.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else 1)
    figures = [figure for name in names if (figure := _curve(name, opened.records)) is not None]
    return Section("training", "Training", (Figures(tuple(figures)),)) if figures else None


def _curve(name: str, records: Sequence[Mapping[str, Any]]) -> Figure | None:
    phases: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record in records:
        if isinstance(record.get(name), int | float):
            phases[str(record["phase"])].append((float(record["epoch"]), float(record[name])))
    points = [point for found in phases.values() for point in found]
    if not points:
        return None
    words = name.replace("_", " ")
    epochs, values = [x for x, _ in points], [y for _, y in points]
    share = name == "accuracy"
    y = Axis("accuracy, %", 0.0, 1.0, percent=True) if share else spanning(words, values)
    plane = Plane(Axis("epoch", 0.0, max(*epochs, 1.0)), y, height=230.0)
    drawn = [*plane.frame()]
    for index, found in enumerate(phases.values()):
        places = [plane.at(x, y) for x, y in found]
        drawn.append(path(places, f"curve {series(index)}"))
        drawn.append(mark("circle", places[-1], 3.0, f"fill {series(index)}"))
    says = "; ".join(f"{phase}: from {found[0][1]:.4g} to {found[-1][1]:.4g}" for phase, found in phases.items())
    legend = tuple((series(k), phase) for k, phase in enumerate(phases)) if len(phases) > 1 else ()
    return Figure(words, drawing(plane.size, f"{words} over epochs; {says}", drawn), legend=legend)
