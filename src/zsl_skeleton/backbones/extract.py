"""Extraction: every clip of a skeleton set through a backbone, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.backbones.classifier import BackboneSpec, Classifier, open_classifier
from zsl_skeleton.backbones.clips import check_readable, read_clips
from zsl_skeleton.backbones.config import ExtractConfig
from zsl_skeleton.backbones.masked_views import masked_view, shared_positions
from zsl_skeleton.backbones.reproducible import reproducible
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors, write_tensors
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.training.device import choose_device

CHUNK = 256
"""Clips per forward pass and per shard. Fixed, since the last bits of a feature may depend on it."""

Arrays = dict[str, NDArray[np.float32]]


def extract(
    store: Store, skeletons: Artifact, backbone: Artifact | None, config: ExtractConfig | None = None
) -> Artifact:
    """Encode all clips, of seen and unseen classes alike, and return the artifact of stage ``features``.

    Args:
        store: where artifacts lie.
        skeletons: the clips.
        backbone: a pre-trained one, or None for the untrained ``config.backbone``.
        config: what to keep, where to compute.

    Raises:
        UsageError: unknown backbone, option or device.
        InputError: backbone and skeletons do not fit, a clip or a feature is not finite, or a file is damaged.
    """
    config = config or ExtractConfig()
    clips = SkeletonSet.open(skeletons)
    if backbone is not None:
        _check_match(clips, backbone)
    recipe = _recipe(skeletons, backbone, config)
    spec = _spec(backbone, config)
    check_readable(clips, spec.kind, spec.name)
    return store.make(recipe, lambda folder: _build(folder, clips, backbone, config))


def seen_accuracy(features: FeatureSet) -> float:
    """Share of clips whose largest logit among the classes the backbone was trained on is their own.

    Meant for the seen-class test clips of a partition: it says how good the backbone is, and must select nothing.

    Raises:
        InputError: the features hold no logits.
    """
    if "logits" not in features.arrays or not features.trained_on or not len(features):
        raise InputError("the features have no logits to measure", mend="zsl-data extract from a pre-trained backbone")
    known = np.array(features.trained_on)
    return float((known[features.arrays["logits"][:, known].argmax(1)] == features.labels).mean())


def _spec(backbone: Artifact | None, config: ExtractConfig) -> BackboneSpec:
    if backbone is None:
        return BackboneSpec.of(config.backbone, config.encoder)
    return BackboneSpec.of(backbone.card.config["backbone"], backbone.card.config["encoder"])


def _recipe(skeletons: Artifact, backbone: Artifact | None, config: ExtractConfig) -> Recipe:
    spec = _spec(backbone, config)
    trained = {} if backbone is None else backbone.card.config
    dataset = skeletons.card.config["dataset"]
    views = {"masked_views": config.masked_views, "view_seed": config.view_seed} if config.masked_views else {}
    name = "-".join(filter(None, (dataset, trained.get("split"), spec.name, "masked" if views else "")))
    return Recipe(
        stage="features",
        name=name,
        what=f"{spec.name} features of all clips of {dataset}",
        config={
            "dataset": dataset,
            "recipe": skeletons.card.config["recipe"],
            "split": trained.get("split"),
            "protocol": trained.get("protocol"),
            "backbone": spec.name if backbone is None else f"{backbone.card.name}-{backbone.id[:8]}",
            "encoder": spec.options.model_dump(mode="json"),
            "trained_on": trained.get("trained_on", []),
            "keep": sorted({"pooled", *config.keep}),
            **views,
        },
        inputs={"skeletons": skeletons, **({"backbone": backbone} if backbone else {})},
        synthetic=skeletons.card.synthetic or (backbone is not None and backbone.card.synthetic),
        device=str(choose_device(config.device).device),
    )


def _check_match(skeletons: SkeletonSet, backbone: Artifact) -> None:
    if backbone.card.stage != "backbones":
        raise InputError(f"{backbone.path} holds {backbone.card.stage}, not a backbone", mend="zsl-data pretrain")
    trained = backbone.card.config
    for what, found in (("dataset", skeletons.dataset), ("recipe", skeletons.recipe)):
        if trained[what] != found:
            raise InputError(
                f"the backbone {backbone.path.name} does not fit the skeletons {skeletons.artifact.path.name}",
                why=f"it was trained on {what} {trained[what]}, the skeletons have {what} {found}",
                mend=f"zsl-data pretrain --dataset {skeletons.dataset} --recipe {skeletons.recipe}",
            )


def _build(folder: Path, skeletons: SkeletonSet, backbone: Artifact | None, config: ExtractConfig) -> dict[str, Any]:
    device = choose_device(config.device).device
    keep: set[str] = {"pooled", "masked", *config.keep}
    encode = _encoder(backbone, config, device)
    # One draw for all clips: where a shard begins must not matter.
    positions = shared_positions(skeletons.clips.shape[2], config.masked_views, config.view_seed)
    total = len(skeletons.ids)
    shards = []
    with reproducible(device):
        for start in track(range(0, total, CHUNK), "extract", -(-total // CHUNK)):
            shard = folder / WORK / f"{start:09d}.safetensors"
            shards.append(shard)
            if not shard.is_file():
                rows = slice(start, start + CHUNK)
                clips = read_clips(skeletons, rows).to(device)
                found = encode(clips)
                if config.masked_views:
                    found["masked"] = _masked(encode, clips, positions.to(device), found["pooled"])
                arrays: Arrays = {name: tensor.cpu().numpy() for name, tensor in found.items() if name in keep}
                _check_finite(arrays, skeletons.ids[rows])
                write_tensors(shard, arrays)
    joined = _joined(shards)
    features = FeatureSet(
        arrays=joined,
        labels=skeletons.labels,
        subjects=skeletons.subjects,
        views=skeletons.views,
        ids=skeletons.ids,
        dataset=skeletons.dataset,
        backbone="",  # this and the rest stand in the card
        trained_on=(),
        synthetic=skeletons.artifact.card.synthetic,
        parts=skeletons.parts,
    )
    features.write(folder)
    return {"clips": total, "shapes": {name: list(array.shape) for name, array in joined.items()}}


def _encoder(
    backbone: Artifact | None, config: ExtractConfig, device: torch.device
) -> Callable[[Tensor], dict[str, Tensor]]:
    """From clips to the named features a backbone has, without gradients."""
    model = (_spec(None, config).build() if backbone is None else open_classifier(backbone)).to(device).eval()

    @torch.inference_mode()
    def encode(clips: Tensor) -> dict[str, Tensor]:
        encoding, logits = model(clips) if isinstance(model, Classifier) else (model(clips), None)
        found = {"pooled": encoding.pooled, "joints": encoding.joints, "frames": encoding.frames, "logits": logits}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    return encode


def _masked(encode: Callable[[Tensor], dict[str, Tensor]], clips: Tensor, positions: Tensor, pooled: Tensor) -> Tensor:
    """Pooled features [n, R, D] of the masked views at ``positions`` [R, frames]."""
    views = [encode(masked_view(clips, chosen))["pooled"] for chosen in positions]
    if views[0].shape != pooled.shape:
        raise InputError(
            f"the backbone cannot encode masked views: {views[0].shape[1]} values instead of {pooled.shape[1]}",
            why="the size of its features depends on the number of frames",
            mend="choose --backbone st-gcn, or leave out --masked-views",
        )
    return torch.stack(views, dim=1)


def _check_finite(arrays: Arrays, ids: tuple[str, ...]) -> None:
    for name, array in arrays.items():
        finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if not finite.all():
            raise InputError(
                f"the feature {name!r} of clip {ids[int((~finite).argmax())]} is not finite",
                why="the clip is, so the backbone's weights are not usable",
                mend="zsl-data pretrain with a smaller learning rate",
            )


def _joined(shards: list[Path]) -> Arrays:
    parts = [read_tensors(shard) for shard in shards]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
