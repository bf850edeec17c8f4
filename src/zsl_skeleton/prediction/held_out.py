"""What an export's probabilities rest on: trainings that leave out some of the *seen* classes.

The method is trained again without them, as it was for the run; how it then scores their clips stands for how it scores
clips of classes it has never seen. For classes that a user types this is an extrapolation: they may be nearer to the
seen ones, or described in fewer words, and there may be more or fewer of them than there were held-out classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.errors import UsageError
from zsl_skeleton.evaluation.calibration import Calibrated
from zsl_skeleton.evaluation.evidence import Evidence
from zsl_skeleton.evaluation.gzsl import calibrate, curve, margins
from zsl_skeleton.files import read_json, read_tensors
from zsl_skeleton.prediction.manifest import Calibration, Side
from zsl_skeleton.prediction.temperature import Scored, fit_temperature, reliability
from zsl_skeleton.progress import say
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.heldout import calibration_evidence
from zsl_skeleton.training.inputs import Inputs
from zsl_skeleton.training.train import CALIBRATION, SCORES, read_report


def calibration_of(run: Artifact, inputs: Inputs, work: Path, draws: int) -> Calibration | None:
    """The calibration of a run; None where there are too few seen classes to hold some out.

    Args:
        run: finished; if it was calibrated for the generalised task, its constant stays.
        inputs: opened for this run.
        work: folder for the checkpoints of the trainings.
        draws: how often classes are held out; a few classes alone would say little.
    """
    config = run.card.config
    try:
        job = inputs.job(RunConfig(method=config["method"], seed=config["seed"], gzsl=True, draws=draws), work)
    except UsageError as error:
        say(f"no calibration: {error.what}; probabilities are softmax(scores)")
        return None
    epoch = read_report(run).selection.epoch
    evidence = calibration_evidence(job, 0 if epoch is None else epoch + 1)
    if config.get("gzsl"):
        constant = Calibrated.model_validate(read_json(run.path / CALIBRATION)).constant.constant
    else:
        constant = calibrate([curve(margins(one.scores, one.labels, one.seen)) for one in evidence])
    scales = {side: fit_temperature([_scored(one, side, constant) for one in evidence]) for side in _SIDES}
    found = read_tensors(run.path / SCORES)
    labels = np.searchsorted(found["classes"], found["labels"])
    return Calibration(
        constant=constant,
        scales=scales,
        draws=len(evidence),
        held_out=int((~evidence[0].seen).sum()),
        test_unseen=reliability([Scored(found["scores"], labels)], [scales["unseen"].temperature]),
    )


_SIDES: Sequence[Side] = ("seen", "unseen", "all")


def _scored(evidence: Evidence, side: Side, constant: float) -> Scored:
    """The clips of one side among the classes of that side, or all clips among all classes."""
    if side == "all":
        return Scored(evidence.scores - constant * evidence.seen, evidence.labels)
    columns = np.flatnonzero(evidence.seen if side == "seen" else ~evidence.seen)
    clips = np.isin(evidence.labels, columns)
    scores = evidence.unseen_scores if side == "unseen" else evidence.scores[:, columns]
    return Scored(scores[clips], np.searchsorted(columns, evidence.labels[clips]))
