"""Opens an export: manifest checked, method and backbone built and filled with their weights, class vectors read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import ValidationError
from torch import nn

from zsl_skeleton.backbones.classifier import BackboneSpec, Classifier
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import Array, read_json, read_tensors
from zsl_skeleton.methods.base import Method, Sizes
from zsl_skeleton.prediction.manifest import BACKBONE, CLASSES, METHOD, TEXTS, Manifest, read_manifest
from zsl_skeleton.skeletons.recipes import ClipRecipe, find_recipe
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.settings import Settings, settings_from_json

M = TypeVar("M", bound=nn.Module)

_MASK = "mask."
_EXPORT_AGAIN = "export the run again with this version: zsl-train export RUN --out DIR"

Texts = Mapping[str, list[list[str]]]
"""Slot -> texts by class."""


@dataclass(frozen=True)
class Opened:
    """An export in memory, on the CPU, in eval mode.

    Args:
        manifest: what it says of itself.
        settings: the method's configuration.
        method: with its weights.
        backbone: an encoder, or a classifier around one.
        recipe: prepares clips.
        embeddings: vectors of the export's classes, in their order.
        texts: the texts behind the vectors; empty where they were not at hand.
    """

    manifest: Manifest
    settings: Settings
    method: Method
    backbone: nn.Module
    recipe: ClipRecipe
    embeddings: ClassEmbeddings
    texts: Texts


def open_export(folder: Path) -> Opened:
    """Open an export.

    Raises:
        InputError: it is none, damaged, changed, or of another version of the project than this one.
    """
    manifest = read_manifest(folder)
    try:
        settings = settings_from_json(manifest.method.name, manifest.method.settings)
        recipe = find_recipe(manifest.recipe.name)
        spec = BackboneSpec.of(manifest.backbone.name, manifest.backbone.options)
    except (ValidationError, UsageError, KeyError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{folder} holds settings that are unknown here", why=why, mend=_EXPORT_AGAIN) from error
    if recipe.version != manifest.recipe.version:
        raise InputError(
            f"{folder} prepares clips by {recipe.name} version {manifest.recipe.version}",
            why=f"this is version {recipe.version}, which gives other numbers",
            mend="import, extract and train again, then export",
        )
    if settings.method.needed_slots != manifest.slots:
        why = f"it lists {', '.join(manifest.slots)}, the method reads {', '.join(settings.method.needed_slots)}"
        raise InputError(f"{folder} contradicts itself about its text slots", why=why, mend=_EXPORT_AGAIN)
    return Opened(
        manifest,
        settings,
        _method(folder, manifest, settings),
        _backbone(folder, manifest, spec),
        recipe,
        _embeddings(folder, manifest),
        _texts(folder, manifest),
    )


def _method(folder: Path, manifest: Manifest, settings: Settings) -> Method:
    entry = manifest.method
    sizes = Sizes(entry.visual, entry.text, entry.classes)
    with torch.random.fork_rng(devices=[]):
        method = settings.kind(settings.method, sizes)
    return _filled(method, folder / METHOD)


def _backbone(folder: Path, manifest: Manifest, spec: BackboneSpec) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        encoder = spec.build()
        if manifest.backbone.classes is None:
            return encoder.eval()
        model = Classifier(encoder, manifest.backbone.classes)
    return _filled(model, folder / BACKBONE)


def _filled(module: M, path: Path) -> M:
    weights = {name: torch.from_numpy(value) for name, value in read_tensors(path).items()}
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"the weights {path} do not fit {path.parent}", why=why, mend=_EXPORT_AGAIN) from error
    return module.eval()


def _embeddings(folder: Path, manifest: Manifest) -> ClassEmbeddings:
    tensors = read_tensors(folder / CLASSES)
    slots: dict[str, Array] = {key: value for key, value in tensors.items() if not key.startswith(_MASK)}
    masks = {key.removeprefix(_MASK): value.astype(bool) for key, value in tensors.items() if key.startswith(_MASK)}
    if missing := sorted(set(manifest.slots) - set(slots)):
        raise InputError(f"{folder / CLASSES} lacks the slot {missing[0]!r}", mend=_EXPORT_AGAIN)
    return ClassEmbeddings(manifest.dataset, manifest.names, manifest.encoder, slots, masks)


def _texts(folder: Path, manifest: Manifest) -> Texts:
    if TEXTS not in manifest.files:
        return {}
    content = read_json(folder / TEXTS)
    slots = content.get("slots") if isinstance(content, dict) else None
    count = len(manifest.classes)
    if not isinstance(slots, dict) or any(not isinstance(rows, list) or len(rows) != count for rows in slots.values()):
        raise InputError(f"{folder / TEXTS} does not hold texts of {count} classes", mend=_EXPORT_AGAIN)
    return {str(slot): [[str(text) for text in row] for row in rows] for slot, rows in slots.items()}
