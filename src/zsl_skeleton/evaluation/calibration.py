"""From held-out seen classes to the generalised report of the test clips: a constant and a gate, both found on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.evaluation.evidence import Evidence
from zsl_skeleton.evaluation.gate import Gate, GateOptions, Profile, fit_gate, gated_predictions, softmax
from zsl_skeleton.evaluation.generalised import Calibration, GeneralisedReport, generalised_report
from zsl_skeleton.evaluation.gzsl import calibrate, curve, margins

GATES: dict[str, GateOptions] = {
    "ours": GateOptions(ps_columns="seen", threshold_side="fit", standardise=True),
    "official": GateOptions(),
}
"""Ours differs from MSF's: classes that nothing was trained on say nothing about how familiar a clip is, and the
probabilities of scores as flat as cosines would be shut out by the penalty if they were not standardised."""


class StoredGate(BaseModel):
    """A fitted gate as JSON values; see :class:`zsl_skeleton.evaluation.gate.Gate`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float
    threshold: float
    coefficients: tuple[float, ...]
    intercept: float
    options: GateOptions
    held_out_accuracy: float | None

    def gate(self) -> Gate:
        """The gate itself."""
        return Gate(**{**dict(self), "coefficients": np.array(self.coefficients)})


class Calibrated(BaseModel):
    """What was found on held-out seen classes; stored beside a run, so that its report can be computed again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    constant: Calibration
    gate: StoredGate


def calibrated(held_out: Sequence[Evidence], gate: str = "ours", *, familiar: bool = False) -> Calibrated:
    """Constant of the highest mean harmonic mean over the draws, and a gate fitted on the first draw.

    The gate, one of :data:`GATES`, takes one draw because its features are as long as there are held-out classes.
    ``familiar`` is handed on to the report: the backbone was trained on held-out classes.

    Raises:
        InputError: a draw has no clip of one of the sides.
    """
    curves = [curve(margins(one.scores, one.labels, one.seen)) for one in held_out]
    constant = calibrate(curves)
    harmonic = float(np.mean([one.at(constant).harmonic for one in curves]))
    first = held_out[0]
    is_seen = first.seen[first.labels]
    fitted = fit_gate(_profile(first, ~is_seen), _profile(first, is_seen), GATES[gate])
    return Calibrated(
        constant=Calibration(
            constant=constant,
            draws=len(held_out),
            classes=int((~first.seen).sum()),
            harmonic=harmonic,
            familiar=familiar,
        ),
        gate=StoredGate(**{**vars(fitted), "coefficients": tuple(fitted.coefficients.tolist())}),
    )


def report_generalised(test: Evidence, found: Calibrated) -> GeneralisedReport:
    """The generalised report of the test clips, whose candidates are all classes."""
    probabilities, logits = softmax(test.unseen_scores), test.logits[:, test.columns]
    gated = gated_predictions(found.gate.gate(), probabilities, logits, test.seen)
    return generalised_report(test.scores, test.labels, test.seen, found.constant, gated)


def _profile(evidence: Evidence, clips: NDArray[np.bool_]) -> Profile:
    return Profile(softmax(evidence.unseen_scores[clips]), evidence.logits[clips], evidence.seen_columns)
