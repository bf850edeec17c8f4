"""Folders of position arrays that went through AimCLR's preprocessing: a pair of files, clips and labels, per part."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.skeletons.arrays.clips.base import ArraySet, ClipArrayReader, Part, check_shape, folders
from zsl_skeleton.skeletons.arrays.labels import read_labels
from zsl_skeleton.skeletons.arrays.stored import StoredArray, stored_array

FRAMES = 50


class PositionReader(ClipArrayReader):
    """Clips [N, 3, 50, 25, 2]; a subclass names the files and says which protocol divides them."""

    suffix = ".npy"
    prepared = "aimclr-50"
    pairs: ClassVar[Mapping[str, tuple[str, str]]]
    """Part -> its files of clips and of labels, in the order in which clips are listed; the first is for training."""

    @abstractmethod
    def protocol(self, folder: str) -> str | None:
        """The protocol that divides the parts in a folder; None if it does not tell."""

    def find(self, root: Path) -> list[ArraySet]:
        """One set per folder that holds any of the files."""
        names = [name for pair in self.pairs.values() for name in pair]
        found = []
        for folder, arrays in folders(root, names).items():
            missing = tuple(f"{name}.npy" for name in names if name not in arrays)
            pairs = {} if missing else self.pairs
            parts = [
                Part(name, arrays[clips], arrays[labels], number == 0)
                for number, (name, (clips, labels)) in enumerate(pairs.items())
            ]
            found.append(ArraySet(folder, self.protocol(folder), tuple(parts), missing))
        return found

    def labels(self, part: Part, clips: StoredArray) -> NDArray[np.int64]:
        """See :meth:`ClipArrayReader.labels`."""
        check_shape(clips, FRAMES)
        return read_labels(stored_array(part.labels), len(clips))
