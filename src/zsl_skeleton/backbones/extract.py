"""Extraction: every clip of a skeleton set through a backbone, once.

Clips are read from the memory map and features are written in shards, so that memory does not grow with their number.
The disk needs this much for the result (float32, logits of all classes), and as much again until the shards are joined:

    backbone    frames    a clip                          NTU-60 (56,880)    NTU-120 (114,480)
    st-gcn      50        1 + 25 + 13 vectors of 256      2.13 GiB           4.31 GiB
    st-gcn      64        1 + 25 + 16 vectors of 256      2.29 GiB           4.64 GiB
    shift-gcn   50        1 + 25 + 12 vectors of 256      2.07 GiB           4.20 GiB
    shift-gcn   64        1 + 25 + 16 vectors of 256      2.29 GiB           4.64 GiB
    raw-joints  32        4725 numbers                    1.00 GiB           2.02 GiB

float16 halves that; R masked views add 1 KiB * R a clip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.backbones.classifier import BackboneSpec, Classifier, features_of, open_classifier
from zsl_skeleton.backbones.clips import check_readable, read_clips
from zsl_skeleton.backbones.config import ExtractConfig
from zsl_skeleton.backbones.masked_views import masked_view, shared_positions
from zsl_skeleton.backbones.reproducible import reproducible
from zsl_skeleton.backbones.shards import Layout, check_space, narrowed
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import write_tensors
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.features import FeatureSet, write_features
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.training.device import choose_device, training_device

CHUNK = 256
"""Clips per forward pass and per shard. Fixed, since the last bits of a feature may depend on it."""

Encode = Callable[[Tensor], dict[str, Tensor]]


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
    # Later than the first feature sets, which keep their identity.
    dtype = {"dtype": config.dtype} if config.dtype != "float32" else {}
    marks = ("masked" if views else "", *dtype.values())
    name = "-".join(filter(None, (dataset, trained.get("split"), spec.name, *marks)))
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
            **dtype,
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
    device = training_device(config.device)
    total, clip = len(skeletons.ids), skeletons.clips.shape[1:]
    shards = {start: folder / WORK / f"{start:09d}.safetensors" for start in range(0, total, CHUNK)}
    missing = [start for start, shard in shards.items() if not shard.is_file()]
    with reproducible(device):
        encode = _encoder(backbone, config, clip[1], device)
        layout = _layout(encode, clip, config, device)
        check_space(folder, layout, total, min(total, CHUNK * (len(shards) - len(missing))))
        for start in track(missing, "extract", len(missing)):
            rows = slice(start, start + CHUNK)
            found = encode(read_clips(skeletons, rows).to(device))
            arrays = {name: tensor.cpu().numpy() for name, tensor in found.items()}
            write_tensors(shards[start], narrowed(arrays, skeletons.ids[rows], layout.dtype))
    write_features(folder, skeletons, layout.joined(list(shards.values()), total))
    return {"clips": total, "shapes": {name: [total, *shape] for name, shape in sorted(layout.shapes.items())}}


def _layout(encode: Encode, clip: tuple[int, ...], config: ExtractConfig, device: torch.device) -> Layout:
    """What is stored of every clip of this shape, found out on one that is all zero."""
    found = encode(torch.zeros(1, *clip, device=device))
    return Layout({name: tuple(tensor.shape[1:]) for name, tensor in found.items()}, np.dtype(config.dtype))


def _encoder(backbone: Artifact | None, config: ExtractConfig, frames: int, device: torch.device) -> Encode:
    """From clips of so many frames to the features that are kept, without gradients."""
    model = (_spec(None, config).untrained() if backbone is None else open_classifier(backbone)).to(device).eval()
    # One draw for all clips: where a shard begins must not matter.
    positions = shared_positions(frames, config.masked_views, config.view_seed).to(device)
    kept: set[str] = {"pooled", *config.keep}

    @torch.inference_mode()
    def encode(clips: Tensor) -> dict[str, Tensor]:
        features = {name: tensor for name, tensor in features_of(model, clips).items() if name in kept}
        if config.masked_views:
            encoder = model.encoder if isinstance(model, Classifier) else model
            features["masked"] = _masked(encoder, clips, positions, features["pooled"])
        return features

    return encode


def _masked(encoder: torch.nn.Module, clips: Tensor, positions: Tensor, pooled: Tensor) -> Tensor:
    """Pooled features [n, R, D] of the masked views at ``positions`` [R, frames]."""
    views = [encoder(masked_view(clips, chosen)).pooled for chosen in positions]
    if views[0].shape != pooled.shape:
        raise InputError(
            f"the backbone cannot encode masked views: {views[0].shape[1]} values instead of {pooled.shape[1]}",
            why="the size of its features depends on the number of frames",
            mend="choose --backbone st-gcn, or leave out --masked-views",
        )
    return torch.stack(views, dim=1)
