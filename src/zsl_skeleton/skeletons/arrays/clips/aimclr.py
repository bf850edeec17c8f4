"""AimCLR's position arrays ``<data set>_frame50/<xsub, xview>/`` (Guo et al., AAAI 2022), preprocessed already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from zsl_skeleton.skeletons.arrays.clips.base import protocol_in
from zsl_skeleton.skeletons.arrays.clips.positions import PositionReader


class AimclrReader(PositionReader):
    """``{train,val}_position.npy`` [N, 3, 50, 25, 2] and ``{train,val}_label.npy`` [N, 1]; the folder is the protocol.

    The pickles that lie beside them, which hold the names of the clips, are not read.
    """

    example = "train_position.npy"
    pairs: ClassVar[Mapping[str, tuple[str, str]]] = {
        part: (f"{part}_position", f"{part}_label") for part in ("train", "val")
    }
    meanings: ClassVar[Mapping[str, str]] = {
        "train_position": "clips of the training part [N, 3, 50, 25, 2]: xyz, frames, joints, persons",
        "train_label": "their classes [N, 1]",
        "train_motion": "differences between frames; not read",
        "val_position": "clips of the test part",
        "val_label": "their classes",
        "val_motion": "differences between frames; not read",
    }

    def protocol(self, folder: str) -> str | None:
        """What the folder or the one around it is called after."""
        return protocol_in(*Path(folder).parts[-2:])
