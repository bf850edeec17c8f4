"""Several runs of one setting as one table: mean and spread per control, beside chance."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zsl_skeleton.evaluation.generalised import GeneralisedReport
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.evaluation.statistics import bootstrap_interval

SYNTHETIC = "SYNTHETIC recordings: these figures say nothing about real ones"
_ABOUT_INTERVALS = "95 % bootstrap over the seeds of this split, none for a single run"


def summarise(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """One row per control, in the order in which they first occur.

    ``accuracy`` and ``mean_class_accuracy`` are means over the runs, in [0, 1]; ``deviation`` is the sample standard
    deviation of the accuracy. ``interval`` and ``mean_class_interval`` are 95 % bootstrap intervals of the means over
    the seeds of this one split: they say nothing about other splits. All three are None for a single run.
    """
    controls = dict.fromkeys(report.control for report in reports)
    rows = []
    for control in controls:
        group = [report for report in reports if report.control == control]
        accuracies = [report.accuracy for report in group]
        class_means = [report.mean_class_accuracy for report in group]
        rows.append(
            {
                "control": control,
                "runs": len(group),
                "accuracy": statistics.mean(accuracies),
                "deviation": statistics.stdev(accuracies) if len(group) > 1 else None,
                "interval": _interval(accuracies),
                "mean_class_accuracy": statistics.mean(class_means),
                "mean_class_interval": _interval(class_means),
                "chance": group[0].chance,
                "oracle": group[0].selection.oracle,
                "generalised": _generalised([report.generalised for report in group if report.generalised]),
            }
        )
    return rows


def _generalised(reports: Sequence[GeneralisedReport]) -> dict[str, Any] | None:
    """Means over runs of the area and, per sample and rule, of seen, unseen and harmonic; None without such reports.

    Each has its interval over the seeds beside it, as ``area_interval``; None for a single run.
    """
    if not reports:
        return None
    rules = {}
    for row in reports[0].rows:
        found = [one.sample for report in reports for one in report.rows if one.rule == row.rule]
        columns = {key: [getattr(sample, key) for sample in found] for key in ("seen", "unseen", "harmonic")}
        rules[row.rule] = _means(columns) | {"oracle": row.oracle}
    return {"runs": len(reports), **_means({"area": [report.area for report in reports]}), "rules": rules}


def _means(columns: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The mean of every column, and its interval."""
    means: dict[str, Any] = {key: statistics.mean(values) for key, values in columns.items()}
    return means | {f"{key}_interval": _interval(values) for key, values in columns.items()}


def _interval(values: Sequence[float]) -> list[float] | None:
    found = bootstrap_interval(values)
    return [found.low, found.high] if found else None


def render_summary(reports: Sequence[Report]) -> str:
    """The rows of :func:`summarise` as a plain-text table under a heading that names the setting."""
    first, rows = reports[0], summarise(reports)
    unseen = ", ".join(row.name for row in first.per_class)
    lines = [
        f"{first.method} ({first.preset}) on {first.dataset}, split {first.split}, protocol {first.protocol}",
        *([f"  {SYNTHETIC}"] if first.synthetic else []),
        *([f"  changed         {first.changes}"] if first.changes else []),
        f"  unseen classes  {unseen}",
        f"  test clips      {first.clips}, of subjects or views that were not trained on",
        f"  encoder {first.encoder}, bank {first.bank}, backbone {first.backbone}",
        f"  percent, mean of the runs; +-: deviation over them; [ ]: {_ABOUT_INTERVALS}",
        "",
        f"  {'texts':<14}{'runs':>5}{'ZSL accuracy':>29}{'class mean':>21}{'chance':>8}",
    ]
    for row in rows:
        spread = "" if row["deviation"] is None else f" +-{100 * row['deviation']:.1f}"
        accuracy = _told(row, "accuracy", "interval", spread) + (" (oracle)" if row["oracle"] else "")
        mean = _told(row, "mean_class_accuracy", "mean_class_interval")
        lines.append(f"  {_texts(row):<14}{row['runs']:>5}{accuracy:>29}{mean:>21}{100 * row['chance']:>8.1f}")
    for row in rows:
        if row["generalised"]:
            lines += _generalised_lines(_texts(row), row["generalised"])
    return "\n".join(lines)


def _generalised_lines(texts: str, means: dict[str, Any]) -> list[str]:
    """Seen, unseen and H of every rule, as means over runs."""
    heading = f"  generalised, {texts} texts, mean of {means['runs']}"
    lines = ["", f"{heading:<42}" + "".join(f"{name:>20}" for name in ("seen", "unseen", "H"))]
    for rule, row in means["rules"].items():
        name = rule + (" (oracle)" if row["oracle"] else "")
        figures = "".join(f"{_told(row, key, f'{key}_interval'):>20}" for key in ("seen", "unseen", "harmonic"))
        lines.append(f"    {name:<38}{figures}")
    return [*lines, f"    area under the seen-unseen curve {_told(means, 'area', 'area_interval')}"]


def _told(row: Mapping[str, Any], key: str, interval: str, spread: str = "") -> str:
    """``62.1 [45.2, 78.5]`` in percent, without interval for a single run."""
    ends = row[interval]
    between = "" if ends is None else f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
    return f"{100 * row[key]:.1f}{spread}{between}"


def _texts(row: Mapping[str, Any]) -> str:
    return "real" if row["control"] == "none" else str(row["control"])
