"""The report of many runs: tables with intervals, differences, splits and controls, per data set and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.comparison.compare import Comparison, compare_runs
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.summary import SYNTHETIC
from zsl_skeleton.reports.comparison_section import compared
from zsl_skeleton.reports.document import Cell, Document, Link, Section, Table
from zsl_skeleton.reports.render import render
from zsl_skeleton.training.train import read_report


@dataclass(frozen=True)
class About:
    """What a page about runs is told beside them.

    Args:
        title: of the page, say the study's name.
        lead: what they are about, as a sentence.
        pages: folder name of a run -> address of its own report, relative to this page.
    """

    title: str = "Runs compared"
    lead: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)


def study_page(
    store: Store,
    runs: Sequence[Artifact],
    options: ComparisonOptions = ComparisonOptions(),
    about: About = About(),
    form: str = "html",
) -> str:
    """The report of ``runs``, of any methods, data sets and protocols, as one page or in another format.

    Args:
        store: around the runs.
        runs: finished ones; a setting's seeds, splits and controls belong together.
        options: of the comparisons; ``dataset`` and ``protocol`` are set for each part of the page.
        about: title, and where the runs' own pages lie.
        form: one of ``render.FORMATS``.

    Raises:
        UsageError: there is no such format, or an option names what has no runs.
        InputError: there is no run, or one is damaged.
    """
    return render(study_document(store, runs, options, about), form)


def study_document(
    store: Store,
    runs: Sequence[Artifact],
    options: ComparisonOptions = ComparisonOptions(),
    about: About = About(),
) -> Document:
    """What :func:`study_page` shows; see there."""
    if not runs:
        raise InputError("there are no runs to report on", mend="zsl-train --method ridge --dataset demo")
    return compared_document([compare_runs(store, part, group) for part, group in _parts(runs, options)], runs, about)


def compared_document(found: Sequence[Comparison], runs: Sequence[Artifact], about: About = About()) -> Document:
    """What was found when ``runs`` were compared.

    Args:
        found: a comparison per data set and protocol; at least one.
        runs: that they were made from.
        about: title, and where the runs' own pages lie.
    """
    methods = sorted({row.name for one in found for section in one.sections for row in section.rows})
    datasets = ", ".join(dict.fromkeys(comparison.dataset for comparison in found))
    told = f"{len(runs)} runs of {len(methods)} settings on {datasets}."
    return Document(
        title=about.title,
        lead=f"{about.lead} {told}".strip(),
        sections=(*map(compared, found), _listed(runs, about.pages)),
        warnings=_warnings(found),
        headline=(
            (len(runs), "runs"),
            (len(methods), "settings"),
            (len({run.card.config["split"] for run in runs}), "splits"),
            (len({run.card.config["seed"] for run in runs}), "seeds"),
        ),
        facts=_facts(found),
    )


def _parts(runs: Sequence[Artifact], options: ComparisonOptions) -> list[tuple[ComparisonOptions, list[Artifact]]]:
    """The runs of every data set and protocol, with the options that name both."""
    groups: dict[tuple[str, str], list[Artifact]] = {}
    for run in runs:
        groups.setdefault((run.card.config["dataset"], run.card.config["protocol"]), []).append(run)
    return [
        (options.model_copy(update={"dataset": dataset, "protocol": protocol}), group)
        for (dataset, protocol), group in sorted(groups.items())
    ]


def _warnings(found: Sequence[Comparison]) -> tuple[str, ...]:
    synthetic = ", ".join(one.dataset for one in found if one.synthetic)
    return (f"{synthetic}: {SYNTHETIC}",) if synthetic else ()


def _facts(found: Sequence[Comparison]) -> tuple[tuple[str, str], ...]:
    options = found[0].options
    interval = f"{100 * options.level:g} % bootstrap over splits, then over the seeds of each"
    facts = [("Intervals", interval), ("Reference", found[0].reference.replace(":", " "))]
    for one in found:
        chances = ", ".join(f"{split} {100 * chance:.1f} %" for split, chance in one.chances.items())
        facts.append((one.dataset, f"protocol {one.protocol}; splits and chance: {chances}"))
    return tuple(facts)


def _listed(runs: Sequence[Artifact], pages: Mapping[str, str]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for run in sorted(runs, key=lambda run: run.path.name):
        report, name = read_report(run), run.path.name
        accuracy = f"{100 * report.accuracy:.1f}{' (oracle)' if report.selection.oracle else ''}"
        linked = Link(name, pages[name]) if name in pages else name
        rows.append((linked, report.control, report.split, report.seed, accuracy, report.clips))
    caption = "All runs; zero-shot accuracy in percent, one training each"
    table = Table(caption, ("run", "texts", "split", "seed", "accuracy", "clips"), tuple(rows))
    return Section("runs", "Runs", (table,))
