"""Several runs of one setting as one table: mean and spread per control, beside chance."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from zsl_skeleton.evaluation.report import Report

SYNTHETIC = "SYNTHETIC recordings: these figures say nothing about real ones"


def summarise(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """One row per control, in the order in which they first occur.

    ``accuracy`` and ``mean_class_accuracy`` are means over the runs, in [0, 1]; ``deviation`` is the sample standard
    deviation of the accuracy, None for a single run.
    """
    controls = dict.fromkeys(report.control for report in reports)
    rows = []
    for control in controls:
        group = [report for report in reports if report.control == control]
        accuracies = [report.accuracy for report in group]
        rows.append(
            {
                "control": control,
                "runs": len(group),
                "accuracy": statistics.mean(accuracies),
                "deviation": statistics.stdev(accuracies) if len(group) > 1 else None,
                "mean_class_accuracy": statistics.mean(report.mean_class_accuracy for report in group),
                "chance": group[0].chance,
                "oracle": group[0].selection.oracle,
            }
        )
    return rows


def render_summary(reports: Sequence[Report]) -> str:
    """The rows of :func:`summarise` as a plain-text table under a heading that names the setting."""
    first = reports[0]
    unseen = ", ".join(row.name for row in first.per_class)
    lines = [
        f"{first.method} ({first.preset}) on {first.dataset}, split {first.split}, protocol {first.protocol}",
        *([f"  {SYNTHETIC}"] if first.synthetic else []),
        f"  unseen classes  {unseen}",
        f"  test clips      {first.clips}, of subjects or views that were not trained on",
        f"  encoder {first.encoder}, bank {first.bank}, backbone {first.backbone}",
        "",
        f"  {'texts':<14}{'runs':>5}{'ZSL accuracy':>20}{'class mean':>13}{'chance':>10}",
    ]
    for row in summarise(reports):
        spread = "" if row["deviation"] is None else f" +- {100 * row['deviation']:.1f}"
        accuracy = f"{100 * row['accuracy']:.1f}{spread} %" + (" (oracle)" if row["oracle"] else "")
        texts = "real" if row["control"] == "none" else row["control"]
        mean, chance = (f"{100 * row[key]:.1f} %" for key in ("mean_class_accuracy", "chance"))
        lines.append(f"  {texts:<14}{row['runs']:>5}{accuracy:>20}{mean:>13}{chance:>10}")
    return "\n".join(lines)
