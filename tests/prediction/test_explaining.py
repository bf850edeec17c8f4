"""What decided is named in words: descriptions, joints, moments."""

from __future__ import annotations

from zsl_skeleton.prediction.predictor import PredictOptions
from zsl_skeleton.skeletons.layouts import JOINTS

EXPLAIN = PredictOptions(explain=True)


def test_mla_names_descriptions_of_the_class_that_it_chose(world) -> None:
    predictor = world.predictor("mla")
    found = predictor.predict(world.recordings["a2_s3_t0"], "unseen", options=EXPLAIN)
    rows = found.explanations[0].parts["descriptions"]
    assert [weight for _, weight in rows] == sorted((weight for _, weight in rows), reverse=True)
    bank = predictor._export.texts["codebook"][predictor.manifest.names.index(found.predicted[0])]
    assert {text for text, _ in rows} <= set(bank)
    assert rows[0][0] in "\n".join(found.explanations[0].lines())


def test_neuron_names_joints_and_moments(world) -> None:
    found = world.predictor("neuron").predict(world.recordings["a2_s3_t0"], "unseen", options=EXPLAIN)
    parts = found.explanations[0].parts
    assert {name for name, _ in parts["joints"]} <= set(JOINTS["ntu-25"])
    assert all(what.endswith("% of the clip") for what, _ in parts["frames"])
    assert 3 / 25 < sum(weight for _, weight in parts["joints"]) < 1


def test_a_method_that_shows_nothing_says_how_it_knew_the_class(world) -> None:
    found = world.predictor("ridge").predict(world.recordings["a2_s3_t0"], "unseen", options=EXPLAIN)
    assert found.explanations[0].parts["known by"][0][0]
