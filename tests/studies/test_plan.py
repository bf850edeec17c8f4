"""Plans: what exists, what is missing, how long it takes; nothing is made by planning."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.toy_studies import STEPWISE, files_below
from zsl_skeleton.artifacts import Store
from zsl_skeleton.files import read_json, write_json
from zsl_skeleton.studies.grid import World
from zsl_skeleton.studies.loading import load_study
from zsl_skeleton.studies.options import LaunchOptions
from zsl_skeleton.studies.plan import Planner
from zsl_skeleton.studies.plan_text import plan_csv, render_plan
from zsl_skeleton.studies.running import make_runs
from zsl_skeleton.studies.work import Event, Work, work_on


def made(planner: Planner, root: Path) -> list[Event]:
    events: list[Event] = []
    plan = planner.plan()
    work_on(Work(plan.world, plan.left, plan.folder / "failed", 0), events.append)
    return events


def test_what_exists_is_recognised_and_planning_writes_nothing(planner: Callable[..., Planner], root: Path) -> None:
    small = planner({"methods": "ridge", "seeds": [0, 1]})
    made(small, root)
    before = files_below(root)
    plan = planner({"methods": ["ridge", "eszsl"], "seeds": "0..2"}, {"methods": STEPWISE}).plan()
    states = [(one.run.config.method, one.run.config.seed, one.state) for one in plan.runs]
    assert states[:3] == [("ridge", 0, "finished"), ("ridge", 1, "finished"), ("ridge", 2, "new")]
    assert {state for *_, state in states[3:]} == {"new"}
    assert files_below(root) == before
    assert plan.features == {one.path for one in Store(root).all("features")}
    assert small.plan().features == set()  # nothing is left to do
    text = render_plan(plan)
    assert "2/3 finished; 1 new: random-1 seed 2" in text
    assert "(time unknown)" in text  # nothing of DeViSE is finished
    assert "7 runs: 2 finished, 5 new" in text
    lines = list(csv.DictReader(plan_csv(plan).splitlines()))
    assert [line["state"] for line in lines] == ["finished", "finished", *["new"] * 5]


def test_the_time_is_that_of_runs_alike(planner: Callable[..., Planner], root: Path) -> None:
    made(planner({"methods": "ridge", "seeds": "0..2"}), root)
    for run, seconds in zip(Store(root).all("runs"), (10.0, 30.0, 20.0), strict=True):
        card = read_json(run.path / "card.json")
        card["made"]["seconds"] = seconds
        write_json(run.path / "card.json", card)
    plan = planner({"methods": ["ridge", "eszsl"], "seeds": [3]}, {"methods": "ridge", "gzsl": True}).plan()
    # Nothing generalised is finished: its second training, with held-out classes, takes as long again.
    assert [one.seconds for one in plan.runs] == [20.0, None, 40.0]
    assert "time left: about 60 s" in render_plan(plan)
    assert "that of 1 runs or inputs, unknown" in render_plan(plan)


def test_inputs_that_do_not_exist_are_stages_to_make(written: Callable[..., Path], tmp_path: Path) -> None:
    plan = Planner(
        load_study(written({"methods": "ridge", "seeds": "0..4", "banks": []})), World(tmp_path / "empty")
    ).plan()
    assert {one.state for one in plan.runs} == {"new"}
    (name,) = plan.inputs
    assert name.startswith("skeletons/demo-")
    assert {one.makes for one in plan.runs} == {name}
    assert not (tmp_path / "empty").exists()


def test_the_size_of_the_features_bounds_the_processes(
    planner: Callable[..., Planner], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 4)
    counts: list[int] = []
    monkeypatch.setattr("zsl_skeleton.studies.running.work_together", lambda work, jobs, tell: counts.append(jobs))
    plan = planner({"methods": "ridge", "seeds": "0..2"}).plan()
    make_runs(plan, LaunchOptions(), None, ["zsl-train"])
    (folder,) = plan.features
    with (folder / "large").open("wb") as stream:
        stream.truncate(2**38)
    make_runs(plan, LaunchOptions(), None, ["zsl-train"])
    make_runs(plan, LaunchOptions(), 2, ["zsl-train"])
    assert counts == [3, 1, 2]


def test_what_only_the_user_has_blocks_its_runs_alone(planner: Callable[..., Planner]) -> None:
    plan = planner({"methods": "ridge"}, {"methods": "ridge", "datasets": "utd-mhad", "banks": []}).plan()
    assert [one.state for one in plan.runs] == ["new", "blocked"]
    assert "zsl-data import --dataset utd-mhad" in plan.runs[1].why
    assert "BLOCKED: there are no recordings" in render_plan(plan)


def test_shards_are_the_whole_and_do_not_overlap(planner: Callable[..., Planner]) -> None:
    whole = planner({"methods": ["ridge", "eszsl"], "seeds": "0..3", "controls": ["none", "shuffled"]})
    shards = [[one.run.id for one in whole.plan((index, 3)).runs] for index in (1, 2, 3)]
    assert sorted(itertools.chain(*shards)) == sorted(run.id for run in whole.runs)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("seeds", [[0, 1, 2, 3], [0, 2]])
def test_what_was_begun_is_told(planner: Callable[..., Planner], root: Path, seeds: list[int]) -> None:
    study = planner({"methods": STEPWISE, "seeds": seeds})
    first = study.plan().runs[0]
    (root / "runs" / f".{first.path.name}.partial").mkdir(parents=True)
    states = [one.state for one in study.plan().runs]
    assert states == ["begun", *["new"] * (len(seeds) - 1)]
