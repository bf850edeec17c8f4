"""The generalised part of a report: its rows agree with each other, and oracles are labelled."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.evaluation.generalised import (
    Calibration,
    GeneralisedReport,
    generalised_report,
    render_generalised,
    separation,
)
from zsl_skeleton.evaluation.gzsl import margins

CLASSES = 8
SEEN = np.arange(CLASSES) < 6


def made(bias: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES - 1, size=300)
    scores = generator.standard_normal((300, CLASSES)) + bias * SEEN
    scores[np.arange(300), labels] += 2
    return scores.astype(np.float32), labels


def report() -> GeneralisedReport:
    scores, labels = made()
    calibration = Calibration(constant=0.75, draws=3, classes=2, harmonic=0.61)
    return generalised_report(scores, labels, SEEN, calibration, gated=np.where(labels < 4, labels, 7))


def test_rows() -> None:
    found = report()
    rows = {row.rule: row for row in found.rows}
    assert list(rows) == ["uncalibrated", "held-out", "gate", "oracle", "perfect routing"]
    assert [row.constant is None for row in found.rows] == [False, False, True, False, True]
    assert rows["held-out"].constant == 0.75
    assert rows["oracle"].sample.harmonic >= rows["held-out"].sample.harmonic > rows["uncalibrated"].sample.harmonic
    assert rows["perfect routing"].sample.harmonic >= rows["oracle"].sample.harmonic
    assert rows["perfect routing"].sample.seen >= rows["uncalibrated"].sample.seen
    gate = rows["gate"]
    assert gate.per_class == (1, 1, 1, 1, 0, 0, 0, None)
    assert (gate.class_mean.seen, gate.class_mean.unseen, gate.class_mean.harmonic) == (pytest.approx(4 / 6), 0, 0)
    assert (gate.routed_seen, gate.routed_unseen) == (gate.sample.seen, 1)
    assert (found.seen_clips + found.unseen_clips, found.seen_classes, found.unseen_classes) == (300, 6, 2)
    assert (found.curve[0].unseen, found.curve[-1].seen) == (0, 0)


def test_routing_is_what_the_predictions_do() -> None:
    scores, labels = made()
    row = generalised_report(scores, labels, SEEN).rows[0]
    predicted = scores.argmax(1)
    assert row.sample.seen == pytest.approx((predicted == labels)[SEEN[labels]].mean())
    assert row.routed_unseen == pytest.approx((~SEEN[predicted])[~SEEN[labels]].mean())
    assert row.sample.unseen <= row.routed_unseen < 1


def test_separation_counts_pairs() -> None:
    scores, labels = made()
    scores = np.round(scores)
    known = margins(scores, labels, SEEN)
    a, b = known.margin[known.is_seen], known.margin[~known.is_seen]
    pairs = (a[:, None] > b).mean() + (a[:, None] == b).mean() / 2
    assert separation(known) == pytest.approx(pairs)
    assert separation(known) == separation(margins(scores + 5 * SEEN.astype(np.float32), labels, SEEN))


def test_every_oracle_is_labelled_and_nothing_else() -> None:
    found = report()
    lines = render_generalised(found)
    for row in found.rows:
        (line,) = [line for line in lines if line.startswith(f"    {row.rule} ")]
        assert ("(oracle" in line) == row.oracle == (row.rule in ("oracle", "perfect routing"))
    assert f"{100 * found.area:.1f} per sample" in lines[-2]
    assert "3 times 2 held-out seen classes where H was 61.0" in lines[-1]
    assert "oracle" in render_generalised(found, oracle=True)[0]
    assert "oracle" not in lines[0]
    scores, labels = made()
    assert not any("held-out" in line for line in render_generalised(generalised_report(scores, labels, SEEN)))


def test_json_round_trip() -> None:
    assert GeneralisedReport.model_validate_json(report().model_dump_json()) == report()
