"""MSF's gate against numbers from the authors' own code (format and tolerances: see the golden files' conftest)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zsl_skeleton.evaluation.gate import Gate, GateOptions, Profile, features, fit_gate, gated_predictions
from zsl_skeleton.evaluation.gzsl import seen_unseen_harmonic
from zsl_skeleton.evaluation.logistic import Logistic, fit_logistic

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]


def fitted(cfg: dict[str, Any], arrays: Arrays, kind: str) -> Gate:
    fixed = {key: float(arrays[f"exp.fixed.{key}"]) for key in ("temperature", "threshold")}
    searched: dict[str, Any] = {"temperature": None, "threshold": None}
    options = GateOptions.model_validate((fixed if kind == "fixed" else searched) | {"seed": cfg["holdout_seed"]})
    unseen, seen = (Profile(arrays[f"in.val_{s}_pu"], arrays[f"in.val_{s}_logits"]) for s in ("unseen", "seen"))
    return fit_gate(unseen, seen, options)


@pytest.mark.parametrize("kind", ["fixed", "search"])
def test_gate(golden: Load, kind: str) -> None:
    cfg, arrays = golden("msf_gate")
    exp = {key.removeprefix(f"exp.{kind}."): value for key, value in arrays.items() if key.startswith(f"exp.{kind}.")}
    gate = fitted(cfg, arrays, kind)
    assert gate.temperature == exp["temperature"]
    assert gate.threshold == pytest.approx(float(exp["threshold"]), abs=1e-12)
    assert gate.held_out_accuracy == pytest.approx(float(exp["holdout_acc"]), abs=1e-12)
    np.testing.assert_allclose(gate.coefficients, exp["coef"], rtol=0, atol=1e-4 * np.abs(exp["coef"]).max())
    assert gate.intercept == pytest.approx(float(exp["intercept"]), rel=1e-4)

    pu, logits, labels = (arrays[f"in.test_{name}"] for name in ("pu", "logits", "labels"))
    seen = ~np.isin(np.arange(cfg["n_class"]), cfg["unseen"])
    x = features(Profile(pu, logits), gate.temperature, cfg["m"])
    np.testing.assert_allclose(x, exp["test_features"], atol=1e-6)
    np.testing.assert_allclose(gate.probability(pu, logits), exp["p_seen"], atol=1e-5)
    np.testing.assert_array_equal(gate.is_seen(pu, logits), exp["is_seen"].astype(bool))
    predicted = gated_predictions(gate, pu, logits, seen)
    np.testing.assert_array_equal(predicted, exp["pred"])
    found = seen_unseen_harmonic(predicted, labels, seen).sample
    np.testing.assert_allclose([found.seen, found.unseen, found.harmonic], [exp["S"], exp["U"], exp["H"]], atol=1e-12)


def test_the_official_fit_is_binary_with_twice_the_strength(golden: Load) -> None:
    _, arrays = golden("msf_gate")
    x, y = arrays["in.fixed.fit_x"].astype(np.float64), arrays["in.fixed.fit_y"].astype(bool)
    official = Logistic(arrays["exp.fixed.coef"], float(arrays["exp.fixed.intercept"]))
    test = arrays["exp.fixed.test_features"].astype(np.float64)
    for strength, tolerance in ((1, 1e-4), (2, 1e-6)):
        difference = fit_logistic(x, y, strength).probability(test) - official.probability(test)
        expected = float(arrays[f"exp.fixed.maxdiff_binary_C{strength}"])
        assert np.abs(difference).max() == pytest.approx(expected, abs=tolerance)
