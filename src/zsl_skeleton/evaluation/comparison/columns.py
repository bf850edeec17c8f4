"""The columns of a comparison's tables, and what is said about them: the same in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zsl_skeleton.evaluation.comparison.compare import Comparison
from zsl_skeleton.evaluation.comparison.families import TextEffect
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, Estimate, RowDifference
from zsl_skeleton.evaluation.statistics import coverage
from zsl_skeleton.evaluation.summary import SYNTHETIC

_SELECTIONS = {
    "last": "the last",
    "val": "the best on seen classes held out for validation",
    "oracle": "ORACLE, the best on the unseen test clips",
}


@dataclass(frozen=True)
class Column:
    """A column after the name. ``part``: columns of one part stand together where a table has to be cut."""

    title: str
    part: int
    cell: Callable[[ComparisonRow], str]


def interval(estimate: Estimate, sign: str = "") -> str:
    """``62.1 [45.2, 78.5]`` in percent; a single figure says that it has no interval."""
    value, *ends = (
        "" if end is None else f"{100 * end:{sign}.1f}" for end in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{', '.join(ends)}]" if all(ends) else f"{value} [one run]"


def p_text(value: float, tells: bool = True) -> str:
    """Three decimals; a dash where the test could not have told anything."""
    return "-" if not tells else f"{value:.3f}" if value >= 0.001 else "<.001"


def rows_of(comparison: Comparison) -> list[ComparisonRow]:
    """The rows of all sections."""
    return [row for section in comparison.sections for row in section.rows]


def used_columns(comparison: Comparison) -> list[Column]:
    """The columns that have something to say."""
    return [column for column in _COLUMNS if any(map(column.cell, rows_of(comparison)))]


def effect_cells(effect: TextEffect) -> list[str]:
    """Method, texts, and the difference with its tests."""
    told = f" ({', '.join(effect.overrides)})" if effect.overrides else ""
    return [f"{effect.name}{told}", effect.texts, *(tell(effect.difference) for _, tell in _DIFFERENCE)]


def effect_titles() -> list[str]:
    """Of :func:`effect_cells`."""
    return ["", "texts", *(title for title, _ in _DIFFERENCE)]


def selections(comparison: Comparison) -> str:
    """How the epochs of all rows were chosen."""
    found = dict.fromkeys(row.select for row in rows_of(comparison) if not row.seedless)
    return "epoch: " + "; ".join(_SELECTIONS.get(name, name) for name in found) if found else "all closed forms"


def caption(comparison: Comparison) -> Iterator[str]:
    """What every table says of itself: data, protocol, splits, selection, intervals, tests; one sentence a line."""
    options, chances = comparison.options, sorted({round(100 * chance, 1) for chance in comparison.chances.values()})
    rows = rows_of(comparison)
    yield f"{comparison.dataset}, protocol {comparison.protocol}, splits {', '.join(comparison.chances)}"
    if comparison.synthetic:
        yield SYNTHETIC
    chance = " to ".join(f"{chance:g}" for chance in chances[:1] + chances[1:][-1:])
    yield f"percent; chance {chance}; {selections(comparison)}"
    missing = "; !: some splits are missing" if any(row.missing for row in rows) else ""
    yield f"runs: splits x seeds (* closed form){missing}; seeds: deviation within a split; class: mean over classes"
    yield about_intervals(comparison)
    if any(row.generalised for row in rows):
        oracle = " (oracle: chosen on the test clips)" if options.rule == "oracle" else ""
        yield f"seen, unseen, H: generalised, by the rule {options.rule}{oracle}; area: under the seen-unseen curve"
    yield from _about_differences(comparison)


def about_intervals(comparison: Comparison) -> str:
    """What the intervals are, and how far to trust them."""
    level, counts = comparison.options.level, {len(row.seeds) for row in rows_of(comparison)}
    told = [f"[ ]: {100 * level:g} % bootstrap over splits, then over seeds"]
    if 1 in counts:
        told.append("of rows on one split over its seeds alone")
    share = coverage(max(counts)) if level == 0.95 else None
    if share is not None:
        told.append(f"with {max(counts)} splits they hold the truth in about {100 * share:.0f} of 100 cases, not in 95")
    return "; ".join(told)


def _about_differences(comparison: Comparison) -> Iterator[str]:
    found = [row.difference for row in rows_of(comparison) if row.difference]
    metric = "ZSL accuracy" if comparison.options.metric == "accuracy" else comparison.options.metric
    if not found:
        return
    against = f"that of {comparison.reference.replace(':', ' ')}, of a control minus that of its own real texts"
    yield f"difference: {metric} minus {against}; paired by split and seed; W-T-L: pairs won, tied, lost"
    least = min(one.smallest_p for one in found)
    floor = f"with so many splits no p lies below {least:.2g}" if least < 1 else "-: one split alone cannot tell"
    yield f">0: share of resamples above 0 in percent; p: two-sided, signs of whole splits flipped; {floor}"
    yield (
        "Wilcoxon: signed ranks of the pairs, which takes seeds of a split for independent; Holm: corrected for "
        "all rows with real texts, and for all controls"
    )


def _of(tell: Callable[[RowDifference], str]) -> Callable[[ComparisonRow], str]:
    return lambda row: tell(row.difference) if row.difference else ""


def _generalised(name: str) -> Callable[[ComparisonRow], str]:
    return lambda row: interval(getattr(row.generalised, name)) if row.generalised else ""


def runs_of(row: ComparisonRow) -> str:
    """``5x5``: splits and seeds of each; a closed form counts once a split, ``5x*``."""
    counts = sorted({len(seeds) for seeds in row.seeds.values()})
    seeds = "*" if row.seedless else "-".join(str(count) for count in counts[:1] + counts[1:][-1:])
    return f"{len(row.seeds)}x{seeds}"


def _difference(row: ComparisonRow) -> str:
    if row.difference is None:
        return "reference" if row.reference else ""
    return interval(row.difference, "+")


_DIFFERENCE: tuple[tuple[str, Callable[[RowDifference], str]], ...] = (
    ("difference", lambda one: interval(one, "+")),
    (">0", lambda one: f"{100 * one.above:.0f}" if one.low is not None else "-"),
    ("W-T-L", lambda one: f"{one.wins}-{one.ties}-{one.losses}"),
    ("p", lambda one: p_text(one.p, one.p_tells)),
    ("p Holm", lambda one: p_text(one.p_holm, one.p_tells)),
    ("Wilcoxon", lambda one: p_text(one.wilcoxon, one.wilcoxon_tells)),
    ("W. Holm", lambda one: p_text(one.wilcoxon_holm, one.wilcoxon_tells)),
)
_COLUMNS = (
    Column("runs", 0, runs_of),
    Column("ZSL", 0, lambda row: interval(row.accuracy)),
    Column("seeds", 0, lambda row: "" if row.deviation is None else f"+-{100 * row.deviation:.1f}"),
    Column("class", 0, lambda row: interval(row.class_mean)),
    Column("seen", 1, _generalised("seen")),
    Column("unseen", 1, _generalised("unseen")),
    Column("H", 1, _generalised("harmonic")),
    Column("area", 1, _generalised("area")),
    Column("difference", 2, _difference),
    *(Column(title, 2, _of(tell)) for title, tell in _DIFFERENCE[1:]),
)
