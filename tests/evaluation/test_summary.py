"""Several runs of one setting as one table."""

from __future__ import annotations

import pytest

from evaluation.written_runs import add
from zsl_skeleton.artifacts import Store
from zsl_skeleton.evaluation.summary import render_summary, summarise
from zsl_skeleton.training.train import read_report


def test_means_spread_and_interval_per_control(store: Store) -> None:
    runs = add(store, "mla", {("random-1", 0): 0.5, ("random-1", 1): 0.7})
    runs += add(store, "mla", {("random-1", 0): 0.2}, control="shuffled")
    real, shuffled = summarise([read_report(run) for run in runs])
    assert (real["control"], real["runs"], shuffled["control"]) == ("none", 2, "shuffled")
    assert real["accuracy"] == pytest.approx(0.6)
    assert real["deviation"] == pytest.approx(0.1414, abs=1e-4)
    assert real["interval"] == pytest.approx([0.5, 0.7])
    assert real["mean_class_interval"] == pytest.approx([0.25, 0.35])
    assert shuffled["deviation"] is shuffled["interval"] is shuffled["generalised"] is None
    assert shuffled["mean_class_interval"] is None
    text = render_summary([read_report(run) for run in runs])
    assert "60.0 +-14.1 [50.0, 70.0]" in text
    assert "30.0 [25.0, 35.0]" in text


def test_changed_settings_are_named(store: Store) -> None:
    plain = read_report(add(store, "mla", {("random-1", 0): 0.5})[0])
    changed = plain.model_copy(update={"changed": ("epochs=2",)})
    assert "epochs=2; the rest as in default" in render_summary([changed, changed])
    assert "the rest as in" not in render_summary([plain, plain])


def test_the_generalised_task_is_averaged_by_rule_and_oracles_are_labelled(store: Store) -> None:
    runs = [add(store, "mla", {("random-1", seed): 0.5}, gzsl=value)[0] for seed, value in enumerate((0.2, 0.6))]
    reports = [read_report(run) for run in runs]
    looked = reports[1].generalised.rows[0].model_copy(update={"rule": "oracle", "oracle": True})
    rows = (*reports[1].generalised.rows, looked)
    both = [
        report.model_copy(update={"generalised": report.generalised.model_copy(update={"rows": rows})})
        for report in reports
    ]
    (row,) = summarise(reports)
    assert row["generalised"]["runs"] == 2
    assert row["generalised"]["rules"]["held-out"]["harmonic"] == pytest.approx(0.4)
    assert row["generalised"]["rules"]["held-out"]["harmonic_interval"] == pytest.approx([0.2, 0.6])
    assert row["generalised"]["area"] == pytest.approx(0.25)
    assert "40.0 [20.0, 60.0]" in render_summary(reports)
    lines = render_summary(both).splitlines()
    assert [("(oracle)" in line) for line in lines if line.split()[:1] in (["held-out"], ["oracle"])] == [False, True]
