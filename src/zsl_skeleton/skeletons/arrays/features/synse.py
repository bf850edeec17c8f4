"""The folders of SynSE, MSF, SA-DVAE and TDSM: one ``.npy`` file per part and one for its labels.

``shift_<unseen classes>_r`` holds training, unseen and all test clips; ``shift_val_<unseen classes>_r`` what a gate is
fitted on: clips through a second backbone, which was not trained on the split's validation classes either.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.skeletons.arrays.features.base import Found, Reading, need
from zsl_skeleton.skeletons.arrays.features.blocks import Stored
from zsl_skeleton.skeletons.arrays.features.published import Published, assemble
from zsl_skeleton.skeletons.arrays.labels import read_labels
from zsl_skeleton.skeletons.arrays.stored import StoredArray, stored_array
from zsl_skeleton.skeletons.sources import Source

_LABELS = {"train": "train_label", "ztest": "z_label", "gtest": "g_label", "val": "val_label"}


class SynseLayout:
    """See the module's docstring. TDSM's folders hold ``train`` and ``ztest`` only."""

    example: ClassVar[str] = "shift_5_r"
    meanings: ClassVar[Mapping[str, str]] = {
        "train": "pooled features of the training clips, seen classes [N, D]",
        "train_label": "their classes, counted from 0 over all classes",
        "ztest": "pooled features of the test clips of unseen classes (in a val folder: of the validation classes)",
        "z_label": "their classes",
        "ztest_out": "class logits of ztest [N, C]",
        "gtest": "pooled features of all test clips",
        "g_label": "their classes",
        "gtest_out": "class logits of gtest [N, C]",
        "val": "pooled features of validation clips of the other seen classes",
        "val_label": "their classes",
        "val_out": "class logits of val [N, C]",
        "train_out": "class logits of train [N, C]",
    }

    @staticmethod
    def recognises(path: Path) -> bool:
        """Whether it is a folder that holds ``train.npy`` and ``ztest.npy``."""
        return (path / "train.npy").is_file() and (path / "ztest.npy").is_file()

    @staticmethod
    def arrays(path: Path) -> dict[str, StoredArray]:
        """See :class:`FeatureLayout`."""
        return {file.stem: stored_array(Source(file)) for file in sorted(path.glob("*.npy"))}

    @staticmethod
    def classes(path: Path) -> tuple[set[int], set[int]]:
        """See :class:`FeatureLayout`."""
        arrays = SynseLayout.arrays(path)
        need(arrays, ("train", "train_label", "ztest", "z_label"), path)
        train, unseen = (read_labels(arrays[_LABELS[name]], len(arrays[name])) for name in ("train", "ztest"))
        return set(train.tolist()), set(unseen.tolist())

    @staticmethod
    def read(path: Path, reading: Reading) -> Found:
        """See :class:`FeatureLayout`."""
        arrays = SynseLayout.arrays(path)
        parts = {name: label for name, label in _LABELS.items() if name in arrays or name in ("train", "ztest")}
        need(arrays, tuple(name for pair in parts.items() for name in pair), path)
        stored = {
            name: Stored(name, arrays[name], arrays[label], arrays.get(f"{name}_out")) for name, label in parts.items()
        }
        published = Published(
            path,
            f"synse/{path.name.partition('_')[0]}",
            stored["train"],
            stored["ztest"],
            stored.get("gtest"),
            stored.get("val"),
        )
        used = [n for s in stored.values() for n in (s.name, _LABELS[s.name], *([f"{s.name}_out"] if s.logits else []))]
        return assemble(published, {f"{name}.npy": path / f"{name}.npy" for name in used}, reading)
