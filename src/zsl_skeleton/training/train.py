"""From features and class embeddings to a run, and from a run back to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.calibration import Calibrated, calibrated
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.files import canonical_json, read_json, read_tensors, write_json, write_tensors, write_text
from zsl_skeleton.methods.base import Method, Sizes
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.device import choose_device, training_device
from zsl_skeleton.training.heldout import calibration_evidence
from zsl_skeleton.training.inputs import Inputs, Task
from zsl_skeleton.training.reporting import Outcome, make_report
from zsl_skeleton.training.selection import train_selected
from zsl_skeleton.training.settings import Settings, changed_settings, resolve_settings, settings_from_json

STAGE = "runs"
WEIGHTS, SCORES = "weights.safetensors", "scores.safetensors"
METRICS, REPORT, SAMPLES = "metrics.jsonl", "report.json", "samples.txt"
CALIBRATION = "calibration.json"


def train(store: Store, task: Task, run: RunConfig) -> Artifact:
    """Train, score the test clips and write the run: weights, metrics, scores and report.

    The same task and configuration find the finished run again; a stopped one goes on where it was.

    Raises:
        UsageError: an unknown method, preset, setting or device, or too few seen classes to hold some out.
        InputError: the inputs do not fit each other, the method or the split.
    """
    settings = resolve_settings(run, task.dataset.name)
    device = training_device(run.device)
    recipe = run_recipe(task, run, settings, device)

    def build(folder: Path) -> Mapping[str, Any]:
        inputs = Inputs.open(task, settings, recipe.config, device)
        job = inputs.job(run, folder / WORK)
        changed = changed_settings(settings, run.preset, task.dataset.name)
        trained = train_selected(job, run.select, inputs.test_accuracy)
        weights = {name: value.cpu().numpy() for name, value in trained.method.state_dict().items()}
        write_tensors(folder / WEIGHTS, weights)
        write_text(folder / METRICS, "".join(canonical_json(record) + "\n" for record in trained.records))
        scores = inputs.test_scores(trained.method)
        write_tensors(folder / SCORES, {"scores": scores, **inputs.test_columns})
        write_text(folder / SAMPLES, "".join(f"{name}\n" for name in inputs.parts.test_unseen.ids))
        calibration = None
        if run.gzsl:
            calibration = calibrated(calibration_evidence(job, trained.epochs), run.gate, familiar=job.familiar)
            write_json(folder / CALIBRATION, calibration.model_dump(mode="json"))
        outcome = Outcome(inputs, recipe.config, trained.method, trained.selection, calibration, changed)
        report = make_report(outcome, scores)
        write_json(folder / REPORT, report.model_dump(mode="json"))
        return _summary(report)

    return store.make(recipe, build)


def evaluate(run: Artifact, task: Task, device: str = "auto") -> Report:
    """The report of a finished run, computed again from its weights (and its calibration on held-out classes).

    Raises:
        InputError: the run is damaged, or ``task`` is not what it was made from.
    """
    config = run.card.config
    inputs, method = open_run(run, task, device)
    written = read_report(run)
    calibration = Calibrated.model_validate(read_json(run.path / CALIBRATION)) if config.get("gzsl") else None
    outcome = Outcome(inputs, config, method, written.selection, calibration, written.changed)
    return make_report(outcome, inputs.test_scores(method))


def open_run(run: Artifact, task: Task, device: str = "auto") -> tuple[Inputs, Method]:
    """What a finished run was made from, and its method with the trained weights, in eval mode; both on the device.

    Raises:
        InputError: the run is damaged, or ``task`` is not what it was made from.
        UsageError: there is no such device.
    """
    config = run.card.config
    for role, artifact in (("features", task.features), ("embeddings", task.embeddings)):
        if run.card.inputs[role].id != artifact.id:
            raise InputError(
                f"the run {run.path.name} was not made from {artifact.path.name}",
                why=f"its {role} are {run.card.inputs[role].name}",
                mend=f"make them again, or train again: {run.card.made.command}",
            )
    settings = settings_from_json(config["method"], config["settings"])
    inputs = Inputs.open(task, settings, config, choose_device(device).device)
    with torch.random.fork_rng(devices=[]):
        method = settings.kind(settings.method, trained_sizes(inputs)).to(inputs.test.device)
    weights = {name: torch.from_numpy(value) for name, value in read_tensors(run.path / WEIGHTS).items()}
    try:
        method.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"the weights of {run.path} do not fit its settings",
            why=" ".join(str(error).split())[:200],
            mend=f"delete the folder and run again: {run.card.made.command}",
        ) from error
    return inputs, method.eval()


def trained_sizes(inputs: Inputs) -> Sizes:
    """The sizes that the method of a run was built with: as many classes as were seen."""
    return replace(inputs.test.sizes, classes=len(inputs.task.dataset.seen(inputs.task.split)))


def read_report(run: Artifact) -> Report:
    """The report that a run was written with."""
    return Report.model_validate(read_json(run.path / REPORT))


def run_recipe(task: Task, run: RunConfig, settings: Settings, device: torch.device) -> Recipe:
    """Name and identity of a run."""
    marks = [run.control] * (run.control != "none") + [run.select] * (run.select != "last") + ["gzsl"] * run.gzsl
    validation = {"validation": task.validation} if task.validation and run.validates else {}
    parts = [settings.name, run.preset, task.dataset.name, task.split.name, *marks, f"seed{run.seed}"]
    return Recipe(
        stage=STAGE,
        name="-".join(parts),
        what=f"{settings.name} ({run.preset}) on {task.dataset.name}, split {task.split.name}, seed {run.seed}",
        config={
            "dataset": task.dataset.name,
            "split": task.split.name,
            "protocol": task.protocol.name,
            "unseen": list(task.split.unseen),
            "held_out": [list(classes) for classes in task.held_out(run)],
            "method": settings.name,
            "preset": run.preset,
            "settings": settings.as_json(),
            "seed": run.seed,
            "select": run.select,
            "control": run.control,
            "gzsl": run.gzsl,
            **({"gate": run.gate} if run.gate != "ours" else {}),
        },
        inputs={"features": task.features, "embeddings": task.embeddings} | validation,
        synthetic=task.features.card.synthetic,
        device=str(device),
    )


def _summary(report: Report) -> dict[str, Any]:
    keys = ("accuracy", "mean_class_accuracy", "chance", "clips")
    return {key: getattr(report, key) for key in keys} | {"selection": report.selection.model_dump(mode="json")}
