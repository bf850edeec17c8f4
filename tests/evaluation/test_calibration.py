"""From held-out evidence to the generalised report: what is chosen where, and that it survives its JSON form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zsl_skeleton.evaluation.calibration import Calibrated, calibrated, report_generalised
from zsl_skeleton.evaluation.evidence import Evidence

SEEN = np.array([True, True, True, False, False])


def evidence(seed: int, lift: float = 2.0, columns: np.ndarray = SEEN) -> Evidence:
    """Scores that point at the right class, with seen classes ``lift`` too high."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(columns), size=200)
    scores = rng.normal(size=(200, len(columns))) + 3.0 * np.eye(len(columns))[labels] + lift * columns
    logits = rng.normal(size=scores.shape) + 4.0 * np.eye(len(columns))[labels] * columns
    parts = (part.astype(np.float32) for part in (scores, scores[:, ~columns], logits))
    return Evidence(*parts, np.arange(len(columns)), labels.astype(np.int64), columns)


def row(report, rule):  # type: ignore[no-untyped-def]
    return next(found for found in report.rows if found.rule == rule)


def test_the_constant_found_on_held_out_classes_mends_the_bias() -> None:
    found = calibrated([evidence(0), evidence(1)])
    assert found.constant.constant == pytest.approx(2.0, abs=1.0)
    assert (found.constant.draws, found.constant.classes) == (2, 2)
    report = report_generalised(evidence(2), found)
    held_out, plain = (row(report, rule).sample.harmonic for rule in ("held-out", "uncalibrated"))
    assert held_out > plain + 0.05
    assert row(report, "gate").sample.harmonic > plain + 0.05
    assert row(report, "oracle").sample.harmonic >= held_out


def test_the_gate_goes_by_the_logits_of_the_classes_that_were_trained_on() -> None:
    one = evidence(0)
    untrained = one.logits.copy()
    untrained[:, ~SEEN] += 100.0  # columns that nothing was trained on may say anything
    other = replace(one, logits=untrained)
    assert calibrated([one]).gate == calibrated([other]).gate
    assert calibrated([one], "official").gate != calibrated([other], "official").gate


def test_columns_of_other_classes_and_in_another_order_change_nothing_of_ours() -> None:
    one, test = evidence(0), evidence(2)
    order = np.array([4, 0, 5, 2, 1])  # column of each candidate; column 3 is of a class that is no candidate
    wide = []
    for found in (one, test):
        logits = np.full((200, 6), 50.0, dtype=np.float32)
        logits[:, order] = found.logits
        wide.append(replace(found, logits=logits, columns=order))
    assert report_generalised(wide[1], calibrated(wide[:1])) == report_generalised(test, calibrated([one]))


def test_what_is_stored_reports_the_same() -> None:
    found = calibrated([evidence(0)])
    stored = Calibrated.model_validate_json(found.model_dump_json())
    assert report_generalised(evidence(2), stored) == report_generalised(evidence(2), found)


def test_a_bad_transfer_shows() -> None:
    report = report_generalised(evidence(2, lift=8.0), calibrated([evidence(0, lift=0.0)]))
    assert report.calibration is not None
    assert report.calibration.harmonic > 0.5
    assert row(report, "held-out").sample.harmonic < 0.2
    assert row(report, "oracle").sample.harmonic > 0.5
