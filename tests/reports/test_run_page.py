"""The page of a run: what it tells, that it tells the same again, and what it says when something is gone."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from accessibility import problems
from reports.conftest import World
from semantics.report.reading import Node, Page
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.published import published
from zsl_skeleton.reports.document import Share, Table
from zsl_skeleton.reports.interval import share_of
from zsl_skeleton.reports.run_page import run_page
from zsl_skeleton.reports.sections.results import results
from zsl_skeleton.training.train import read_report

OWN = {"mla": "descriptions", "neuron": "attention", "smie": "observed", "msf": "gate"}


def sections(source: str) -> dict[str, Node]:
    return {node.attributes["id"]: node for node in Page(source).root.all("section")}


@pytest.mark.parametrize("name", ["mla", "neuron", "smie", "msf", "ridge"])
def test_every_method_has_a_sound_page_with_what_it_alone_can_show(world: World, name: str) -> None:
    source = run_page(world.store, [world.runs[name]])
    assert problems(source) == []
    assert len(source.encode()) < 3e6
    found = sections(source)
    assert {"results", "classes", "map", "confusable", "mistakes", "origin"} <= set(found)
    assert set(found) & set(OWN.values()) == {OWN[name]} & set(OWN.values()) if name in OWN else True
    assert ("training" in found) == (name != "ridge")
    assert ("generalised" in found) == (name in ("mla", "msf"))
    assert "SYNTHETIC" in Page(source).root.all("header")[0].whole()


def test_equal_runs_give_equal_bytes(world: World) -> None:
    assert run_page(world.store, [world.runs["msf"]]) == run_page(world.store, [world.runs["msf"]])


def test_only_the_script_of_the_page_may_run(world: World) -> None:
    source = run_page(world.store, [world.runs["ridge"]])
    page = Page(source)
    policy = next(n.attributes["content"] for n in page.root.all("meta") if "http-equiv" in n.attributes)
    script = page.root.all("script")[-1].whole()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"script-src 'sha256-{digest}'" in policy
    assert not {"fetch(", "XMLHttpRequest", "innerHTML", "eval("} & set(script.split())


def test_figures_stand_beside_chance_control_and_the_interval(world: World) -> None:
    runs = [world.runs[name] for name in ("mla", "mla-seed1", "mla-shuffled")]
    mean = np.mean([read_report(run).accuracy for run in runs[:2]])
    page = Page(run_page(world.store, runs))
    head = page.root.all("ul", "figures")[0].whole()
    assert f"{100 * mean:.1f} %" in head and "mean of 2 seeds" in head and "chance: 1 of 5" in head
    rows = [[cell.whole().strip() for cell in row.children] for row in page.root.all("table")[0].all("tr")]
    assert [row[:2] for row in rows[1:]] == [["real texts", "2"], ["control: shuffled", "1"]]
    caption = page.root.all("caption")[0].whole()
    assert all(
        word in caption for word in ("5 unseen classes", "random-1", "xsub", "'last'", "bootstrap over the seeds")
    )


def test_a_single_run_has_an_interval_over_clips_and_asks_for_the_control(world: World) -> None:
    found = sections(run_page(world.store, [world.runs["mla"]]))["results"].whole()
    assert "over test clips" in found and "--control none,shuffled" in found


def test_reported_figures_stand_beside_ours_with_their_remarks(world: World) -> None:
    ours = read_report(world.runs["msf"]).model_copy(update={"dataset": "ntu60", "split": "synse-55-5"})
    theirs = published("ntu60", "synse-55-5", "msf")[0]
    table = next(b for b in results([ours]).blocks if isinstance(b, Table) and "reported" in b.caption)
    assert table.rows[0][:2] == ("this report", share_of(round(ours.accuracy * ours.clips), ours.clips))
    assert table.rows[1][1] == Share(theirs.zsl / 100) and theirs.source.name in str(table.rows[1][-1])


def test_an_oracle_is_called_one(world: World) -> None:
    report = read_report(world.runs["ridge"])
    chosen = report.selection.model_copy(update={"rule": "oracle", "oracle": True, "epoch": 3})
    section = results([report.model_copy(update={"selection": chosen})])
    assert "ORACLE" in section.blocks[0].caption and "(oracle)" in section.blocks[0].rows[0][0]


def test_a_control_is_called_one(world: World) -> None:
    header = Page(run_page(world.store, [world.runs["mla-shuffled"]])).root.all("header")[0].whole()
    assert "CONTROL shuffled" in header


def test_confusion_and_classes_are_those_of_the_report(world: World) -> None:
    report = read_report(world.runs["smie"])
    tables = sections(run_page(world.store, [world.runs["smie"]]))["classes"].all("table")
    rows = [[cell.whole().strip() for cell in row.all("td")] for row in tables[1].all("tr")[1:]]
    assert [[int(cell.replace("·", "0")) for cell in row] for row in rows] == [list(row) for row in report.confusion]
    names = [row.all("th")[0].whole() for row in tables[0].all("tr")[1:]]
    assert names == [f"{row.index} {row.name}" for row in report.per_class]


def test_the_chosen_constants_are_marked_on_the_curve(world: World) -> None:
    report = read_report(world.runs["mla"]).generalised
    assert report is not None
    found = sections(run_page(world.store, [world.runs["mla"]]))["generalised"]
    marks = [title.whole() for title in found.all("svg")[0].all("title")]
    assert marks == [f"{r.rule}: H {100 * r.sample.harmonic:.1f}" for r in report.rows if r.rule != "perfect routing"]


def test_the_worst_clips_move_and_stand_still_without_a_script(world: World) -> None:
    page = Page(run_page(world.store, [world.runs["mla"]]))
    data, drawn = page.data(), [svg for svg in page.root.all("svg") if "data-clip" in svg.attributes]
    assert len(drawn) == len(data["clips"]) > 0 and len(data["bones"]) == 24
    for clip in data["clips"]:
        values = base64.b64decode(clip["xyz"])
        assert len(values) == clip["frames"] * clip["persons"] * clip["joints"] * 3
    assert all(len(path.attributes["d"]) > 20 for svg in drawn for path in svg.all("path", "bones"))
    controls = page.root.all("div", "playing")[0]
    assert "hidden" in controls.attributes and controls.all("button", "play")


def test_descriptions_are_quoted_from_the_bank(world: World) -> None:
    bank = next((world.store.root / "banks").glob("*/spatial.jsonl"))
    texts = {json.loads(line)["text"] for line in bank.read_text().splitlines() if '"spatial.fine"' in line}
    rows = sections(run_page(world.store, [world.runs["mla"]]))["descriptions"].all("table")[0].all("tr")[1:]
    assert rows and {row.all("th")[0].whole() for row in rows} <= texts


@pytest.fixture
def emptied(world: World, tmp_path: Path) -> Store:
    """A copy of the store, to take things out of."""
    shutil.copytree(world.store.root, tmp_path / "copy")
    return Store(tmp_path / "copy")


def reopened(store: Store, world: World, name: str) -> Artifact:
    return Artifact.open(store.root / "runs" / world.runs[name].path.name)


def test_without_features_the_rest_is_there_with_the_command(emptied: Store, world: World) -> None:
    shutil.rmtree(emptied.root / "features")
    run = reopened(emptied, world, "mla")
    source = run_page(emptied, [run])
    found = sections(source)
    assert problems(source) == []
    assert {"results", "classes", "training", "map", "missing"} <= set(found) and "confusable" not in found
    assert run.card.made.command in found["missing"].whole() and run.card.made.command in found["mistakes"].whole()


def test_without_skeletons_and_bank_only_their_parts_are_gone(emptied: Store, world: World) -> None:
    shutil.rmtree(emptied.root / "skeletons")
    shutil.rmtree(emptied.root / "banks")
    found = sections(run_page(emptied, [reopened(emptied, world, "mla")]))
    assert "cannot be shown" in found["mistakes"].whole() and not found["mistakes"].all("svg")
    assert "cannot be shown" in found["descriptions"].whole() and "description 0" in found["descriptions"].whole()
    for name in ("smie", "neuron"):
        shown = sections(run_page(emptied, [reopened(emptied, world, name)]))[OWN[name]]
        assert "cannot be shown" in shown.whole()


def test_other_settings_and_formats_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="differ in more"):
        run_page(world.store, [world.runs["mla"], world.runs["msf"]])
    with pytest.raises(UsageError, match="format"):
        run_page(world.store, [world.runs["ridge"]], form="pdf")


def test_tables_for_other_programs(world: World) -> None:
    lines = run_page(world.store, [world.runs["ridge"]], form="csv").splitlines()
    assert lines[0] == "table,row,column,value,low,high"
    accuracy = next(line for line in lines if ",real texts,accuracy," in line).split(",")[-3:]
    assert float(accuracy[0]) == pytest.approx(100 * read_report(world.runs["ridge"]).accuracy)
    assert float(accuracy[1]) < float(accuracy[0]) < float(accuracy[2])
    assert r"\toprule" in run_page(world.store, [world.runs["ridge"]], form="latex")
    assert "| real texts | 1 |" in run_page(world.store, [world.runs["ridge"]], form="md")
