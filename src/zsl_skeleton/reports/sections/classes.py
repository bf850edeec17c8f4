"""Class by class: accuracy and what was taken for what."""

from __future__ import annotations

import numpy as np

from zsl_skeleton.reports.document import Cell, Section, Table
from zsl_skeleton.reports.interval import share_of
from zsl_skeleton.reports.opened import OpenedRun


def classes(opened: OpenedRun) -> Section:
    """Accuracy of every unseen class and the confusion matrix, both with the unseen classes as candidates."""
    confusion = np.array(opened.report.confusion)
    rows: list[tuple[Cell, ...]] = []
    for place, row in enumerate(opened.report.per_class):
        wrong = np.where(np.arange(len(confusion)) == place, 0, confusion[place])
        taken = ""
        if wrong.any():
            other = int(wrong.argmax())
            taken = f"{opened.names[other]} ({wrong[other]} of {row.clips})"
        found = None if row.accuracy is None else share_of(confusion[place, place], row.clips)
        rows.append((f"{row.index} {row.name}", found, row.clips, taken))
    per_class = Table(
        "Accuracy of every unseen class in percent, the unseen classes being candidates; intervals: 95 %, over clips",
        ("class", "accuracy", "clips", "most often taken for"),
        tuple(rows),
        look="bars",
    )
    matrix = Table(
        "Confusion matrix: test clips by their class (row) and the class they were given (column, by its number)",
        ("class", *(str(number) for number in opened.numbers)),
        tuple(
            (f"{row.index} {row.name}", *(int(count) for count in counts))
            for row, counts in zip(opened.report.per_class, confusion, strict=True)
        ),
        look="matrix",
    )
    return Section("classes", "Classes", (per_class, matrix))
