"""MSF: where its gate puts the clips of every class."""

from __future__ import annotations

import numpy as np

from zsl_skeleton.evaluation.gate import softmax
from zsl_skeleton.html.charts import Axis, Dot, DotPlot
from zsl_skeleton.html.svg import drawing
from zsl_skeleton.reports.document import Figure, Figures, Section, Text
from zsl_skeleton.reports.opened import Inside, OpenedRun

_MOST = 60
_ABOUT = (
    "P(seen) of up to {} test clips of every class: median (mark) and the middle half of the clips (line). The gate "
    "sees two confidence profiles of a clip and no label; it was fitted on held-out seen classes."
)


def gate(opened: OpenedRun, inside: Inside) -> Section | None:
    """Quartiles of P(seen) per class; says how to get them where the run has no gate."""
    if opened.calibration is None:
        why = Text(
            "The run was not tested on seen classes, so it has no gate.",
            "hint",
            f"{opened.run.card.made.command} --gzsl",
        )
        return Section("gate", "Gate", (why,))
    stored, found = opened.calibration.gate.gate(), inside.evidence
    p = stored.probability(softmax(found.unseen_scores), found.logits[:, found.columns], found.seen)
    rows = []
    for index, name in enumerate(inside.inputs.task.dataset.class_names):
        own = p[found.labels == index]
        if len(own):
            low, median, high = (float(value) for value in np.quantile(own, [0.25, 0.5, 0.75]))
            kind, shape = ("s1", "circle") if found.seen[index] else ("s2", "diamond")
            dot = Dot(median, low, high, kind, shape, f"{name}: {median:.2f}")
            rows.append((bool(found.seen[index]), median, (f"{index} {name}", (dot,))))
    rows.sort(key=lambda row: row[:2])
    plot = DotPlot(Axis("P(seen)", 0.0, 1.0), tuple(row for _, _, row in rows[:_MOST]), (stored.threshold,))
    medians = [[median for seen, median, _ in rows if seen == side] for side in (False, True)]
    said = [
        f"{name} from {min(part):.2f} to {max(part):.2f}"
        for name, part in zip(("unseen", "seen"), medians, strict=True)
        if part
    ]
    figure = Figure(
        "P(seen) by class",
        drawing(
            plot.size, f"Median P(seen) of the classes: {', '.join(said)}; threshold {stored.threshold:g}", plot.drawn()
        ),
        f"Dashed: threshold {stored.threshold:g}.",
        (("s1 circle", "seen class"), ("s2 diamond", "unseen class")),
    )
    return Section("gate", "Gate", (Text(_ABOUT.format(inside.per_class)), Figures((figure,))))
