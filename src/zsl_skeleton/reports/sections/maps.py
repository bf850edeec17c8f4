"""Test clips and class texts in two dimensions: by the method's scores, by motion alone, by texts alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from zsl_skeleton.html.charts import Axis, Plane, spanning
from zsl_skeleton.html.svg import drawing, element, line, mark, series, shape, text
from zsl_skeleton.reports.document import Figure, Figures, Section, Text
from zsl_skeleton.reports.likeness import text_cosines
from zsl_skeleton.reports.opened import Inside, OpenedRun
from zsl_skeleton.reports.planes import Floats, biplot, principal, scaled

_MOST_CLIPS = 800
_ABOUT = (
    "Left: clips lie in the direction of the classes that the method scores high for them (principal plane of the "
    "scores, each clip's mean score taken away). A cross is a clip that was named wrongly. The other maps do not know "
    "the method: principal components of the clips' features, and classical scaling of the cosines between class texts."
)


def maps(opened: OpenedRun) -> Section:
    """One figure by the scores and, if the inputs can be reached, one per side."""
    figures = [_by_scores(opened)]
    if opened.inside:
        figures += [_by_motion(opened, opened.inside), _by_texts(opened, opened.inside)]
    return Section("map", "Map", (Text(_ABOUT), Figures(tuple(figures))))


def _by_scores(opened: OpenedRun) -> Figure:
    clips, classes = biplot(opened.scores)
    plane = _square(np.concatenate([clips.points, classes.points, np.zeros((1, 2))]))
    origin = plane.at(0.0, 0.0)
    drawn = [*plane.frame()]
    drawn += [
        line(origin, plane.at(*map(float, point)), f"guide {series(k)}") for k, point in enumerate(classes.points)
    ]
    drawn += _clips(opened, plane, clips.points)
    drawn += _named(opened, plane, classes.points)
    said = f"{100 * clips.shown:.0f} % of the variance of the scores"
    return Figure(
        "Clips and class texts as the method sees them",
        drawing(
            plane.size,
            f"Map of {len(opened.ids)} clips and {len(opened.names)} class texts; shows {said}",
            drawn,
            "map",
        ),
        f"Shows {said}.{_thinned(opened)}",
        _legend(opened),
    )


def _by_motion(opened: OpenedRun, inside: Inside) -> Figure:
    features = inside.inputs.test.features
    first = features.get("pooled", next(iter(features.values()))).numpy()
    pooled = first if first.ndim == 2 else first.mean(1)
    found = principal(pooled)
    plane = _square(found.points)
    means = np.array([_mean(found.points[opened.labels == k]) for k in range(len(opened.names))])
    drawn = [*plane.frame(), *_clips(opened, plane, found.points), *_named(opened, plane, means)]
    said = f"{100 * found.shown:.0f} % of the variance of the features"
    return Figure(
        "Clips by their motion alone",
        drawing(plane.size, f"Map of {len(opened.ids)} unseen test clips; shows {said}", drawn, "map"),
        f"Backbone {opened.report.backbone}; shows {said}. Large marks: means of the classes.",
        _legend(opened),
    )


def _by_texts(opened: OpenedRun, inside: Inside) -> Figure:
    cosines = text_cosines(inside)
    found = scaled(cosines)
    plane = _square(found.points)
    names = inside.inputs.task.dataset.class_names
    others = [index for index in range(len(names)) if index not in opened.numbers]
    drawn = [*plane.frame()]
    drawn += [mark("circle", plane.at(*_xy(found.points[i])), 3.0, "pale", f"{i} {names[i]} (seen)") for i in others]
    drawn += _named(opened, plane, found.points[list(opened.numbers)])
    said = f"{100 * found.shown:.0f} % of the squared distances"
    return Figure(
        "Class texts alone",
        drawing(plane.size, f"Map of the texts of {len(names)} classes; shows {said}", drawn, "map"),
        f"Encoder {opened.report.encoder}, slots {', '.join(opened.report.slots)}; shows {said}.",
        (*_legend(opened), ("pale-key circle", f"{len(others)} seen classes")),
    )


def _clips(opened: OpenedRun, plane: Plane, points: Floats) -> list[Markup]:
    rows = np.arange(len(points))
    if len(rows) > _MOST_CLIPS:
        rows = np.linspace(0, len(points) - 1, _MOST_CLIPS).astype(np.int64)
    drawn = []
    for row in rows:
        own, given = int(opened.labels[row]), int(opened.predicted[row])
        at, says = plane.at(*_xy(points[row])), f"{opened.ids[row]}: {opened.names[own]}"
        if own == given:
            drawn.append(mark(shape(own), at, 3.2, f"dot {series(own)}", says))
        else:
            drawn.append(mark("cross", at, 3.2, f"missed {series(own)}", f"{says}, taken for {opened.names[given]}"))
    return drawn


def _named(opened: OpenedRun, plane: Plane, points: Floats) -> list[Markup]:
    """Marks with the numbers of the classes."""
    drawn = []
    for place, point in enumerate(points):
        x, y = plane.at(*_xy(point))
        says = f"{opened.numbers[place]} {opened.names[place]}"
        drawn.append(mark(shape(place), (x, y), 6.5, f"ring {series(place)}", says))
        drawn.append(text(str(opened.numbers[place]), x + 8, y - 6, "name"))
    return drawn


def _legend(opened: OpenedRun) -> tuple[tuple[str, str], ...]:
    pairs = zip(opened.numbers, opened.names, strict=True)
    return tuple((f"{series(k)} {shape(k)}", f"{number} {name}") for k, (number, name) in enumerate(pairs))


def _thinned(opened: OpenedRun) -> str:
    count = len(opened.ids)
    return f" {_MOST_CLIPS} of {count} clips are drawn." if count > _MOST_CLIPS else ""


def _square(points: Floats) -> Plane:
    """A plane without numbers: only distances and directions mean something, so both axes have one scale."""
    x, y = (spanning("", points[:, k].tolist()) for k in (0, 1))
    half = max(x.high - x.low, y.high - y.low) / 2
    middles = [(axis.low + axis.high) / 2 for axis in (x, y)]
    across, up = (Axis("", middle - half, middle + half) for middle in middles)
    return _Bare(across, up, width=360.0, height=360.0)


class _Bare(Plane):
    """A plane without scales, up to its edges."""

    def frame(self) -> Iterator[Markup]:
        """An outline."""
        yield element("rect", x=0.5, y=0.5, width=self.width - 1, height=self.height - 1, class_="guide outline")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies on the picture."""
        across = (x - self.x.low) / ((self.x.high - self.x.low) or 1.0)
        up = (y - self.y.low) / ((self.y.high - self.y.low) or 1.0)
        return 12 + (self.width - 24) * across, 12 + (self.height - 24) * (1 - up)


def _mean(points: Floats) -> Floats:
    return points.mean(0) if len(points) else np.full(2, 0.0)


def _xy(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])
