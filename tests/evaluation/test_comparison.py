"""Comparisons of runs, on a store whose runs were written by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evaluation.written_runs import add
from zsl_skeleton.artifacts import Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.evaluation.comparison.compare import Comparison, ComparisonSection, compare_runs
from zsl_skeleton.evaluation.comparison.options import ComparisonOptions
from zsl_skeleton.evaluation.comparison.rows import ComparisonRow
from zsl_skeleton.evaluation.comparison.table import WIDTH, markdown, render_comparison
from zsl_skeleton.files import read_json, write_json
from zsl_skeleton_cli.options import takes

FAST = {"resamples": 200}


def compared(store: Store, **options: Any) -> Comparison:
    return compare_runs(store, ComparisonOptions.model_validate(FAST | options))


def the_section(comparison: Comparison) -> ComparisonSection:
    (section,) = comparison.sections
    return section


def row_of(comparison: Comparison, name: str, control: str = "none") -> ComparisonRow:
    (row,) = (row for row in the_section(comparison).rows if (row.name, row.control) == (name, control))
    return row


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Ridge on two splits with two equal seeds, MLA on three splits with two, and a control."""
    store = Store(tmp_path_factory.mktemp("comparison"))
    add(store, "ridge", {("random-1", 0): 0.5, ("random-1", 1): 0.5, ("random-2", 0): 0.3, ("random-2", 1): 0.3})
    add(store, "mla", {("random-1", 0): 0.6, ("random-1", 1): 0.8, ("random-2", 0): 0.2, ("random-2", 1): 0.3})
    add(store, "mla", {("random-3", 0): 0.9, ("random-3", 1): 0.7})
    add(store, "mla", {("random-1", 0): 0.1, ("random-1", 1): 0.2}, control="shuffled")
    return store


@pytest.fixture
def usual(written: Store, tmp_path: Path) -> Store:
    """A copy that a test may add to."""
    return Store(Path(shutil.copytree(written.root, tmp_path / "usual")))


def test_by_hand(usual: Store) -> None:
    found = compared(usual)
    ridge, mla, control = the_section(found).rows
    assert (ridge.reference, ridge.difference, ridge.seedless) == (True, None, True)
    assert ridge.accuracy.value == pytest.approx(0.4)
    assert ridge.deviation is None
    assert ridge.missing == ("random-3",)
    assert mla.accuracy.value == pytest.approx((0.7 + 0.25 + 0.8) / 3)
    assert mla.class_mean.value == pytest.approx(mla.accuracy.value / 2)
    assert mla.deviation == pytest.approx(((0.02 + 0.005 + 0.02) / 3) ** 0.5)
    assert mla.seeds == {"random-1": (0, 1), "random-2": (0, 1), "random-3": (0, 1)}
    assert mla.difference is not None
    assert (mla.difference.against, mla.difference.splits, mla.difference.pairs) == (
        "ridge default", ("random-1", "random-2"), 4,
    )  # fmt: skip
    assert mla.difference.value == pytest.approx((0.2 - 0.05) / 2)
    assert control.difference is not None
    assert control.difference.against == "mla default"
    assert control.difference.value == pytest.approx(0.15 - 0.7)
    assert any("ridge default has no run on random-3" in note for note in found.notes)


def test_people_and_programs_can_read_it(usual: Store) -> None:
    found = compared(usual)
    text, table = render_comparison(found), markdown(found)
    assert max(map(len, text.splitlines())) <= WIDTH
    for part in (
        "utd-mhad",
        "xsub",
        "chance 50",
        "ridge default !",
        "2x*",
        "- shuffled",
        "reference",
        "+7.5 [",
        "95 %",
    ):
        assert part in text
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    assert len({line.count("|") for line in rows}) == 1
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    assert found.schema_version == 1


def test_the_order_of_the_runs_on_disk_changes_nothing(usual: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    add(other, "mla", {("random-1", 1): 0.2, ("random-1", 0): 0.1}, control="shuffled")
    add(other, "mla", {("random-3", 1): 0.7, ("random-2", 1): 0.3, ("random-1", 1): 0.8})
    add(other, "mla", {("random-3", 0): 0.9, ("random-2", 0): 0.2, ("random-1", 0): 0.6})
    add(other, "ridge", {("random-2", 1): 0.3, ("random-2", 0): 0.3, ("random-1", 1): 0.5, ("random-1", 0): 0.5})
    assert compared(other).model_dump_json() == compared(usual).model_dump_json()


def test_other_settings_are_another_row_and_say_which(usual: Store) -> None:
    add(usual, "mla", {("random-1", 0): 0.65}, overrides=("epochs=7", "linear_weight=2"))
    found = compared(usual)
    rows = [row for row in the_section(found).rows if row.method == "mla" and row.control == "none"]
    assert [row.overrides for row in rows] == [(), ("linear_weight=2.0", "epochs=7")]
    assert "[1] linear_weight=2.0, epochs=7" in render_comparison(found)
    assert all(not row.overrides for row in the_section(compared(usual, overridden=False)).rows)


def test_a_card_older_than_a_setting_is_the_same_row(store: Store) -> None:
    add(store, "mla", {("random-1", 0): 0.5})
    add(store, "mla", {("random-1", 1): 0.6}, drop=("skip_single", "steps"))
    (row,) = the_section(compared(store)).rows
    assert row.seeds == {"random-1": (0, 1)}


def test_an_oracle_is_called_one_wherever_it_stands(usual: Store) -> None:
    add(usual, "mla", {("random-1", 0): 0.99}, select="oracle")
    found = compared(usual)
    assert row_of(found, "mla default (oracle)").oracle
    assert row_of(found, "mla default").accuracy.value < 0.6
    assert any("not zero-shot" in note for note in found.notes)
    lines = [line for line in render_comparison(found).splitlines() if "99.0" in line]
    assert len(lines) == 1
    assert "oracle" in lines[0]


def test_backbones_trained_otherwise_are_not_compared(usual: Store) -> None:
    add(usual, "mla", {("random-1", 0): 0.99}, epochs=40)
    found = compared(usual)
    assert [section.features for section in found.sections] == [
        "backbone st-gcn (epochs=40)", "backbone st-gcn (epochs=60)",
    ]  # fmt: skip
    assert [row.difference for row in found.sections[0].rows] == [None]
    assert any("no ridge default with" in note and "--split random-1" in note for note in found.notes)
    assert compared(usual, backbone="ST_GCN").sections == found.sections
    with pytest.raises(InputError, match="fits all that was asked for"):
        compared(usual, backbone="raw-joints")


def test_the_control_of_other_texts_stands_below_its_method(usual: Store) -> None:
    add(usual, "ridge", {("random-1", 0): 0.1}, control="random-words")
    rows = the_section(compared(usual)).rows
    assert [(row.method, row.control) for row in rows][:2] == [("ridge", "none"), ("ridge", "random-words")]
    assert rows[1].difference is not None
    assert rows[1].difference.value == pytest.approx(-0.4)
    assert {row.control for row in the_section(compared(usual, controls=False)).rows} == {"none"}


def test_another_reference(usual: Store) -> None:
    add(usual, "mla", {("random-1", 0): 0.5, ("random-1", 1): 0.6}, preset="paper")
    found = compared(usual, against="mla:paper", methods="mla")
    assert [row.name for row in the_section(found).rows if row.control == "none"] == ["mla paper", "mla default"]
    difference = row_of(found, "mla default").difference
    assert difference is not None
    assert difference.against == "mla paper"
    assert difference.value == pytest.approx(0.15)
    with pytest.raises(UsageError, match="Did you mean"):
        compared(usual, against="rigde")
    with pytest.raises(UsageError, match="preset of ridge"):
        compared(usual, against="ridge:paper")


def test_the_generalised_task(usual: Store) -> None:
    add(usual, "mla", {("random-1", 0): 0.6, ("random-2", 0): 0.2}, gzsl=0.5)
    add(usual, "ridge", {("random-1", 0): 0.5}, gzsl=0.2)
    found = compared(usual, metric="harmonic")
    mla, ridge = row_of(found, "mla default"), row_of(found, "ridge default")
    assert mla.generalised is not None
    assert (mla.generalised.runs, mla.generalised.harmonic.value) == (2, 0.5)
    assert (mla.generalised.seen.value, mla.generalised.area.value) == (0.8, 0.25)
    assert ridge.generalised is not None
    assert mla.difference is not None
    assert mla.difference.value == pytest.approx(0.3)
    assert mla.difference.splits == ("random-1",)
    assert mla.accuracy == row_of(compared(usual), "mla default").accuracy  # the same runs, told twice
    assert any("generalised figures are of 2 of its runs" in note for note in found.notes)
    assert row_of(compared(usual, rule="gate"), "mla default").generalised is None
    text = render_comparison(found)
    assert "harmonic minus" in text
    assert "| 50.0 [50.0, 50.0] |" in markdown(found)  # there is room for the interval of H
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_closed_form_whose_calibration_depends_on_the_seed_counts_every_seed(store: Store) -> None:
    add(store, "ridge", {("random-1", 0): 0.5}, gzsl=0.2)
    add(store, "ridge", {("random-1", 1): 0.5}, gzsl=0.4)
    row = row_of(compared(store), "ridge default")
    assert row.generalised is not None
    assert row.generalised.harmonic.value == pytest.approx(0.3)
    assert row.accuracy.low is None  # one split, and the seed changes nothing


def test_of_the_same_split_and_seed_the_newest_run_counts(store: Store) -> None:
    old = add(store, "mla", {("random-1", 0): 0.1}, drop=("steps",))[0]
    add(store, "mla", {("random-1", 0): 0.7})
    card = read_json(old.path / "card.json")
    card["made"]["at"] = "2001-01-01T00:00:00.000+00:00"
    write_json(old.path / "card.json", card)
    found = compared(store)
    assert row_of(found, "mla default").accuracy.value == 0.7
    assert any("1 runs were left out" in note for note in found.notes)


def test_a_split_that_was_edited_is_another_split(store: Store) -> None:
    add(store, "ridge", {("random-1", 0): 0.5})
    add(store, "mla", {("random-1", 0): 0.9}, unseen=(7, 8, 9), chance=1 / 3)
    found = compared(store)
    assert len(found.chances) == 2
    assert all(split.startswith("random-1#") for split in found.chances)
    assert row_of(found, "mla default").difference is None
    assert any("33.3 %" in note and "50.0 %" in note for note in found.notes)


def test_without_a_reference_there_are_means_and_a_hint(store: Store) -> None:
    add(store, "mla", {("random-1", 0): 0.9}, synthetic=True)
    found = compared(store)
    assert row_of(found, "mla default").difference is None
    assert any("zsl-train --method ridge --preset default --dataset utd-mhad" in note for note in found.notes)
    assert "SYNTHETIC" in render_comparison(found)
    assert "SYNTHETIC" in markdown(found)


def test_what_is_compared_must_be_clear(usual: Store) -> None:
    assert list(compared(usual, splits="random-1,random_2").chances) == ["random-1", "random-2"]
    with pytest.raises(UsageError, match="split among the runs 'random-9'"):
        compared(usual, splits=["random-9"])
    add(usual, "ridge", {("random-1", 0): 0.5}, protocol="xview")
    with pytest.raises(UsageError, match="--protocol is missing"):
        compared(usual)
    assert compared(usual, protocol="xsub").protocol == "xsub"
    add(usual, "ridge", {("random-1", 0): 0.5}, dataset="msr-action3d")
    with pytest.raises(UsageError, match="--dataset is missing"):
        compared(usual, protocol="xsub")
    assert compared(usual, dataset="MSR_Action3D").dataset == "msr-action3d"
    with pytest.raises(UsageError, match="Did you mean"):
        compared(usual, dataset="utd-mhat")


def test_an_empty_store_says_how_to_fill_it(store: Store) -> None:
    with pytest.raises(InputError, match="no runs") as error:
        compared(store)
    assert error.value.mend.startswith("zsl-train --method ridge")


def test_the_options_become_a_command(usual: Store) -> None:
    app = typer.Typer()

    @app.command()
    @takes(ComparisonOptions)
    def compare(options: ComparisonOptions) -> None:
        typer.echo(render_comparison(compare_runs(usual, options)))

    arguments = ["--splits", "random-1,random-2", "--against", "mla", "--no-controls", "--resamples", "200"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "splits random-1, random-2" in result.output
    assert "shuffled" not in result.output
