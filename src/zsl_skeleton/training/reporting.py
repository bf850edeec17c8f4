"""The report of a trained method: computed alike after training and from stored weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.evaluation.calibration import Calibrated, report_generalised
from zsl_skeleton.evaluation.evidence import gather_evidence
from zsl_skeleton.evaluation.generalised import GeneralisedReport
from zsl_skeleton.evaluation.metrics import zero_shot_metrics
from zsl_skeleton.evaluation.oracle import either_branch_accuracy
from zsl_skeleton.evaluation.published import published
from zsl_skeleton.evaluation.report import ClassResult, Report, SelectionResult
from zsl_skeleton.methods.base import Method
from zsl_skeleton.training.inputs import Inputs

_SAID = ("dataset", "split", "protocol", "method", "preset", "seed", "control")


@dataclass(frozen=True)
class Outcome:
    """What a training ended with: the inputs, the run's configuration, the method and how it was chosen.

    ``calibration`` is that of the generalised task; None: only the zero-shot task is reported. ``changed``: settings
    that differed from the preset when the run was trained.
    """

    inputs: Inputs
    config: Mapping[str, Any]
    method: Method
    selection: SelectionResult
    calibration: Calibrated | None
    changed: tuple[str, ...]


def make_report(outcome: Outcome, scores: NDArray[np.float32]) -> Report:
    """The report of ``outcome``, whose zero-shot scores of the unseen test clips are ``scores`` [N, U]."""
    inputs, config, task = outcome.inputs, outcome.config, outcome.inputs.task
    metrics = zero_shot_metrics(scores, inputs.test.labels.cpu().numpy())
    names, card = task.dataset.class_names, task.embeddings.card
    rows = zip(inputs.test.classes, metrics.clips, metrics.per_class, strict=True)
    encoder = card.config["encoder"]
    return Report(
        **{key: config[key] for key in _SAID},
        changed=outcome.changed,
        synthetic=task.features.card.synthetic,
        selection=outcome.selection,
        accuracy=metrics.accuracy,
        mean_class_accuracy=metrics.mean_class_accuracy,
        chance=metrics.chance,
        clips=sum(metrics.clips),
        per_class=tuple(ClassResult(index=i, name=names[i], clips=n, accuracy=a) for i, n, a in rows),
        confusion=metrics.confusion,
        either_branch=_either_branch(outcome),
        generalised=_generalised(outcome),
        slots=inputs.settings.method.needed_slots,
        encoder=f"{encoder['name']}@{encoder['revision'][:12]}",
        bank=card.inputs["bank"].name if "bank" in card.inputs else card.name,
        backbone=inputs.parts.train.backbone,
        published=tuple(map(str, published(config["dataset"], config["split"], config["method"]))),
    )


def _generalised(outcome: Outcome) -> GeneralisedReport | None:
    if outcome.calibration is None:
        return None
    clips = outcome.inputs.all_test()
    seen = ~np.isin(clips.classes, outcome.inputs.task.split.unseen)
    return report_generalised(gather_evidence(outcome.method, clips, seen, outcome.inputs.seed), outcome.calibration)


def _either_branch(outcome: Outcome) -> float | None:
    if type(outcome.method).branches is Method.branches:
        return None  # preparing for the candidates again may be a training of its own (MSF)
    method, clips = outcome.method.eval(), outcome.inputs.test
    generator = torch.Generator(clips.device).manual_seed(outcome.inputs.seed)
    with torch.no_grad():
        found = method.branches(clips.features, method.prepare(clips.text, generator))
    branches = {name: scores.cpu().numpy() for name, scores in found.items()}
    return either_branch_accuracy(branches, clips.labels.cpu().numpy())
