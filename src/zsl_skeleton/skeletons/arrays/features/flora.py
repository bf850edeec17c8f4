"""Flora's features ``<data set>_[<protocol>_]seen<S>_unseen<U>[_split<k>].npz``: three parts and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.skeletons.arrays.features.base import ArchiveLayout, Found, Reading, need
from zsl_skeleton.skeletons.arrays.features.blocks import Stored
from zsl_skeleton.skeletons.arrays.features.published import Published, assemble
from zsl_skeleton.skeletons.arrays.labels import read_labels

_PARTS = ("train", "zsl", "gzsl")
_ARRAYS = tuple(f"{part}_{kind}" for part in _PARTS for kind in ("data", "label"))


class FloraLayout(ArchiveLayout):
    """See the module's docstring; the features are pooled."""

    example: ClassVar[str] = "ntu60_seen55_unseen5.npz"
    meanings: ClassVar[Mapping[str, str]] = {
        "train_data": "pooled features of the training clips, seen classes [N, D]",
        "train_label": "their classes, counted from 0 over all classes",
        "zsl_data": "pooled features of the test clips of unseen classes",
        "zsl_label": "their classes",
        "gzsl_data": "pooled features of all test clips",
        "gzsl_label": "their classes",
    }
    key: ClassVar[frozenset[str]] = frozenset({"train_data", "zsl_data"})

    @staticmethod
    def classes(path: Path) -> tuple[set[int], set[int]]:
        """See :class:`FeatureLayout`."""
        arrays = FloraLayout.arrays(path)
        need(arrays, _ARRAYS[:4], path)
        train, unseen = (read_labels(arrays[f"{n}_label"], len(arrays[f"{n}_data"])) for n in ("train", "zsl"))
        return set(train.tolist()), set(unseen.tolist())

    @staticmethod
    def read(path: Path, reading: Reading) -> Found:
        """See :class:`FeatureLayout`."""
        arrays = FloraLayout.arrays(path)
        need(arrays, _ARRAYS, path)
        train, unseen, test = (Stored(part, arrays[f"{part}_data"], arrays[f"{part}_label"]) for part in _PARTS)
        source = path.resolve().parent.name.removesuffix("_features")
        return assemble(Published(path, f"flora/{source}", train, unseen, test), {path.name: path}, reading)
