"""Several runs of one setting as one table: mean and spread per control, beside chance."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from zsl_skeleton.evaluation.generalised import GeneralisedReport
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.evaluation.statistics import bootstrap_interval

SYNTHETIC = "SYNTHETIC recordings: these figures say nothing about real ones"


def summarise(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """One row per control, in the order in which they first occur.

    ``accuracy`` and ``mean_class_accuracy`` are means over the runs, in [0, 1]; ``deviation`` is the sample standard
    deviation of the accuracy, and ``interval`` the 95 % bootstrap interval of its mean over the seeds of this one split
    (it says nothing about other splits); both are None for a single run.
    """
    controls = dict.fromkeys(report.control for report in reports)
    rows = []
    for control in controls:
        group = [report for report in reports if report.control == control]
        accuracies = [report.accuracy for report in group]
        interval = bootstrap_interval(accuracies)
        rows.append(
            {
                "control": control,
                "runs": len(group),
                "accuracy": statistics.mean(accuracies),
                "deviation": statistics.stdev(accuracies) if len(group) > 1 else None,
                "interval": [interval.low, interval.high] if interval else None,
                "mean_class_accuracy": statistics.mean(report.mean_class_accuracy for report in group),
                "chance": group[0].chance,
                "oracle": group[0].selection.oracle,
                "generalised": _generalised([report.generalised for report in group if report.generalised]),
            }
        )
    return rows


def _generalised(reports: Sequence[GeneralisedReport]) -> dict[str, Any] | None:
    """Means over runs of the area and, per sample and rule, of seen, unseen and harmonic; None without such reports."""
    if not reports:
        return None
    rules = {
        row.rule: [one for report in reports for one in report.rows if one.rule == row.rule] for row in reports[0].rows
    }
    keys = ("seen", "unseen", "harmonic")
    means = {
        rule: {key: statistics.mean(getattr(row.sample, key) for row in rows) for key in keys}
        | {"oracle": rows[0].oracle}
        for rule, rows in rules.items()
    }
    return {"runs": len(reports), "area": statistics.mean(report.area for report in reports), "rules": means}


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
        f"  {'texts':<14}{'runs':>5}{'ZSL accuracy':>32}{'class mean':>13}{'chance':>10}",
    ]
    for row in summarise(reports):
        spread = "" if row["deviation"] is None else f" +- {100 * row['deviation']:.1f}"
        between = "" if row["interval"] is None else " [{:.1f}, {:.1f}]".format(*(100 * end for end in row["interval"]))
        accuracy = f"{100 * row['accuracy']:.1f}{spread} %{between}" + (" (oracle)" if row["oracle"] else "")
        texts = "real" if row["control"] == "none" else row["control"]
        mean, chance = (f"{100 * row[key]:.1f} %" for key in ("mean_class_accuracy", "chance"))
        lines.append(f"  {texts:<14}{row['runs']:>5}{accuracy:>32}{mean:>13}{chance:>10}")
    for row in (row for row in summarise(reports) if row["generalised"]):
        lines += _generalised_lines("real" if row["control"] == "none" else row["control"], row["generalised"])
    return "\n".join(lines)


def _generalised_lines(texts: str, means: dict[str, Any]) -> list[str]:
    """Seen, unseen and H of every rule, as means over runs."""
    heading = f"  generalised, {texts} texts, mean of {means['runs']}"
    lines = [f"{heading:<44}{'seen':>8}{'unseen':>8}{'H':>8}"]
    for rule, row in means["rules"].items():
        figures = "".join(f"{100 * row[key]:8.1f}" for key in ("seen", "unseen", "harmonic"))
        lines.append(f"    {rule:<40}{figures}" + ("   (oracle)" if row["oracle"] else ""))
    return [*lines, f"    area under the seen-unseen curve {100 * means['area']:.1f}"]
