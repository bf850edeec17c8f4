"""The page of many runs: their comparison with intervals, splits, controls, and links to the pages of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from accessibility import problems
from reports.conftest import World
from semantics.report.reading import Page
from zsl_skeleton.artifacts import Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.reports.choice import report_document
from zsl_skeleton.reports.study import About, study_page
from zsl_skeleton.training.train import read_report


def test_all_settings_side_by_side(world: World) -> None:
    source = study_page(world.store, list(world.runs.values()), about=About("A <study>"))
    assert problems(source) == []
    page = Page(source)
    assert page.root.all("h1")[0].whole() == "A <study>" and "SYNTHETIC" in page.root.all("header")[0].whole()
    rows = page.root.all("table")[0].all("tr")[1:]
    names = [row.all("th")[0].whole() for row in rows]
    assert {name.split()[0] for name in names} == {"mla", "neuron", "smie", "msf", "ridge"}
    control = next(row for row in rows if "shuffled" in row.all("th")[0].whole())
    assert control.all("td")[0].whole() == "1x1"
    figures = [figure.all("b")[0].whole() for figure in page.root.all("figure")]
    assert figures[:2] == ["Zero-shot accuracy", "Generalised H"] and "Effect of controls" in figures


def test_runs_are_listed_with_links_to_their_pages(world: World) -> None:
    run = world.runs["msf"]
    page = Page(study_page(world.store, list(world.runs.values()), about=About(pages={run.path.name: "runs/msf.html"})))
    table = page.root.all("table")[-1]
    assert [a.attributes["href"] for a in table.all("a")] == ["runs/msf.html"]
    row = next(row for row in table.all("tr") if row.all("a"))
    assert row.all("td")[3].whole() == f"{100 * read_report(run).accuracy:.1f}"
    assert len(table.all("tr")) == 1 + len(world.runs)


def test_the_order_of_the_runs_changes_nothing(world: World) -> None:
    runs = list(world.runs.values())
    assert study_page(world.store, runs) == study_page(world.store, runs[::-1])


def test_one_setting_is_shown_in_detail_and_several_side_by_side(world: World) -> None:
    one = report_document(world.store, [world.runs["mla"], world.runs["mla-shuffled"]])
    several = report_document(world.store, [world.runs["mla"], world.runs["msf"]], title="Both")
    assert one.title.startswith("mla (default)") and several.title == "Both"


def test_no_runs_are_an_error_with_a_command() -> None:
    with pytest.raises(InputError, match="no runs") as caught:
        study_page(Store(Path("nowhere")), [])
    assert caught.value.mend.startswith("zsl-train")
