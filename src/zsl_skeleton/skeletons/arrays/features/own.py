"""A plain layout for features of your own: one ``.npz`` file.

| key | content |
|---|---|
| `pooled` | floats `[N, D]`: one vector per clip |
| `joints`, `frames` | optional, floats `[N, V, D]` and `[N, T, D]`: means over time and over joints (Neuron) |
| `masked` | optional, floats `[N, R, D]`: pooled features of R masked views of each clip (SMIE) |
| `logits` | optional, floats `[N, C]`: the backbone's logits of all C classes (MSF's gate) |
| `label` | whole numbers `[N]`: class index, counted from 0 in the catalog's order |
| `names` | text `[N]`: a name for each clip, unique |
| `trained_on` | whole numbers `[K]`: the classes that the backbone was trained on; empty for an untrained one |
| `part.<protocol>` | bool `[N]`, e.g. `part.xsub`: whether the clip belongs to the protocol's training part |
| `subject`, `view` | optional, whole numbers `[N]`: performer and camera; enough without `part.` where the protocol goes by them |
| `backbone` | optional, one text: who made the features |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.documented import table_of
from zsl_skeleton.skeletons.arrays.features.base import ArchiveLayout, Found, Reading, need
from zsl_skeleton.skeletons.arrays.features.blocks import Block, read_floats
from zsl_skeleton.skeletons.arrays.labels import Integers, read_labels
from zsl_skeleton.skeletons.arrays.stored import StoredArray
from zsl_skeleton.skeletons.features import KINDS, FeatureSet, training_part
from zsl_skeleton.skeletons.skeleton_set import PART

_MEANINGS = table_of(__doc__)
_REQUIRED = ("pooled", "label", "names", "trained_on")


class OwnFeatures(ArchiveLayout):
    """See the module's table."""

    example: ClassVar[str] = "features.npz"
    meanings: ClassVar[Mapping[str, str]] = _MEANINGS
    key: ClassVar[frozenset[str]] = frozenset({"pooled"})

    @staticmethod
    def classes(path: Path) -> tuple[set[int], set[int]]:
        """See :class:`FeatureLayout`; unseen are the classes that the backbone was not trained on."""
        arrays = OwnFeatures.arrays(path)
        need(arrays, _REQUIRED, path)
        known = set(_trained_on(arrays).tolist())
        return known, set(read_labels(arrays["label"], len(arrays["pooled"])).tolist()) - known

    @staticmethod
    def read(path: Path, reading: Reading) -> Found:
        """See :class:`FeatureLayout`."""
        arrays, dataset = OwnFeatures.arrays(path), reading.dataset
        need(arrays, _REQUIRED, path)
        features = {name: read_floats(arrays[name], axes) for name, axes in KINDS.items() if name in arrays}
        count, trained_on = len(features["pooled"]), tuple(_trained_on(arrays).tolist())
        numbers = {
            name: read_labels(arrays[name], count) if name in arrays else np.full(count, -1)
            for name in ("subject", "view")
        }
        found = FeatureSet(
            arrays=features,
            labels=read_labels(arrays["label"], count),
            subjects=numbers["subject"],
            views=numbers["view"],
            ids=_names(arrays["names"], count),
            dataset=dataset.name,
            backbone=_backbone(arrays, path),
            trained_on=trained_on,
            synthetic=dataset.synthetic,
            protocol=reading.protocol.name,
            parts={
                name.removeprefix(PART): _mask(array, count) for name, array in arrays.items() if name.startswith(PART)
            },
        )
        _check(found, reading, path)
        return Found(found, {path.name: path}, [])


def _check(found: FeatureSet, reading: Reading, path: Path) -> None:
    classes = len(reading.dataset.classes)
    beyond = [label for label in {*found.labels.tolist(), *found.trained_on} if label >= classes]
    if beyond:
        raise InputError(f"{path}: there is no class {beyond[0]}", why=f"labels lie in 0..{classes - 1}")
    leaked = sorted(set(found.trained_on) & set(reading.split.unseen))
    if leaked:
        why = f"its backbone was trained on the unseen classes {leaked}"
        raise InputError(f"{path} does not fit split {reading.split.name}", why=why, mend="choose another --split")
    widths = {name: found.arrays[name].shape[-1] for name in ("pooled", "masked") if name in found.arrays}
    if len(set(widths.values())) > 1 or found.arrays.get("logits", np.empty((0, classes))).shape[1] != classes:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in found.arrays.items())
        raise InputError(f"the arrays of {path} have different widths", why=f"{shapes}; {classes} classes")
    train = training_part(found, reading.protocol)
    pooled = Block(found.ids, found.arrays["pooled"], found.labels)
    known = set(pooled.subset(train).keys())
    test = pooled.subset(~train)
    twice = [name for name, key in zip(test.ids, test.keys(), strict=True) if key in known]
    if twice:
        raise InputError(
            f"{path} counts clips twice", why=f"{len(twice)} test clips are training clips, e.g. {twice[0]}"
        )


def _trained_on(arrays: Mapping[str, StoredArray]) -> Integers:
    stored = arrays["trained_on"]
    return np.unique(read_labels(stored, len(stored)))


def _names(stored: StoredArray, count: int) -> tuple[str, ...]:
    if stored.shape != (count,) or stored.dtype.kind != "U":
        why = f"it is {stored.dtype} of shape {list(stored.shape)}"
        raise InputError(f"{stored.source} is not a name for each of {count} clips", why=why)
    names = tuple(stored.read().tolist())
    odd = next((name for name in names if not name or len(name.splitlines()) != 1 or not name.isprintable()), None)
    if odd is not None or len(set(names)) < count:
        twice = "a name twice" if odd is None else f"the name {odd!r}"
        raise InputError(
            f"{stored.source} holds {twice}", why="names identify clips: one line of text each, all different"
        )
    return names


def _backbone(arrays: Mapping[str, StoredArray], path: Path) -> str:
    stored = arrays.get("backbone")
    if stored is None:
        return f"imported/{path.stem}"
    if stored.shape != () or stored.dtype.kind != "U":
        raise InputError(f"{stored.source} is not one text")
    return str(stored.read()) or f"imported/{path.stem}"


def _mask(stored: StoredArray, count: int) -> NDArray[Any]:
    if stored.shape != (count,) or stored.dtype.kind != "b":
        why = f"it is {stored.dtype} of shape {list(stored.shape)}"
        raise InputError(
            f"{stored.source} does not say of each of {count} clips whether it is a training clip", why=why
        )
    return stored.read()
