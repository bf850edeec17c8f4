"""A comparison in the format that is asked for: text, Markdown, CSV or LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from zsl_skeleton.evaluation.comparison.columns import caption, used_columns
from zsl_skeleton.evaluation.comparison.compare import Comparison
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, Estimate
from zsl_skeleton.evaluation.comparison.table import (
    effect_tables,
    footnotes,
    markdown,
    marks_of,
    parts_of,
    render_comparison,
    section_tables,
)
from zsl_skeleton.latex import NEEDED, float_of, tabular

_DECIMALS = 6
Format = Literal["text", "md", "csv", "latex"]
_FIGURES = ("accuracy", "class_mean", "seen", "unseen", "harmonic", "area", "difference")
_TESTS = ("above", "wins", "ties", "losses", "p", "smallest_p", "p_holm", "wilcoxon", "wilcoxon_holm", "pairs")


def render_all(comparisons: Sequence[Comparison], form: Format) -> str:
    """Several comparisons one below the other; as CSV, one table."""
    if form == "csv":
        return comparison_csv(comparisons)
    render = {"text": render_comparison, "md": markdown, "latex": latex}[form]
    return "\n\n".join(map(render, comparisons))


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """A line per row, effect of texts, and reported figure (``kind``), with a heading; shares in [0, 1].

    Every estimate has a column for its value and two for its interval, which are empty where there is none; papers
    report none.
    """
    lines = [line for comparison in comparisons for line in _csv_lines(comparison)]
    stream = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def latex(comparison: Comparison) -> str:
    """A ``table*`` per section, cut into parts as the text is, and one per effect of texts."""
    marks, columns = marks_of(comparison), used_columns(comparison)
    about = " ".join(f"{line}." for line in [*caption(comparison), *footnotes(comparison, marks)])
    tables = [
        (f"{section.texts}, {section.features}.", section_tables(section, parts_of(comparison, columns, marks), marks))
        for section in comparison.sections
    ]
    tables += [
        (f"The same method with these texts minus with {usual}.", [table]) for usual, table in effect_tables(comparison)
    ]
    floats = (
        float_of([tabular(one, f"l{'r' * (len(one[0]) - 1)}") for one in parts], f"{what} {about}", "table*")
        for what, parts in tables
    )
    return "\n\n".join([NEEDED, *floats])


def _csv_lines(comparison: Comparison) -> Iterator[dict[str, Any]]:
    place = {"dataset": comparison.dataset, "protocol": comparison.protocol, "splits": " ".join(comparison.chances)}
    place |= {"level": str(comparison.options.level), "rule": comparison.options.rule}
    for section in comparison.sections:
        for row in section.rows:
            yield {"kind": "row", **place, "texts": section.texts, "features": section.features, **_row(row)}
    for effect in comparison.effects:
        told = {"texts": effect.texts, "features": effect.features, "name": effect.name}
        told |= {"overrides": " ".join(effect.overrides), "against": effect.difference.against}
        tests = {name: getattr(effect.difference, name) for name in _TESTS}
        yield {"kind": "effect of texts", **place, **told, **_estimate("difference", effect.difference), **tests}
    for one in comparison.reported:
        yield {"kind": "ours", **place, "splits": one.split, "name": one.name, **_estimate("accuracy", one.ours)}
        for result in one.reported:
            values = {"accuracy": result.zsl, "seen": result.seen, "unseen": result.unseen, "harmonic": result.harmonic}
            shares = {name: value / 100 for name, value in values.items() if value is not None}
            yield {
                "kind": "reported",
                **place,
                "splits": one.split,
                "name": result.method,
                **shares,
                "note": str(result),
            }


def _row(row: ComparisonRow) -> dict[str, Any]:
    names = ("name", "method", "preset", "select", "validation", "oracle", "control")
    found: dict[str, Any] = {name: getattr(row, name) for name in names}
    found |= {"overrides": " ".join(row.overrides), "runs": sum(map(len, row.seeds.values())), "chance": row.chance}
    parts: Mapping[str, Any] = {**dict(row), **(dict(row.generalised) if row.generalised else {})}
    for name in _FIGURES:
        found |= _estimate(name, parts.get(name))
    found["deviation"] = "" if row.deviation is None else row.deviation
    found["against"] = row.difference.against if row.difference else ""
    return found | {name: getattr(row.difference, name) if row.difference else "" for name in _TESTS}


def _estimate(name: str, estimate: Estimate | None) -> dict[str, float | str]:
    ends = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    keys = (name, f"{name}_low", f"{name}_high")
    return {key: "" if end is None else round(end, _DECIMALS) for key, end in zip(keys, ends, strict=True)}
