"""How alike classes are, by their texts and by their motions."""

from __future__ import annotations

import numpy as np

from zsl_skeleton.reports.opened import Inside
from zsl_skeleton.semantics.report.geometry import Matrix, cosines


def text_cosines(inside: Inside) -> Matrix:
    """Cosine between the mean texts of all classes as the run read them, mean over its slots; [C, C]."""
    means = (inside.inputs.text.mean(slot).numpy().astype(np.float64) for slot in inside.method.slots)
    found: Matrix = np.mean([cosines(rows) for rows in means], axis=0)
    return found


def motion_cosines(inside: Inside) -> Matrix:
    """Cosine between the mean features of the test clips of all classes, the mean of all taken away; [C, C].

    NaN where a class has no test clip.
    """
    parts = inside.inputs.parts
    classes = len(inside.inputs.task.dataset.classes)
    means = np.full((classes, parts.test_unseen.arrays["pooled"].shape[1]), np.nan)
    for part in (parts.test_unseen, parts.test_seen):
        for label in np.unique(part.labels):
            means[label] = part.arrays["pooled"][part.labels == label].mean(0, dtype=np.float64)
    return cosines(means - np.nanmean(means, axis=0))
