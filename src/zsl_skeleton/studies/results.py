"""The finished runs of a study, and the table they make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.comparison.compare import Comparison, compare_runs
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.html import write_page
from zsl_skeleton.progress import say
from zsl_skeleton.reports.render import render
from zsl_skeleton.reports.study import About, compared_document
from zsl_skeleton.studies.plan import StudyPlan


def finished_runs(plan: StudyPlan) -> list[Artifact]:
    """The finished runs of a study, in the order of its file.

    Raises:
        InputError: one of them is damaged.
    """
    return [Artifact.open(one.path) for one in plan.runs if one.state == "finished" and one.path]


def study_tables(plan: StudyPlan) -> list[Comparison]:
    """A comparison per data set and protocol, of the study's own runs alone.

    Raises:
        InputError: nothing is finished, or a run is damaged.
    """
    study = plan.file.study
    runs = finished_runs(plan)
    if not runs:
        mend = f"zsl-train study {plan.file.path}"
        raise InputError(f"no run of the study {study.name} is finished, so there is no table", mend=mend)
    store = Store(plan.world.root)
    places = dict.fromkeys((run.card.config["dataset"], run.card.config["protocol"]) for run in runs)
    return [_table(store, plan, place, runs) for place in places]


def write_study_page(path: Path, plan: StudyPlan, tables: Sequence[Comparison]) -> None:
    """Write one HTML page about the finished runs of a study.

    Args:
        path: the file.
        plan: the study.
        tables: of :func:`study_tables`.

    Raises:
        InputError: the file cannot be written.
    """
    study = plan.file.study
    lead = f"{study.about.rstrip('.')}." if study.about else ""
    document = compared_document(tables, finished_runs(plan), About(f"Study {study.name}", lead))
    write_page(path, render(document))
    say(f"report:     {path}")


def _table(store: Store, plan: StudyPlan, place: tuple[str, str], runs: Sequence[Artifact]) -> Comparison:
    own = [run for run in runs if (run.card.config["dataset"], run.card.config["protocol"]) == place]
    given = {**plan.file.study.table.model_dump(), "dataset": place[0], "protocol": place[1]}
    try:
        return compare_runs(store, ComparisonOptions.model_validate(given), own)
    except (UsageError, InputError):
        if given["against"] is None:
            raise
        # The reference may not be finished yet: means without differences are better than nothing.
        return compare_runs(store, ComparisonOptions.model_validate({**given, "against": None}), own)
