"""``zsl-train study``: a grid of runs from a file, planned, made, and summed up in a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zsl_skeleton.errors import UsageError, ZslError
from zsl_skeleton.progress import say
from zsl_skeleton.studies.options import LaunchOptions
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    CheckpointOption,
    DeviceOption,
    emit,
)
from zsl_skeleton_cli.options import takes

if TYPE_CHECKING:
    from zsl_skeleton.studies.plan import StudyPlan

Format = Literal["text", "md", "csv", "latex", "json"]
FormatOption = Annotated[Format, typer.Option("--format", help="Of the table: text, md, csv, latex or json.")]


@takes(LaunchOptions, "launch")
def study(
    file: Annotated[Path | None, typer.Argument(help="The study's YAML file; see --example.")] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a study file with all that it can say.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and make nothing.")] = False,
    finished: Annotated[
        bool, typer.Option("--finished", help="Make no run: print the table of those that are finished.")
    ] = False,
    shard: Annotated[str, typer.Option(help="Work on part I of N only, as I/N.")] = "1/1",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at work; default: on a CPU as many as it has threads.")
    ] = None,
    form: FormatOption = "text",
    report: Annotated[
        Path | None, typer.Option(help="Also write one HTML page about all finished runs of the study here.")
    ] = None,
    device: DeviceOption = "auto",
    checkpoint_seconds: CheckpointOption = 60.0,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    launch: LaunchOptions = LaunchOptions(),
) -> None:
    """Make all runs that a file asks for and that do not exist yet, and print the table of all of them.

    Several processes and machines that share the artifacts may work on one study at the same time, and the same command
    continues a study that was stopped.
    """
    from zsl_skeleton.studies.loading import EXAMPLE, load_study

    if example or file is None:
        if not example:
            raise UsageError("the study's file is missing", mend="zsl-train study --example > study.yaml")
        emit({"example": EXAMPLE.read_text()}, EXAMPLE.read_text(), as_json=form == "json")
        return
    if dry_run and (finished or report):
        raise UsageError("--dry-run prints no table and makes no page", mend="--finished alone, of the runs that exist")
    from zsl_skeleton.studies.grid import World
    from zsl_skeleton.studies.plan import Planner
    from zsl_skeleton.studies.running import make_runs, parse_shard

    part = parse_shard(shard)
    planner = Planner(load_study(file), World(artifacts, catalog, device, checkpoint_seconds))
    if finished:
        plan = planner.plan()
        if plan.left:
            say(f"{len(plan.left)} of {len(plan.runs)} runs of the study are not finished")
        _emit_tables(plan, form, report, None)
        return
    plan = planner.plan(part)
    if dry_run:
        _emit_plan(plan, form, jobs or 1)
        return
    outcome = make_runs(plan, launch, jobs, [Path(sys.argv[0]).name, *sys.argv[1:]])
    if outcome.jobs:
        looking = f"how far they are: zsl-train study {file} --dry-run; the table so far: --finished"
        text = f"submitted: {' '.join(outcome.jobs)}\n{looking}"
        emit({"jobs": list(outcome.jobs)}, text, as_json=form == "json")
        return
    _emit_tables(planner.plan(), form, report, outcome.failed or planner.plan(part).lost(str(file)))


def _emit_plan(plan: StudyPlan, form: Format, jobs: int) -> None:
    from zsl_skeleton.studies.plan_text import plan_csv, render_plan

    text = plan_csv(plan) if form == "csv" else render_plan(plan, jobs)
    emit(plan.as_json(), text, as_json=form == "json")


def _emit_tables(plan: StudyPlan, form: Format, report: Path | None, failed: ZslError | None) -> None:
    """The tables, and the page, of what is finished; then the error that tells what failed."""
    from zsl_skeleton.evaluation.comparison.formats import render_all
    from zsl_skeleton.studies.results import study_tables, write_study_page

    if failed and len(plan.left) == len(plan.runs):
        raise failed
    tables = study_tables(plan)
    document: dict[str, Any] = {"plan": plan.as_json(), "tables": [table.model_dump(mode="json") for table in tables]}
    if report:
        write_study_page(report, plan, tables)
        document["report"] = str(report)
    emit(document, "" if form == "json" else render_all(tables, form), as_json=form == "json")
    if failed:
        raise failed
