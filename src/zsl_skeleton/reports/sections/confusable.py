"""Which classes lie close to each other, by their texts and by their motions, and whether the method mixes them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.reports.document import Cell, Section, Share, Table
from zsl_skeleton.reports.likeness import motion_cosines, text_cosines
from zsl_skeleton.reports.opened import OpenedRun
from zsl_skeleton.semantics.report.geometry import Neighbours, nearest


def confusable(opened: OpenedRun) -> Section | None:
    """The nearest classes of every unseen class; None where the inputs are gone."""
    if opened.inside is None:
        return None
    names = opened.inside.inputs.task.dataset.class_names
    sides = [
        nearest(cosines, opened.numbers) for cosines in (text_cosines(opened.inside), motion_cosines(opened.inside))
    ]
    confusion = np.array(opened.report.confusion)
    rows: list[tuple[Cell, ...]] = []
    for place, (by_text, by_motion) in enumerate(zip(*sides, strict=True)):
        taken = _taken(by_text, opened, confusion, place), _taken(by_motion, opened, confusion, place)
        near = [_name(found, names) for side in (by_text, by_motion) for found in (side.unseen, side.seen)]
        rows.append(
            (f"{opened.numbers[place]} {opened.names[place]}", near[0], taken[0], near[2], taken[1], near[1], near[3])
        )
    table = Table(
        "Nearest classes of every unseen class with their cosine, and the share of its clips, in percent, that were "
        "taken for the nearest unseen one. Texts: means over the slots that the run read. Motions: mean features of "
        "the test clips",
        (
            "class",
            "nearest unseen by text",
            "taken for it",
            "nearest unseen by motion",
            "taken for it ",
            "nearest seen by text",
            "nearest seen by motion",
        ),
        tuple(rows),
    )
    return Section("confusable", "Confusable", (table,))


def _name(found: tuple[int, float] | None, names: tuple[str, ...]) -> str | None:
    return None if found is None else f"{names[found[0]]} ({found[1]:.2f})"


def _taken(side: Neighbours, opened: OpenedRun, confusion: NDArray[np.int64], place: int) -> Share | None:
    clips = int(confusion[place].sum())
    if side.unseen is None or not clips:
        return None
    return Share(float(confusion[place, opened.numbers.index(side.unseen[0])] / clips))
