"""The report says everything that an accuracy must be read with."""

from __future__ import annotations

from zsl_skeleton.evaluation.report import ClassResult, Report, SelectionResult, render


def report(**changes: object) -> Report:
    values = {
        "dataset": "ntu120", "synthetic": False, "split": "synse-110-10", "protocol": "xsub", "method": "mla",
        "preset": "paper", "seed": 3, "control": "none", "accuracy": 0.5, "mean_class_accuracy": 0.25, "chance": 0.5,
        "clips": 4, "confusion": ((2, 0), (2, 0)), "slots": ("codebook", "motion"), "encoder": "minilm@abc",
        "bank": "bank-1", "backbone": "st-gcn-1",
        "selection": SelectionResult(rule="last", epoch=99, accuracy=None, oracle=False),
        "per_class": (ClassResult(index=4, name="run", clips=4, accuracy=0.5),
                      ClassResult(index=9, name="hop", clips=0, accuracy=None)),
    }  # fmt: skip
    return Report.model_validate(values | changes)


def test_everything_is_named() -> None:
    text = render(report(published=("InfoCPL (MLA): ZSL 74.8 %",)))
    for part in ("mla (paper)", "ntu120", "synse-110-10", "xsub", "50.0 %", "25.0 %", "chance", "seed 3", "minilm@abc",
                 "bank-1", "st-gcn-1", "codebook, motion", "run", "74.8 %"):  # fmt: skip
        assert part in text
    assert "oracle" not in text
    assert "SYNTHETIC" not in text


def test_an_oracle_is_labelled_beside_every_accuracy_it_touched() -> None:
    lines = render(report(selection=SelectionResult(rule="oracle", epoch=7, accuracy=0.5, oracle=True))).splitlines()
    assert all("oracle" in line for line in lines if "accuracy " in line)


def test_synthetic_data_and_controls_are_labelled() -> None:
    text = render(report(synthetic=True, control="shuffled"))
    assert "SYNTHETIC DATA" in text.splitlines()[0]
    assert "shuffled" in text


def test_changed_settings_are_named_beside_their_preset() -> None:
    assert "epochs=2, batch=8; the rest as in paper" in render(report(changed=("epochs=2", "batch=8")))
    assert "the rest as in" not in render(report())


def test_json_round_trip() -> None:
    document = report().model_dump(mode="json")
    assert document["schema_version"] == 2
    assert Report.model_validate(document) == report()
