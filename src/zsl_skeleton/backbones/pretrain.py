"""Pre-training: a backbone learns to tell the seen classes apart, on the training part of the protocol only.

No clip of an unseen class and no clip of the protocol's test part is ever read here: the seen clips of the test part
are one half of the generalised zero-shot test, so not even the choice of the epoch may look at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.backbones.classifier import WEIGHTS, BackboneSpec, Classifier
from zsl_skeleton.backbones.clips import check_readable, read_clips
from zsl_skeleton.backbones.config import UNHASHED, PretrainConfig
from zsl_skeleton.backbones.fit import Fit, Labelled
from zsl_skeleton.backbones.reproducible import derived_seed, reproducible
from zsl_skeleton.catalog import Dataset, Split
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import canonical_json, write_tensors, write_text
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.training.device import choose_device

METRICS = "metrics.jsonl"
CHECKPOINT = "checkpoint.safetensors"

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
    recipe = _recipe(skeletons, dataset, split, config)
    train, validation = _divide(clips, recipe.config, dataset, config)
    return store.make(recipe, lambda folder: _build(folder, clips, (train, validation), (recipe, config)))


def _recipe(skeletons: Artifact, dataset: Dataset, split: Split, config: PretrainConfig) -> Recipe:
    spec = BackboneSpec.of(config.backbone, config.encoder)
    seen = set(dataset.seen(split))
    if config.exclude_validation_unseen:
        seen -= set(split.validation_unseen)
    resolved = {
        **config.model_dump(mode="json", exclude=set(UNHASHED)),
        "backbone": spec.name,
        "encoder": spec.options.model_dump(mode="json"),
        "dataset": dataset.name,
        "recipe": skeletons.card.config["recipe"],
        "split": split.name,
        "protocol": dataset.protocol(config.protocol).name,
        "classes": len(dataset.classes),
        "unseen": list(split.unseen),
        "trained_on": sorted(seen),
    }
    return Recipe(
        stage="backbones",
        name=f"{dataset.name}-{split.name}-{spec.name}",
        what=f"{spec.name} trained on the {len(seen)} seen classes of {dataset.name}, split {split.name}",
        config=resolved,
        inputs={"skeletons": skeletons},
        synthetic=skeletons.card.synthetic,
        device=str(choose_device(config.device).device),
    )


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


def _divide(
    skeletons: SkeletonSet, resolved: Mapping[str, Any], dataset: Dataset, config: PretrainConfig
) -> tuple[Rows, Rows]:
    """Rows to learn from and rows that select the epoch; both seen classes, both the protocol's training part."""
    protocol = dataset.protocol(config.protocol)
    usable = training_part(skeletons.subjects, skeletons.views, skeletons.ids, protocol)
    usable &= np.isin(skeletons.labels, resolved["trained_on"])
    rows = np.flatnonzero(usable)
    held = _held_out(skeletons, rows, config)
    if len(rows) == 0 or held.all():
        raise InputError(
            f"{dataset.name} has no clip to train on under split {resolved['split']}, protocol {protocol.name}",
            why=f"{len(rows)} training clips of seen classes, {int(held.sum())} of them held out",
            mend="choose another --protocol or --split, or import the whole data set",
        )
    return rows[~held], rows[held]


def _held_out(skeletons: SkeletonSet, rows: Rows, config: PretrainConfig) -> NDArray[np.bool_]:
    subjects, labels = skeletons.subjects[rows], skeletons.labels[rows]
    if config.validation_subjects:
        missing = sorted(set(config.validation_subjects) - set(subjects.tolist()))
        if missing:
            raise UsageError(
                f"validation subject {missing[0]} has no training clip",
                why=f"training subjects: {', '.join(map(str, np.unique(subjects)))}",
            )
        return np.isin(subjects, config.validation_subjects)
    held = np.zeros(len(rows), dtype=bool)
    if config.validation_fraction == 0:
        return held
    generator = np.random.default_rng(config.seed)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        count = int(np.ceil(config.validation_fraction * len(members)))
        held[members[: min(count, len(members) - 1)]] = True
    return held


def _build(
    folder: Path, skeletons: SkeletonSet, rows: tuple[Rows, Rows], task: tuple[Recipe, PretrainConfig]
) -> dict[str, Any]:
    recipe, config = task
    device = choose_device(config.device).device
    spec = BackboneSpec.of(config.backbone, config.encoder)

    def labelled(part: Rows) -> Labelled:
        return Labelled(read_clips(skeletons, part).to(device), torch.from_numpy(skeletons.labels[part]).to(device))

    with reproducible(device):
        torch.manual_seed(derived_seed(config.seed))
        model = Classifier(spec.build(), recipe.config["classes"]).to(device)
        fit = Fit(model, labelled(rows[0]), labelled(rows[1]), config)
        weights = fit.run(folder / WORK / CHECKPOINT)
    write_tensors(folder / WEIGHTS, {name: tensor.cpu().numpy() for name, tensor in weights.items()})
    write_text(folder / METRICS, "".join(canonical_json(row) + "\n" for row in fit.history))
    kept = fit.history[fit.best["epoch"] - 1] if fit.best else {}
    return {
        "clips": {"train": len(rows[0]), "validation": len(rows[1])},
        "parameters": sum(p.numel() for p in model.parameters()),
        "kept": kept,
    }
