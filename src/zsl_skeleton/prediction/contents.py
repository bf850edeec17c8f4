"""What an export holds, written file by file."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zsl_skeleton.artifacts import WORK, Artifact, FileRef, Store
from zsl_skeleton.backbones.classifier import WEIGHTS as BACKBONE_WEIGHTS
from zsl_skeleton.backbones.classifier import BackboneSpec
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file, write_json, write_tensors
from zsl_skeleton.lineage import lineage
from zsl_skeleton.prediction.held_out import calibration_of
from zsl_skeleton.prediction.manifest import (
    BACKBONE,
    CARDS,
    CLASSES,
    LINEAGE,
    MANIFEST,
    METHOD,
    TEXTS,
    BackboneEntry,
    Calibration,
    ExportedClass,
    Manifest,
    MethodEntry,
    RecipeEntry,
)
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.joining import joined_texts
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import REPORT, WEIGHTS, open_run, read_report, trained_sizes

_MASK = "mask."


@dataclass(frozen=True)
class Source:
    """A finished run, what it was made from, and the store that all of it lies in."""

    store: Store
    run: Artifact
    task: Task

    def input(self, of: Artifact, role: str) -> Artifact | None:
        """As :meth:`Store.origin` says."""
        return self.store.origin(of, role)


def write_contents(source: Source, folder: Path, draws: int, device: str) -> None:
    """Write all files of an export; the manifest, which the others are checked against, comes last.

    ``draws``, ``device``: how often seen classes are held out for the calibration, and where that is computed.

    Raises:
        UsageError: there is no such device.
        InputError: something the run was made from is gone, or other clips could not be prepared alike.
    """
    run, task = source.run, source.task
    inputs, _ = open_run(run, task, device)
    settings, sizes = inputs.settings, trained_sizes(inputs)
    skeletons = source.input(task.features, "skeletons")
    if skeletons is None:
        raise InputError(
            f"the features {task.features.path.name} do not say how their clips were prepared",
            why="they name no skeletons, so other clips cannot be prepared alike",
            mend=f"zsl-data import and zsl-data extract --dataset {task.dataset.name}, then train on these features",
        )
    calibration = calibration_of(run, inputs, folder / WORK, draws)
    shutil.copyfile(run.path / WEIGHTS, folder / METHOD)
    shutil.copyfile(run.path / REPORT, folder / REPORT)
    backbone = _write_backbone(source, folder)
    _write_classes(source, settings.method.needed_slots, folder)
    _write_cards(source, skeletons, folder)
    method = MethodEntry(
        name=settings.name,
        preset=run.card.config["preset"],
        settings=settings.as_json(),
        visual=dict(sizes.visual),
        text=sizes.text,
        classes=sizes.classes,
        seed=run.card.config["seed"],
    )
    write_json(folder / MANIFEST, _manifest(source, skeletons, (method, backbone, calibration), folder))


def _manifest(
    source: Source, skeletons: Artifact, parts: tuple[MethodEntry, BackboneEntry, Calibration | None], folder: Path
) -> dict[str, Any]:
    run, task = source.run, source.task
    report, card = read_report(run), skeletons.card
    files = sorted(path for path in folder.rglob("*") if path.is_file() and folder / WORK not in path.parents)
    manifest = Manifest(
        run=run.path.name,
        dataset=task.dataset.name,
        split=task.split.name,
        protocol=task.protocol.name,
        synthetic=run.card.synthetic,
        classes=tuple(
            ExportedClass(name=action.name, seen=action.index not in task.split.unseen)
            for action in task.dataset.classes
        ),
        method=parts[0],
        backbone=parts[1],
        recipe=RecipeEntry(
            name=card.config["recipe"],
            version=card.config.get("recipe_version", 1),
            persons=int(SkeletonSet.open(skeletons).clips.shape[4]),
            bodies=card.config.get("bodies"),
            copy_first=card.config.get("second") == "copy",
        ),
        encoder=task.embeddings.card.config["encoder"],
        slots=report.slots,
        joined=bool(task.embeddings.card.config.get("join")),
        calibration=parts[2],
        selection=report.selection.rule,
        accuracy=report.accuracy,
        made_by=run.card.made.command,
        files={
            path.relative_to(folder).as_posix(): FileRef(sha256=sha256_file(path), bytes=path.stat().st_size)
            for path in files
        },
    )
    return manifest.model_dump(mode="json")


def _write_backbone(source: Source, folder: Path) -> BackboneEntry:
    features = source.task.features
    trained = source.input(features, "backbone")
    if trained is None:
        spec = BackboneSpec.of(features.card.config["backbone"], features.card.config.get("encoder", {}))
        if spec.kind.trainable:
            raise InputError(
                f"the features {features.path.name} come from a {spec.name} whose weights were not kept",
                mend=f"zsl-data pretrain --dataset {source.task.dataset.name}, then train on its features",
            )
        return BackboneEntry(
            name=spec.name, options=spec.options.model_dump(mode="json"), classes=None, id=features.card.id
        )
    config = trained.card.config
    shutil.copyfile(trained.path / BACKBONE_WEIGHTS, folder / BACKBONE)
    return BackboneEntry(
        name=config["backbone"], options=config["encoder"], classes=int(config["classes"]), id=trained.id
    )


def _write_classes(source: Source, slots: tuple[str, ...], folder: Path) -> None:
    """The vectors of the slots that the method reads, and the texts behind them where the bank is still there."""
    artifact = source.task.embeddings
    embeddings = ClassEmbeddings.open(artifact)
    tensors = {slot: embeddings.slots[slot] for slot in slots}
    masks = {_MASK + slot: embeddings.masks[slot].astype(np.uint8) for slot in slots}
    write_tensors(folder / CLASSES, {**tensors, **masks})
    bank = source.input(artifact, "bank")
    if bank is not None:
        words = SemanticBank.open(bank)
        texts = joined_texts(words) if artifact.card.config.get("join") else {s: words.texts(s) for s in slots}
        write_json(folder / TEXTS, {"bank": bank.path.name, "slots": {slot: texts[slot] for slot in slots}})


def _write_cards(source: Source, skeletons: Artifact, folder: Path) -> None:
    found = {
        "run": source.run,
        "features": source.task.features,
        "embeddings": source.task.embeddings,
        "skeletons": skeletons,
        "backbone": source.input(source.task.features, "backbone"),
        "bank": source.input(source.task.embeddings, "bank"),
    }
    for role, artifact in found.items():
        if artifact is not None:
            write_json(folder / CARDS / f"{role}.json", artifact.card.model_dump(mode="json"))
    write_json(folder / LINEAGE, lineage(source.store, source.run).as_json())
