"""From features and class embeddings to a run, and from a run back to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.controls import shuffled_rows
from zsl_skeleton.evaluation.metrics import zero_shot_metrics
from zsl_skeleton.evaluation.published import published
from zsl_skeleton.evaluation.report import ClassResult, Report, SelectionResult
from zsl_skeleton.evaluation.scoring import accuracy, class_scores
from zsl_skeleton.files import Array, canonical_json, read_json, read_tensors, write_json, write_tensors, write_text
from zsl_skeleton.methods.base import ClassText, Method
from zsl_skeleton.skeletons.features import FeatureSet, Partition, partition
from zsl_skeleton.text.altered import ALTERED
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import Clips, load_clips, load_text
from zsl_skeleton.training.device import choose_device
from zsl_skeleton.training.selection import Job, train_selected
from zsl_skeleton.training.settings import Settings, resolve_settings, settings_from_json

STAGE = "runs"
WEIGHTS, SCORES = "weights.safetensors", "scores.safetensors"
METRICS, REPORT, SAMPLES = "metrics.jsonl", "report.json", "samples.txt"


@dataclass(frozen=True)
class Task:
    """What is learned from what: two artifacts, and which of their classes and clips are for training.

    Args:
        features: artifact of stage ``features``.
        embeddings: artifact of stage ``embeddings``.
        dataset, split, protocol: from the catalog.
    """

    features: Artifact
    embeddings: Artifact
    dataset: Dataset
    split: Split
    protocol: Protocol


def train(store: Store, task: Task, run: RunConfig) -> Artifact:
    """Train, score the unseen test clips and write the run: weights, metrics, scores and report.

    The same task and configuration find the finished run again; a stopped one goes on where it was.

    Raises:
        UsageError: an unknown method, preset, setting or device.
        InputError: the inputs do not fit each other, the method or the split.
    """
    settings = resolve_settings(run, task.dataset.name)
    device = choose_device(run.device).device
    recipe = run_recipe(task, run, settings, device)

    def build(folder: Path) -> Mapping[str, Any]:
        inputs = _Inputs.open(task, settings, recipe.config, device)
        trained = train_selected(inputs.job(run, folder / WORK), run.select, inputs.test_accuracy)
        weights = {name: value.cpu().numpy() for name, value in trained.method.state_dict().items()}
        write_tensors(folder / WEIGHTS, weights)
        write_text(folder / METRICS, "".join(canonical_json(record) + "\n" for record in trained.records))
        scores = inputs.test_scores(trained.method)
        write_tensors(folder / SCORES, {"scores": scores, **inputs.test_columns})
        write_text(folder / SAMPLES, "".join(f"{name}\n" for name in inputs.parts.test_unseen.ids))
        report = inputs.report(recipe.config, scores, trained.selection)
        write_json(folder / REPORT, report.model_dump(mode="json"))
        return _summary(report)

    return store.make(recipe, build)


def evaluate(run: Artifact, task: Task, device: str = "auto") -> Report:
    """The report of a finished run, computed again from its weights.

    Raises:
        InputError: the run is damaged, or ``task`` is not what it was made from.
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
    inputs = _Inputs.open(task, settings, config, choose_device(device).device)
    sizes = replace(inputs.test.sizes, classes=len(task.dataset.seen(task.split)))
    method = settings.kind(settings.method, sizes).to(inputs.test.device)
    method.load_state_dict({name: torch.from_numpy(value) for name, value in read_tensors(run.path / WEIGHTS).items()})
    selection = SelectionResult.model_validate(read_json(run.path / REPORT)["selection"])
    return inputs.report(config, inputs.test_scores(method), selection)


def read_report(run: Artifact) -> Report:
    """The report that a run was written with."""
    return Report.model_validate(read_json(run.path / REPORT))


def run_recipe(task: Task, run: RunConfig, settings: Settings, device: torch.device) -> Recipe:
    """Name and identity of a run."""
    marks = [run.control] * (run.control != "none") + [run.select] * (run.select != "last")
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
            "validation_unseen": list(task.split.validation_unseen) if run.select == "val" else None,
            "method": settings.name,
            "preset": run.preset,
            "settings": settings.as_json(),
            "seed": run.seed,
            "select": run.select,
            "control": run.control,
        },
        inputs={"features": task.features, "embeddings": task.embeddings},
        synthetic=task.features.card.synthetic,
        device=str(device),
    )


@dataclass(frozen=True)
class _Inputs:
    """The opened inputs of a run: training part, test part, texts of all classes on the device."""

    task: Task
    settings: Settings
    parts: Partition
    text: ClassText
    test: Clips

    @classmethod
    def open(cls, task: Task, settings: Settings, config: Mapping[str, Any], device: torch.device) -> _Inputs:
        embeddings = ClassEmbeddings.open(task.embeddings)
        embeddings.check(task.dataset)
        _check_control(task.embeddings, config["control"])
        parts = partition(FeatureSet.open(task.features), task.dataset, task.split, task.protocol)
        text = load_text(embeddings, settings.method.needed_slots, device)
        if config["control"] == "shuffled":
            text = text.select(torch.from_numpy(shuffled_rows(len(embeddings.class_names), config["seed"])).to(device))
        test = load_clips(parts.test_unseen, text, task.split.unseen, settings.method.needed_inputs)
        return cls(task, settings, parts, text, test)

    def job(self, run: RunConfig, work: Path) -> Job:
        """What the training gets to see: nothing of the test part."""
        return Job(
            settings=self.settings,
            seen=self.parts.train,
            text=self.text,
            classes=self.task.dataset.seen(self.task.split),
            held_out=self.task.split.validation_unseen,
            seed=run.seed,
            work=work,
            seconds=run.checkpoint_seconds,
        )

    @property
    def test_columns(self) -> dict[str, Array]:
        """Class indices of the columns of the scores, and of the clips."""
        classes = np.array(self.test.classes, dtype=np.int64)
        return {"classes": classes, "labels": classes[self.test.labels.cpu().numpy()]}

    def test_scores(self, method: Method) -> Array:
        return class_scores(method, self.test.features, self.test.text).cpu().numpy()

    def test_accuracy(self, method: Method) -> float:
        return accuracy(class_scores(method, self.test.features, self.test.text), self.test.labels)

    def report(self, config: Mapping[str, Any], scores: Array, selection: SelectionResult) -> Report:
        metrics = zero_shot_metrics(scores, self.test.labels.cpu().numpy())
        names, card = self.task.dataset.class_names, self.task.embeddings.card
        rows = zip(self.test.classes, metrics.clips, metrics.per_class, strict=True)
        encoder = card.config["encoder"]
        return Report(
            **{key: config[key] for key in ("dataset", "split", "protocol", "method", "preset", "seed", "control")},
            synthetic=self.task.features.card.synthetic,
            selection=selection,
            accuracy=metrics.accuracy,
            mean_class_accuracy=metrics.mean_class_accuracy,
            chance=metrics.chance,
            clips=sum(metrics.clips),
            per_class=tuple(ClassResult(index=i, name=names[i], clips=n, accuracy=a) for i, n, a in rows),
            confusion=metrics.confusion,
            slots=self.settings.method.needed_slots,
            encoder=f"{encoder['name']}@{encoder['revision'][:12]}",
            bank=card.inputs["bank"].name if "bank" in card.inputs else card.name,
            backbone=self.parts.train.backbone,
            published=tuple(map(str, published(config["dataset"], config["split"], config["method"]))),
        )


def _check_control(embeddings: Artifact, control: str) -> None:
    """Texts altered for a control must not pass for real ones, nor the other way round."""
    made_for, needed = embeddings.card.config.get("control"), control if control in ALTERED else None
    if made_for != needed:
        raise InputError(
            f"the class embeddings {embeddings.path.name} do not fit the control {control!r}",
            why=f"their texts were {'altered for ' + repr(made_for) if made_for else 'not altered'}",
            mend="encode the bank with the same --control as the run",
        )


def _summary(report: Report) -> dict[str, Any]:
    keys = ("accuracy", "mean_class_accuracy", "chance", "clips")
    return {key: getattr(report, key) for key in keys} | {"selection": report.selection.model_dump(mode="json")}
