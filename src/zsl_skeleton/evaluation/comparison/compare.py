"""Methods side by side: means over splits and seeds with intervals, and differences paired by split and seed.

A difference is only taken between runs on the same texts and features: of a row with real texts to the reference
method, of a control to its own method with real texts. :mod:`zsl_skeleton.evaluation.statistics` explains the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.comparison.families import TextEffect, corrected, text_effects
from zsl_skeleton.evaluation.comparison.groups import Origin, RunGroup, differing, read_groups
from zsl_skeleton.evaluation.comparison.options import DEFAULT_REFERENCE, ComparisonOptions
from zsl_skeleton.evaluation.comparison.reported import Reported, reported_beside
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow, RowMaker
from zsl_skeleton.methods import METHODS
from zsl_skeleton.registry import find_name, normalise
from zsl_skeleton.training.config import CONTROLS, SELECTIONS

SCHEMA_VERSION = 1
_PRESETS = ("paper", "paper-tuned", "default")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ComparisonSection(_Part):
    """Rows on the same ``texts`` and ``features``."""

    texts: str
    features: str
    rows: tuple[ComparisonRow, ...]


class Comparison(_Part):
    """Runs of one data set and protocol.

    ``reference``: ``method:preset``. ``chances``: split -> accuracy of guessing, in [0, 1]. ``effects``: what other
    texts change. ``reported``: ours beside figures from papers. ``notes``: what a reader must know before trusting the
    figures.
    """

    schema_version: int = SCHEMA_VERSION
    kind: Literal["run-comparison"] = "run-comparison"
    dataset: str
    protocol: str
    synthetic: bool
    reference: str
    options: ComparisonOptions
    chances: dict[str, float]
    sections: tuple[ComparisonSection, ...]
    effects: tuple[TextEffect, ...] = ()
    reported: tuple[Reported, ...] = ()
    notes: tuple[str, ...]


def compare_runs(
    store: Store, options: ComparisonOptions = ComparisonOptions(), runs: Sequence[Artifact] | None = None
) -> Comparison:
    """Compare the finished runs of ``store``, or those of them that are given.

    Raises:
        UsageError: a data set or protocol must be chosen, or a name has no runs.
        InputError: no run fits the options, the reference has no runs, or a run is damaged.
    """
    groups = read_groups(store, options, runs)
    report = groups[0].any_report
    fitting = [group for group in groups if _fits(group, options)]
    method, preset = _named(options.against, groups) if options.against else (DEFAULT_REFERENCE, "")
    maker = RowMaker(options, fitting, f"{method}:{preset or 'default'}")
    shown = [group for group in fitting if _is_wanted(group, groups, options) or maker.is_reference(group)]
    if not shown or (options.against and not any(map(maker.is_reference, shown))):
        what = f"{maker.reference} as it stands in its preset" if shown else "all that was asked for"
        raise InputError(
            f"no run on {report.dataset} ({report.protocol}) fits {what}",
            why=f"there are: {', '.join(sorted({f'{g.key.method}:{g.key.preset}' for g in groups}))}",
            mend=f"zsl-train --method {method} --preset {preset or 'default'} --dataset {report.dataset}",
        )
    chances = {split: r.chance for group in shown for (split, _), r in group.reports.items()}
    names = _place_names(shown)
    sections = _sections(shown, names, maker, sorted(chances))
    return Comparison(
        dataset=report.dataset,
        protocol=report.protocol,
        synthetic=any(r.synthetic for group in shown for r in group.reports.values()),
        reference=maker.reference,
        options=options,
        chances=dict(sorted(chances.items())),
        sections=sections,
        effects=tuple(corrected(list(text_effects(shown, names, maker)))),
        reported=tuple(reported_beside(sorted(shown, key=lambda group: _order(group, maker)), maker)),
        notes=tuple(dict.fromkeys(_notes(shown, sections, maker))),
    )


def _named(name: str, groups: Sequence[RunGroup]) -> tuple[str, str]:
    """``"mla:paper"`` -> method and preset, both of some run; the preset may be left out."""
    method, _, preset = name.partition(":")
    method = find_name("method among the runs", method, dict.fromkeys(group.key.method for group in groups))
    presets = dict.fromkeys(group.key.preset for group in groups if group.key.method == method)
    return method, find_name(f"preset of {method} among the runs", preset, presets) if preset else ""


def _is_wanted(group: RunGroup, groups: Sequence[RunGroup], options: ComparisonOptions) -> bool:
    wanted = [_named(name, groups) for name in options.methods]
    return not wanted or any(group.key.method == m and preset in ("", group.key.preset) for m, preset in wanted)


def _fits(group: RunGroup, options: ComparisonOptions) -> bool:
    report = group.any_report
    wanted = ((options.encoder, report.encoder), (options.bank, report.bank), (options.backbone, group.backbone))
    return (
        all(want is None or normalise(found).startswith(normalise(want)) for want, found in wanted)
        and (options.controls or group.key.control == "none")
        and (options.overridden or not group.overrides)
    )


def _place_names(shown: Sequence[RunGroup]) -> dict[Origin, str]:
    """What texts and features are called; where the names are the same, with what tells them apart."""
    found: dict[Origin, str] = {}
    for kind in ("texts", "features"):
        origins = list(dict.fromkeys(getattr(group.key, kind) for group in shown))
        told = zip(origins, differing(origins), strict=True)
        found |= {origin: f"{origin.name} ({more})" if more else origin.name for origin, more in told}
    return found


def _sections(
    shown: Sequence[RunGroup], names: dict[Origin, str], maker: RowMaker, splits: Sequence[str]
) -> tuple[ComparisonSection, ...]:
    """Sections in the order of their names, each with the reference first and every control below its method."""
    ordered = sorted(shown, key=lambda group: (names[group.key.texts], names[group.key.features], _order(group, maker)))
    rows = corrected([maker.row(group, splits) for group in ordered])
    places: dict[tuple[Origin, Origin], list[ComparisonRow]] = {}
    for group, row in zip(ordered, rows, strict=True):
        places.setdefault((group.key.texts, group.key.features), []).append(row)
    return tuple(
        ComparisonSection(texts=names[texts], features=names[features], rows=tuple(found))
        for (texts, features), found in places.items()
    )


def _order(group: RunGroup, maker: RowMaker) -> tuple[object, ...]:
    key, methods = group.key, list(METHODS)
    method = methods.index(key.method) if key.method in methods else len(methods)
    preset = _PRESETS.index(key.preset) if key.preset in _PRESETS else len(_PRESETS)
    settings = (len(group.overrides), group.overrides, SELECTIONS.index(key.select), key.validation, key.settings)
    first = f"{key.method}:{key.preset}" != maker.reference
    return first, method, key.method, preset, key.preset, *settings, CONTROLS.index(key.control)


def _notes(shown: Sequence[RunGroup], sections: Sequence[ComparisonSection], maker: RowMaker) -> Iterator[str]:
    rows = [row for section in sections for row in section.rows]
    if any(row.oracle for row in rows):
        yield "oracle rows chose their epoch on the unseen test clips: they are not zero-shot results"
    yield from _missing(sections)
    for row in rows:
        if row.generalised and row.generalised.runs < sum(map(len, row.seeds.values())):
            yield f"{row.name}: generalised figures are of {row.generalised.runs} of its runs only"
    places = {(group.key.texts, group.key.features): group for group in shown}
    for place, group in places.items():
        if not any(maker.is_reference(one) and (one.key.texts, one.key.features) == place for one in shown):
            yield _no_reference(group, maker.reference)
    chances = {split: report.chance for group in shown for (split, _), report in group.reports.items()}
    if len(set(chances.values())) > 1:
        listed = ", ".join(f"{split} {100 * chance:.1f} %" for split, chance in sorted(chances.items()))
        yield f"splits differ in their number of unseen classes, and means mix them; chance: {listed}"
    if any("#" in split for split in chances):
        yield "splits with # have the same name and other unseen classes: the catalog was edited between the runs"
    replaced = sum(group.replaced for group in shown)
    if replaced:
        yield f"{replaced} runs were left out: another one of the same settings, split and seed is newer or tells more"


def _missing(sections: Sequence[ComparisonSection]) -> Iterator[str]:
    """Which rows have no run on splits that others have: one sentence for all that lack the same ones."""
    for section in sections:
        where = f"{section.texts}, {section.features}: " if len(sections) > 1 else ""
        alike: dict[tuple[str, ...], list[str]] = {}
        for row in section.rows:
            if row.missing:
                alike.setdefault(row.missing, []).append(f"{row.name}{f', {row.control}' * (row.control != 'none')}")
        for splits, names in alike.items():
            have, their = ("has", "its mean is") if len(names) == 1 else ("have", "their means are")
            who, lacking = "; ".join(dict.fromkeys(names)), ", ".join(splits)
            yield f"{where}{who} {have} no run on {lacking}: {their} over other splits"


def _no_reference(group: RunGroup, reference: str) -> str:
    method, _, preset = reference.partition(":")
    report, where = group.any_report, f"{group.key.texts.name}, {group.key.features.name}"
    command = f"zsl-train --method {method} --preset {preset} --dataset {report.dataset} --split {report.split}"
    inputs = f"--encoder {report.encoder.partition('@')[0]} --backbone {group.backbone}"
    return f"no {method} {preset} with {where}, so no differences there; train it: {command} {inputs}"
