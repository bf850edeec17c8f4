"""SMIE: how the score of a clip's class grows with the share of its frames that was observed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.html.charts import Axis, Plane, spanning
from zsl_skeleton.html.svg import drawing, mark, path, series, shape
from zsl_skeleton.reports.document import Figure, Figures, Section, Text
from zsl_skeleton.reports.missing import gone
from zsl_skeleton.reports.opened import Inside, OpenedRun
from zsl_skeleton.reports.sampling import some_clips
from zsl_skeleton.training.frozen import frozen_clips

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_PER_CLASS = 4
_MOST_CLASSES = 8
_ABOUT = (
    "The first frames of some test clips go through the frozen backbone, and the method scores what it has seen so "
    "far. The margin is the score of the clip's own class minus the best other one: above 0 the clip is named rightly."
)


def observed(opened: OpenedRun, inside: Inside) -> Section | None:
    """Margin over the share of frames, and how many clips are right by then."""
    rows = _chosen(opened)
    try:
        margins = _margins(opened, inside, rows)
    except InputError as error:
        return Section("observed", "Frames observed", (Text(_ABOUT), gone("The curves", error)))
    figures = (_margin_figure(opened, rows, margins), _right_figure(margins))
    return Section("observed", "Frames observed", (Text(_ABOUT), Figures(figures)))


def _chosen(opened: OpenedRun) -> NDArray[np.int64]:
    kept = opened.labels < _MOST_CLASSES
    return np.flatnonzero(kept)[some_clips(opened.labels[kept], _PER_CLASS)]


def _margins(opened: OpenedRun, inside: Inside, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """[shares, n] of the clips at ``rows``.

    Raises:
        InputError: the skeletons or the backbone are gone.
    """
    frozen = frozen_clips(opened.source("features"), torch.device("cpu")).only([opened.ids[row] for row in rows])
    clips = frozen.read(torch.arange(len(rows)))
    found = []
    for share in SHARES:
        seen = clips[:, :, : max(1, round(share * clips.shape[2]))]
        pooled = frozen.encode(seen)
        if pooled.shape[1] != inside.inputs.test.features["pooled"].shape[1]:
            raise InputError(
                "the beginning of a clip cannot be encoded",
                why=f"the number of features of {opened.report.backbone} depends on the number of frames",
                mend="train on the features of another backbone, e.g. --backbone st-gcn",
            )
        with torch.no_grad():
            scores = inside.method.scores({"pooled": pooled}, inside.state).numpy().astype(np.float64)
        own = np.take_along_axis(scores, opened.labels[rows][:, None], axis=1)[:, 0]
        np.put_along_axis(scores, opened.labels[rows][:, None], -np.inf, axis=1)
        found.append(own - scores.max(1))
    return np.stack(found)


def _margin_figure(opened: OpenedRun, rows: NDArray[np.int64], margins: NDArray[np.float64]) -> Figure:
    places = [int(place) for place in np.unique(opened.labels[rows])]
    means = {place: margins[:, opened.labels[rows] == place].mean(1) for place in places}
    values = [float(v) for mean in means.values() for v in mean]
    plane = Plane(Axis("share of the frames, %", 0.0, 1.0, True), spanning("margin", [*values, 0.0]))
    drawn = [*plane.frame(), path([plane.at(0.0, 0.0), plane.at(1.0, 0.0)], "guide")]
    for place, mean in means.items():
        at = [plane.at(share, float(value)) for share, value in zip(SHARES, mean, strict=True)]
        drawn += [path(at, f"curve {series(place)}"), mark(shape(place), at[-1], 4.0, f"dot {series(place)}")]
    told = "; ".join(f"{opened.names[p]} from {mean[0]:.2f} to {mean[-1]:.2f}" for p, mean in means.items())
    legend = tuple((f"{series(p)} {shape(p)}", opened.names[p]) for p in places)
    return Figure(
        "Margin of the right class",
        drawing(plane.size, f"Mean margin of the right class over the share of frames observed: {told}", drawn),
        f"Mean of up to {_PER_CLASS} clips per class.",
        legend,
    )


def _right_figure(margins: NDArray[np.float64]) -> Figure:
    right = (margins > 0).mean(1)
    plane = Plane(Axis("share of the frames, %", 0.0, 1.0, True), Axis("clips named rightly, %", 0.0, 1.0, True))
    at = [plane.at(share, float(value)) for share, value in zip(SHARES, right, strict=True)]
    drawn = [*plane.frame(), path(at, "curve s1"), *(mark("circle", point, 3.0, "fill s1") for point in at)]
    told = ", ".join(f"{100 * share:.0f}: {100 * value:.0f}" for share, value in zip(SHARES, right, strict=True))
    says = f"Percent of {margins.shape[1]} clips named rightly by percent of frames: {told}"
    return Figure("Right by then", drawing(plane.size, says, drawn), f"{margins.shape[1]} clips.")
