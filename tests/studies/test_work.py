"""Working on a study: finished runs are skipped, busy ones passed over, failed ones recorded."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Artifact, BusyError, LookingStore, Recipe, Store
from zsl_skeleton.errors import InputError, ZslError
from zsl_skeleton.studies import work as working
from zsl_skeleton.studies.failures import Failure, Failures, as_error
from zsl_skeleton.studies.finding import Finder
from zsl_skeleton.studies.plan import Planner
from zsl_skeleton.studies.results import study_tables
from zsl_skeleton.studies.work import Event, Work, work_on
from zsl_skeleton.training.train import train


def events_of(planner: Planner, since: float = 0.0) -> list[tuple[str, str, int]]:
    heard: list[Event] = []
    plan = planner.plan()
    runs = tuple(one.run for one in plan.runs)
    work_on(Work(plan.world, runs, plan.folder / "failed", since), heard.append)
    return [(e.kind, e.run.config.method, e.run.config.seed) for e in heard if e.kind != "said"]


def test_each_run_is_made_once(planner: Callable[..., Planner], root: Path) -> None:
    study = planner({"methods": ["ridge", "eszsl"], "seeds": [0, 1]})
    assert [kind for kind, *_ in events_of(study)] == ["begun", "finished"] * 4
    assert [kind for kind, *_ in events_of(study)] == ["elsewhere"] * 4
    assert len(Store(root).all("runs")) == 4
    (table,) = study_tables(study.plan())
    assert [row.name for row in table.sections[0].rows] == ["ridge default", "eszsl default"]


def test_only_its_own_runs_are_in_the_table(planner: Callable[..., Planner]) -> None:
    events_of(planner({"methods": ["ridge", "eszsl"], "seeds": [0, 1]}))
    (table,) = study_tables(planner({"methods": "eszsl", "seeds": [1]}).plan())
    (row,) = table.sections[0].rows
    assert (row.name, row.seeds) == ("eszsl default", {"random-1": (1,)})


def test_a_run_that_another_process_makes_is_passed_over(
    planner: Callable[..., Planner], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = planner({"methods": "ridge", "seeds": "0..2"})
    plan = study.plan()
    busy = Finder(LookingStore(root), plan.world).recipe(plan.runs[0].run)
    lock = Store(root)._lock(busy)
    lock.__enter__()
    with pytest.raises(BusyError):
        Store(root, wait=False).make(busy, lambda folder: {})
    monkeypatch.setattr(working.time, "sleep", lambda _: lock.__exit__(None, None, None))
    assert [(kind, seed) for kind, _, seed in events_of(study)] == [
        ("begun", 1), ("finished", 1), ("begun", 2), ("finished", 2), ("begun", 0), ("finished", 0),
    ]  # fmt: skip


def test_an_input_that_another_process_makes_is_looked_for_once_a_round(
    planner: Callable[..., Planner], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = planner({"methods": "ridge", "seeds": "0..4"})
    tried: list[int] = []
    real = Finder.recipe

    def recipe(self: Finder, run: object) -> Recipe:
        tried.append(run.config.seed)
        if tried == [0]:
            raise BusyError("features")
        return real(self, run)

    planned = study.plan()
    monkeypatch.setattr(Finder, "recipe", recipe)
    work_on(Work(planned.world, planned.left, planned.folder / "failed", 0), lambda _: None)
    assert tried == [0, 0, 1, 2, 3, 4]


def test_a_failed_run_is_recorded_and_the_rest_goes_on(
    planner: Callable[..., Planner], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(store: Store, task: object, run: object) -> Artifact:
        if run.seed == 1:
            raise InputError("the weights are not finite", why="NaN", mend="lower the rate")
        if run.seed == 2:
            raise RuntimeError("out of memory")
        return train(store, task, run)

    study = planner({"methods": "ridge", "seeds": "0..3"})
    began = time.time()
    monkeypatch.setattr(working, "train", fails)
    heard = events_of(study)
    assert [(kind, seed) for kind, _, seed in heard if kind != "begun"] == [
        ("finished", 0), ("failed", 1), ("failed", 2), ("finished", 3),
    ]  # fmt: skip
    plan = study.plan()
    assert [one.state for one in plan.runs] == ["finished", "failed", "failed", "finished"]
    failures = [Failures(plan.folder / "failed").of(run) for run in plan.left]
    assert [failure.exit_code for failure in failures if failure] == [3, 1]
    assert "fails" in (failures[1].trace if failures[1] else "")
    # Another process of the same invocation leaves them; a later one tries again.
    assert [kind for kind, *_ in events_of(study, since=began)] == ["elsewhere"] * 4
    monkeypatch.setattr(working, "train", train)
    assert [kind for kind, *_ in events_of(study)].count("finished") == 0  # since = 0: still the same invocation
    assert [kind for kind, *_ in events_of(study, since=time.time())].count("finished") == 2
    assert {one.state for one in study.plan().runs} == {"finished"}


def test_all_failures_make_one_error() -> None:
    failures = [Failure(run=f"run {n}", at=0, what="no clips", mend="import them", exit_code=3) for n in (1, 2)]
    error = as_error(failures, "zsl-train study s.yaml")
    assert (type(error), error.exit_code) == (InputError, 3)
    assert "2 runs of the study failed" in str(error)
    assert "run 1; and 1 more: no clips" in str(error)
    assert "zsl-train study s.yaml" in error.mend
    other = as_error([*failures, Failure(run="run 3", at=0, what="a bug")], "")
    assert (type(other), other.exit_code) == (ZslError, 1)


def test_a_full_disk_stops_the_work(planner: Callable[..., Planner], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(store: Store, task: object, run: object) -> Artifact:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(working, "train", full)
    study = planner({"methods": "ridge", "seeds": "0..3"})
    with pytest.raises(OSError, match="No space"):
        events_of(study)
    assert not (study.plan().folder / "failed").exists()
