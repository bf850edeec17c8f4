"""One recording to one preprocessed clip. Imported by every reading process, so it needs numpy and nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import MADE_UP, to_ntu
from zsl_skeleton.skeletons.readers import ClipRef, RawClip, open_reader
from zsl_skeleton.skeletons.recipes import find_recipe

FAR = 20.0
"""Metres; a Kinect sees a quarter of that. Coordinates beyond are kept, but warned of: the unit may be wrong."""


@dataclass(frozen=True)
class ImportJob:
    """What a process must know to turn recordings into clips.

    Args:
        reader: name of the reader.
        options: its options.
        recipe: name of the preprocessing recipe.
        classes: number of classes; labels lie below.
        persons: M; a clip that shows more is refused.
        copy: whether a missing second person is a copy of the first, not zeros.
        base: folder that messages leave out: cards must not depend on where the recordings lie.
    """

    reader: str
    options: Mapping[str, Any]
    recipe: str
    classes: int
    persons: int
    copy: bool
    base: Path


@dataclass(frozen=True)
class MadeClip:
    """A clip and what is to be told about it.

    Args:
        joints: float32 [3, T', 25, M].
        length: frames before resampling.
        dropped: all-zero frames that were left out.
        far: whether a coordinate is absurdly large.
        made_up: joints that the layout lacks.
    """

    joints: NDArray[np.float32]
    length: int
    dropped: int = 0
    far: bool = False
    made_up: tuple[str, ...] = ()


class ClipMaker:
    """Reads, maps to NTU's joints and preprocesses."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self._reader = open_reader(job.reader, **job.options)
        self._recipe = find_recipe(job.recipe)

    def make(self, ref: ClipRef) -> MadeClip:
        """Make one clip.

        Raises:
            InputError: it cannot be used.
        """
        if not 0 <= ref.label < self.job.classes:
            why = f"labels lie in 0..{self.job.classes - 1}"
            raise InputError(f"label {ref.label} is out of range", why=why)
        raw = self._reader.read(ref)
        if len(raw.joints) > self.job.persons:
            raise InputError(f"it shows {len(raw.joints)} persons", why=f"the catalog allows {self.job.persons}")
        return self._ready(raw) if self._reader.prepared else self._preprocessed(raw)

    def _ready(self, raw: RawClip) -> MadeClip:
        joints = self._padded(raw.joints).transpose(3, 1, 2, 0)
        return MadeClip(np.ascontiguousarray(joints, dtype=np.float32), raw.joints.shape[1])

    def _preprocessed(self, raw: RawClip) -> MadeClip:
        shown = raw.joints.any(axis=(0, 2, 3))
        joints = to_ntu(raw.joints[:, shown], raw.layout)
        return MadeClip(
            self._recipe(self._padded(joints)),
            joints.shape[1],
            int((~shown).sum()),
            bool(np.abs(raw.joints).max() > FAR),
            MADE_UP[raw.layout],
        )

    def _padded(self, joints: NDArray[Any]) -> NDArray[Any]:
        padded = np.zeros((self.job.persons, *joints.shape[1:]))
        padded[: len(joints)] = joints
        if self.job.copy:
            padded[len(joints) :] = joints[0]
        return padded
