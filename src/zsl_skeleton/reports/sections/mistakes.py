"""The clips that a run gets most wrong, moving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from zsl_skeleton.errors import InputError
from zsl_skeleton.html.svg import drawing, element, text
from zsl_skeleton.reports.document import Figure, Figures, Section, Text
from zsl_skeleton.reports.missing import gone
from zsl_skeleton.reports.opened import OpenedRun, input_of
from zsl_skeleton.reports.sampling import worst
from zsl_skeleton.reports.skeleton import SIZE, Placed, bones, pose
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

_GHOSTS = (0.0, 0.5, 1.0)


def mistakes(opened: OpenedRun) -> tuple[Section, dict[str, Any]]:
    """The section, and the clips for the script of the page."""
    rows = worst(opened.scores, opened.labels).tolist()
    wrong = int((opened.predicted != opened.labels).sum())
    what = (
        f"{wrong} of {len(opened.ids)} unseen test clips are named wrongly; these by the widest margin."
        if wrong
        else f"All {len(opened.ids)} unseen test clips are named rightly; these by the narrowest margin."
    )
    try:
        skeletons = SkeletonSet.open(input_of(opened.store, opened.source("features"), "skeletons"))
        found = {name: row for row, name in enumerate(skeletons.ids)}
        clips = [Placed(skeletons.clips[found[opened.ids[row]]]) for row in rows if opened.ids[row] in found]
    except InputError as error:
        return Section("mistakes", "Mistakes", (Text(what), *_listed(opened, rows), gone("The clips", error))), {}
    shown = [row for row in rows if opened.ids[row] in found]
    figures = [_figure(opened, row, number, clip) for number, (row, clip) in enumerate(zip(shown, clips, strict=True))]
    about = Text(
        f"{what} A heading names the class of a clip → the class it was given. "
        f"Left side of the body blue, right side orange. Each clip is resampled to {clips[0].frames} frames."
    )
    data = {"bones": bones(), "clips": [clip.as_json() for clip in clips]}
    return Section("mistakes", "Mistakes", (about, Figures(tuple(figures), playing=True))), data


def _listed(opened: OpenedRun, rows: Sequence[int]) -> list[Text]:
    return [Text("; ".join(_names(opened, row) for row in rows) + ".")]


def _names(opened: OpenedRun, row: int) -> str:
    own, given = int(opened.labels[row]), int(opened.predicted[row])
    taken = f"taken for {opened.names[given]}" if own != given else "named rightly"
    return f"{opened.ids[row]} ({opened.names[own]}) {taken}"


def _figure(opened: OpenedRun, row: int, number: int, clip: Placed) -> Figure:
    own, given = int(opened.labels[row]), int(opened.predicted[row])
    still = clip.liveliest
    ghosts = [
        drawn
        for share in _GHOSTS
        for person in clip.points(round(share * (clip.frames - 1)))
        for drawn in pose(person, "faint")
    ]
    persons = [element("g", *pose(person), class_="person") for person in clip.points(still)]
    children = [element("g", *ghosts, class_="still"), *persons]
    children.append(text(f"frame {still + 1} of {clip.frames}", SIZE[0] / 2, SIZE[1] - 4, "tick clock", "middle"))
    says = (
        f"Skeleton of clip {opened.ids[row]}, {opened.names[own]}: first, middle and last pose behind the liveliest one"
    )
    drawn = drawing(SIZE, says, children, "clip")
    title = f"{opened.names[own]} → {opened.names[given]}" if own != given else opened.names[own]
    told = Markup(str(drawn).replace("<svg ", f'<svg data-clip="{number}" ', 1))
    scores = opened.scores[row]
    order = np.argsort(-scores, kind="stable")[:3]
    ranks = ", ".join(f"{opened.names[k]} {scores[k]:.3g}" for k in order)
    return Figure(title, told, f"{opened.ids[row]}. Scores: {ranks}.")
