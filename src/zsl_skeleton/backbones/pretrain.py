"""Pre-training: a backbone learns to tell the seen classes apart, on the training part of the protocol only.

No clip of an unseen class and no clip of the protocol's test part is ever read here: the seen clips of the test part
are one half of the generalised zero-shot test, so not even the choice of the epoch may look at them.

Memory is the clips' (NTU-120 in recipe ctr-64: 37.5 KiB each, 4.1 GiB for all; above ``held_gib`` they stay on the
disk) and, for the backward pass of a batch, per clip of two persons: 21 MiB for st-gcn at 50 frames (2.6 GiB for a
batch of 128), 83 MiB for shift-gcn at 64 frames (5.2 GiB for a batch of 64); with ``precision: bf16`` half of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.batches import labelled
from zsl_skeleton.backbones.classifier import WEIGHTS, BackboneSpec, Classifier
from zsl_skeleton.backbones.clips import check_readable
from zsl_skeleton.backbones.config import PretrainConfig
from zsl_skeleton.backbones.fit import Fit
from zsl_skeleton.backbones.reproducible import derived_seed, reproducible
from zsl_skeleton.catalog import Dataset, Split
from zsl_skeleton.errors import InputError, UsageError, some_of
from zsl_skeleton.files import canonical_json, write_tensors, write_text
from zsl_skeleton.progress import say
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.training.device import choose_device, training_device

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint.safetensors"
_NAMED = 5

Rows = NDArray[np.int64]


def pretrain(
    store: Store, skeletons: Artifact, dataset: Dataset, split: Split, config: PretrainConfig | None = None
) -> Artifact:
    """Train a backbone on the seen classes of ``split`` and return the artifact of stage ``backbones``.

    It holds ``weights.safetensors`` (``encoder.*``, ``head.*``) and ``metrics.jsonl`` (one line per epoch); its card
    tells the classes it was trained on. Killed and started again, it goes on and ends in the same bytes.

    Raises:
        UsageError: unknown backbone, option, protocol, device, or a validation subject that does not train.
        InputError: the skeletons do not fit the data set or the backbone or are not finite, there is nothing to train
            on, or the training diverged.
    """
    config = config or PretrainConfig()
    clips = SkeletonSet.open(skeletons)
    spec = BackboneSpec.of(config.backbone, config.encoder)
    if not spec.kind.trainable:
        raise UsageError(
            f"the backbone {spec.name} has nothing to train", mend=f"zsl-data extract --backbone {spec.name}"
        )
    check_readable(clips, spec.kind, spec.name)
    _check_labels(clips, dataset)
    seen = set(dataset.seen(split))
    if config.exclude_validation_unseen:
        seen -= set(split.validation_unseen)
    task = _Task(clips, dataset, split, spec, config, tuple(sorted(seen)))
    train, validation = task.divide()
    with distributed.joined(training_device(config.device)) as device:
        return distributed.made_together(
            store, task.recipe(), lambda folder: task.build(folder, train, validation, device)
        )


@dataclass(frozen=True)
class _Task:
    """Everything that decides what is trained; ``seen`` are the classes it may learn."""

    skeletons: SkeletonSet
    dataset: Dataset
    split: Split
    spec: BackboneSpec
    config: PretrainConfig
    seen: tuple[int, ...]

    def recipe(self) -> Recipe:
        dataset, split, spec = self.dataset.name, self.split.name, self.spec
        resolved = {
            **self.config.identity(),
            "backbone": spec.name,
            "encoder": spec.options.model_dump(mode="json"),
            "dataset": dataset,
            "recipe": self.skeletons.recipe,
            "split": split,
            "protocol": self.dataset.protocol(self.config.protocol).name,
            "classes": len(self.dataset.classes),
            "unseen": list(self.split.unseen),
            "trained_on": list(self.seen),
        }
        return Recipe(
            stage="backbones",
            name=f"{dataset}-{split}-{spec.name}",
            what=f"{spec.name} trained on {len(self.seen)} seen classes of {dataset}, split {split}",
            config=resolved,
            inputs={"skeletons": self.skeletons.artifact},
            synthetic=self.skeletons.artifact.card.synthetic,
            device=str(choose_device(self.config.device).device),
        )

    def divide(self) -> tuple[Rows, Rows]:
        """Rows to learn from, and rows that select the epoch: seen classes, training part of the protocol."""
        clips, protocol = self.skeletons, self.dataset.protocol(self.config.protocol)
        usable = training_part(clips, protocol) & np.isin(clips.labels, self.seen)
        rows = np.flatnonzero(usable)
        held = held_out(clips.labels[rows], clips.subjects[rows], self.config)
        if held.all():
            raise InputError(
                f"{self.dataset.name} has no clip to train on under split {self.split.name}, protocol {protocol.name}",
                why=f"{len(rows)} training clips of seen classes, {int(held.sum())} of them held out",
                mend="choose another --protocol or --split, or import the whole data set",
            )
        if lacking := sorted(set(self.seen) - set(clips.labels[rows].tolist())):
            names = some_of([self.dataset.class_names[index] for index in lacking], _NAMED)
            count = f"{len(lacking)} of {len(self.seen)} seen classes of split {self.split.name}"
            say(f"warning: {count} have no training clip: {names}; was this set made for another split, or cut down?")
        return rows[~held], rows[held]

    def build(self, folder: Path, train: Rows, validation: Rows, device: torch.device) -> dict[str, Any]:
        held = self.config.held_gib * 2**30
        with reproducible(device):
            torch.manual_seed(derived_seed(self.config.seed))
            model = Classifier(self.spec.build(), len(self.dataset.classes))
            if self.config.head == "wide":
                torch.nn.init.normal_(model.head.weight, 0, (2 / len(self.seen)) ** 0.5)
            model = model.to(device)
            learnt, chosen_by = (labelled(self.skeletons, rows, device, held) for rows in (train, validation))
            fit = Fit(model, learnt, chosen_by, self.config)
            weights = fit.run(folder / WORK / CHECKPOINT)
        if distributed.rank() == 0:
            write_tensors(folder / WEIGHTS, {name: tensor.cpu().numpy() for name, tensor in weights.items()})
            write_text(folder / METRICS, "".join(canonical_json(row) + "\n" for row in fit.history))
        return {
            "clips": {"train": len(train), "validation": len(validation)},
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "kept": fit.history[fit.best["epoch"] - 1] if fit.best else {},
        }


def _check_labels(skeletons: SkeletonSet, dataset: Dataset) -> None:
    if skeletons.dataset != dataset.name:
        raise InputError(
            f"the skeletons are of {skeletons.dataset}, not of {dataset.name}",
            mend=f"zsl-data import --dataset {dataset.name} --root DIR",
        )
    outside = (skeletons.labels < 0) | (skeletons.labels >= len(dataset.classes))
    if outside.any():
        row = int(outside.argmax())
        raise InputError(
            f"the clip {skeletons.ids[row]} has label {skeletons.labels[row]}",
            why=f"labels of {dataset.name} lie in 0..{len(dataset.classes) - 1}",
        )


def held_out(labels: Rows, subjects: Rows, config: PretrainConfig) -> NDArray[np.bool_]:
    """Which training clips [n] only select the epoch: whole subjects, or a fraction of every class.

    Raises:
        UsageError: a validation subject has no clip here.
    """
    if config.validation_subjects:
        missing = sorted(set(config.validation_subjects) - set(subjects.tolist()))
        if missing:
            raise UsageError(
                f"validation subject {missing[0]} has no training clip",
                why=f"training subjects: {', '.join(map(str, np.unique(subjects)))}",
            )
        return np.isin(subjects, config.validation_subjects)
    held = np.zeros(len(labels), dtype=bool)
    generator = np.random.default_rng(config.seed)
    for label in np.unique(labels) if config.validation_fraction else ():
        members = generator.permutation(np.flatnonzero(labels == label))
        count = int(np.ceil(config.validation_fraction * len(members)))
        held[members[: min(count, len(members) - 1)]] = True
    return held
