"""CTR-GCN's arrays ``NTU60_CS.npz``, ``NTU60_CV.npz``, ``NTU120_CSub.npz``, ``NTU120_CSet.npz`` (ICCV 2021).

Neuron's arrays of PKU-MMD have the same keys in another shape. No subject, camera or name is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.clips.base import ArraySet, ClipArrayReader, Part, check_shape, protocol_in
from zsl_skeleton.skeletons.arrays.labels import read_labels, read_one_hot
from zsl_skeleton.skeletons.arrays.stored import StoredArray, npz_arrays, stored_array
from zsl_skeleton.skeletons.readers.base import MAX_FRAMES, ClipRef
from zsl_skeleton.skeletons.sources import recording_files

_COLUMNS = 150
_KEYS = ("x_train", "y_train", "x_test", "y_test")


class CtrGcnReader(ClipArrayReader):
    """``x_*`` is [N, T, 150], two persons of 25 joints, zeros behind a clip's last frame; ``y_*`` is one-hot [N, C].

    Or, for PKU-MMD, ``x_*`` [N, 3, T, 25, 2] and ``y_*`` whole numbers [N, 1]. The file name tells the protocol.
    """

    suffix = ".npz"
    example = "NTU60_CS.npz"
    meanings: ClassVar[Mapping[str, str]] = {
        "x_train": "clips of the training part: [N, T, 150] persons x joints x xyz, or [N, 3, T, 25, 2]",
        "y_train": "their classes: one-hot [N, C], or numbers [N, 1]",
        "x_test": "clips of the test part",
        "y_test": "their classes",
    }

    def find(self, root: Path) -> list[ArraySet]:
        """One set per archive that holds any of the four arrays."""
        found = []
        for source in recording_files(root, self.suffix):
            if source.member:
                continue  # an archive in an archive
            try:
                arrays = npz_arrays(source.path)
            except InputError as error:
                found.append(ArraySet(str(source), None, (), fault=error.why or error.what))
                continue
            if not set(_KEYS) & set(arrays):
                continue
            missing = tuple(key for key in _KEYS if key not in arrays)
            parts = [
                Part(name, arrays[f"x_{name}"], arrays[f"y_{name}"], name == "train")
                for name in ("train", "test")
                if not missing
            ]
            protocol = protocol_in(source.path.parent.name, source.stem)
            found.append(ArraySet(str(source), protocol, tuple(parts), missing))
        return found

    def labels(self, part: Part, clips: StoredArray) -> NDArray[np.int64]:
        """See :meth:`ClipArrayReader.labels`."""
        labels = stored_array(part.labels)
        if len(clips.shape) == 5:
            check_shape(clips)
            return read_labels(labels, len(clips))
        shape = clips.shape
        if len(shape) != 3 or shape[2] != _COLUMNS or not 0 < shape[1] <= MAX_FRAMES or clips.dtype.kind != "f":
            raise InputError(
                f"{clips.source} holds {clips.dtype} of shape {list(shape)}",
                why=f"expected floats [N, frames, {_COLUMNS}]: 2 persons x 25 joints x xyz",
            )
        return read_one_hot(labels, len(clips))

    def remarks(self, found: ArraySet, clips: Sequence[ClipRef]) -> tuple[str, ...]:
        """Clips of a fixed length were preprocessed by their publisher."""
        shape = stored_array(found.parts[0].clips).shape
        if len(shape) == 3:
            return ()
        return (f"the publisher resampled the clips to {shape[2]} frames; the recipe is applied on top of that",)

    def joints(self, row: NDArray[Any]) -> NDArray[Any]:
        """Joints [M, T, V, 3], without the frames that fill the clip up and the person who is never there."""
        if row.ndim == 4:
            return super().joints(row)
        joints: NDArray[Any] = row.reshape(len(row), 2, 25, 3).transpose(1, 0, 2, 3)
        with np.errstate(invalid="ignore"):  # of damaged files; what is not finite is refused afterwards, by name
            shown: NDArray[np.bool_] = np.asarray(joints.any(axis=(2, 3)))
        if not shown.any():
            return joints
        last = int(np.flatnonzero(shown.any(axis=0))[-1])
        return joints[: 2 if shown[1].any() else 1, : last + 1]
