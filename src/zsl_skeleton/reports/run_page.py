"""The report of one setting: a run in detail, and its other seeds and controls in the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.comparison.groups import read_groups
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.evaluation.summary import SYNTHETIC
from zsl_skeleton.files import canonical_json
from zsl_skeleton.registry import resolve
from zsl_skeleton.reports.document import Cell, Document, Section, Table
from zsl_skeleton.reports.missing import gone
from zsl_skeleton.reports.opened import OpenedRun, open_run
from zsl_skeleton.reports.render import render
from zsl_skeleton.reports.sections import OF_METHODS, SECTIONS
from zsl_skeleton.reports.sections.mistakes import mistakes
from zsl_skeleton.reports.sections.results import headline, main_reports, results, selection
from zsl_skeleton.training.train import read_report

_ABOUT_SETTING = ("method", "preset", "settings", "select", "dataset", "split", "unseen", "protocol")


def run_page(store: Store, runs: Sequence[Artifact], catalog: Path | None = None, form: str = "html") -> str:
    """The report of ``runs`` of one setting as one page, or as its tables in another format; see ``render.FORMATS``.

    The first run with real texts is shown in detail. Equal runs give equal bytes.

    Raises:
        UsageError: there is no such format.
        InputError: the runs differ in more than seed and control, or one is damaged.
    """
    return render(run_document(store, runs, catalog), form)


def run_document(store: Store, runs: Sequence[Artifact], catalog: Path | None = None) -> Document:
    """What :func:`run_page` shows.

    Raises:
        InputError: the runs differ in more than seed and control, or one is damaged.
    """
    reports = [read_report(run) for run in runs]
    if not one_setting(runs):
        raise InputError("these runs differ in more than seed and control", mend="give them to a study page")
    main = main_reports(reports)[0]
    opened = open_run(store, runs[reports.index(main)], catalog)
    wrong, data = mistakes(opened)
    sections = [results(reports), *_sections(opened), wrong, *_gone(opened), _origin(runs)]
    return Document(
        title=f"{main.method} ({main.preset}) on {main.dataset}",
        lead=f"Zero-shot recognition of {', '.join(opened.names)}, which neither backbone nor method was trained on.",
        sections=tuple(sections),
        warnings=_warnings(main),
        headline=headline(reports),
        facts=_facts(main, opened, reports),
        data=data,
    )


def one_setting(runs: Sequence[Artifact]) -> bool:
    """Whether the runs differ in seed and control at most (and in whether seen classes were tested too)."""
    return len({_setting(run) for run in runs}) == 1


def _setting(run: Artifact) -> tuple[str, ...]:
    config, report = run.card.config, read_report(run)
    told = [canonical_json(config[name]) for name in _ABOUT_SETTING]
    return (*told, report.bank, report.encoder, run.card.inputs["features"].id)


def _sections(opened: OpenedRun) -> list[Section]:
    found = [resolve("section", name, SECTIONS)(opened) for name in SECTIONS if name != "results"]
    if opened.inside and opened.report.method in OF_METHODS:
        found.append(resolve("section", opened.report.method, OF_METHODS)(opened, opened.inside))
    return [section for section in found if section is not None]


def _gone(opened: OpenedRun) -> list[Section]:
    error = opened.missing
    if error is None:
        return []
    what = "The maps by motion and by texts, the confusable classes, the gate and what the method alone can tell"
    return [Section("missing", "Missing", (gone(what, InputError(error.what, why=error.why, mend=error.mend)),))]


def _warnings(report: Report) -> tuple[str, ...]:
    said = []
    if report.synthetic:
        said.append(SYNTHETIC)
    if report.selection.oracle:
        said.append("ORACLE: the epoch was chosen on the unseen test clips; these are not zero-shot results")
    if report.control != "none":
        said.append(f"CONTROL {report.control}: the class texts were altered on purpose")
    return tuple(said)


def _facts(report: Report, opened: OpenedRun, reports: Sequence[Report]) -> tuple[tuple[str, str], ...]:
    seeds = ", ".join(str(found.seed) for found in main_reports(reports))
    held = ", ".join(f"{number} {name}" for number, name in zip(opened.numbers, opened.names, strict=True))
    card = opened.run.card
    when = card.made.at[:16].replace("T", " ")
    options = ComparisonOptions(dataset=report.dataset, protocol=report.protocol)
    changed = read_groups(opened.store, options, [opened.run])[0].overrides
    return (
        *((("Changed", f"{', '.join(changed)}; the rest as in the preset {report.preset}"),) if changed else ()),
        ("Split", f"{report.split}; held out: {held}"),
        ("Protocol", f"{report.protocol}: test clips are of subjects or views that were not trained on"),
        ("Selection", selection(report)),
        ("Seeds", f"{seeds}; details below are of seed {report.seed}"),
        ("Texts", f"bank {report.bank}, encoder {report.encoder}, slots {', '.join(report.slots)}"),
        ("Backbone", report.backbone),
        ("Run", f"{opened.run.path.name}, {when} UTC, {card.made.seconds:.1f} s on {card.device}"),
        ("Command", card.made.command),
    )


def _origin(runs: Sequence[Artifact]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        card = run.card
        inputs = ", ".join(f"{role} {ref.name}" for role, ref in card.inputs.items())
        versions = ", ".join(f"{name} {value}" for name, value in card.versions.items())
        rows.append((run.path.name, inputs, versions, card.git_commit and card.git_commit[:12]))
    table = Table("Runs behind this page", ("run", "made from", "versions", "commit"), tuple(rows))
    settings = [
        (key, str(value)) for part in runs[0].card.config["settings"].values() for key, value in (part or {}).items()
    ]
    return Section("origin", "Origin", (table, Table("Settings", ("setting", "value"), tuple(settings))))
