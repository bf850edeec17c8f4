"""The export of a run of every registered method says what the run itself said."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.files import read_tensors
from zsl_skeleton.methods import METHODS
from zsl_skeleton.prediction.predictor import PredictOptions
from zsl_skeleton.prediction.wording import Wording


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> str:
    return request.param


def test_raw_recordings_get_the_scores_of_the_run(world, method: str) -> None:
    run = world.run(method)
    stored = read_tensors(run.path / "scores.safetensors")
    names = (run.path / "samples.txt").read_text().split()
    found = world.predictor(method).predict([world.recordings[name] for name in names], "unseen")
    assert found.names == tuple(world.dataset.class_names[index] for index in stored["classes"])
    np.testing.assert_allclose(found.scores, stored["scores"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.probabilities.sum(1), 1)
    assert not found.seen.any()


def test_names_typed_on_the_spot_are_candidates(world, method: str) -> None:
    clip = world.recordings["a2_s3_t0"]
    options = PredictOptions(Wording(backend="name"), explain=True)
    found = world.predictor(method).predict(clip, ["tie shoe laces", "wave with both hands", "kick"], 2, options)
    assert found.names == ("tie shoe laces", "wave with both hands", "kick")
    assert found.seen.tolist() == [False, False, True]
    best = found.best(0)
    assert len(best) == 2 and best[0].probability >= best[1].probability
    assert np.isfinite(found.scores).all()
    assert len(found.explanations) == 1 and found.explanations[0].parts
    assert any("weaker" in remark for remark in found.remarks)
    assert any("extrapolation" in remark for remark in found.remarks)


def test_seen_classes_are_held_back_where_both_kinds_compete(world, method: str) -> None:
    predictor = world.predictor(method)
    found = predictor.predict(list(world.recordings.values())[:6])
    calibration = predictor.manifest.calibration
    assert calibration is not None and set(calibration.scales) == {"seen", "unseen", "all"}
    shifted = (found.scores - calibration.constant * found.seen) / calibration.scales["all"].temperature
    expected = np.exp(shifted - shifted.max(1, keepdims=True))
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(1, keepdims=True), rtol=1e-6)
