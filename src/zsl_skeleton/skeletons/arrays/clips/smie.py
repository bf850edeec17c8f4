"""SMIE's position arrays ``zeroshot/<data set>/split_<k>/`` (Zhou et al., ACM MM 2023), divided by split already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.clips.base import ArraySet
from zsl_skeleton.skeletons.arrays.clips.positions import PositionReader
from zsl_skeleton.skeletons.readers.base import ClipRef

PARTS = ("seen_train", "seen_test", "unseen")


class SmieReader(PositionReader):
    """``{seen_train, seen_test, unseen}_data.npy`` [N, 3, 50, 25, 2] and ``..._label.npy``, divided by subject.

    Training clips of unseen classes are not among them: only the split that the folder was made for can be used.
    """

    example = "seen_train_data.npy"
    pairs: ClassVar[Mapping[str, tuple[str, str]]] = {part: (f"{part}_data", f"{part}_label") for part in PARTS}
    meanings: ClassVar[Mapping[str, str]] = {
        "seen_train_data": "training clips of seen classes [N, 3, 50, 25, 2]: xyz, frames, joints, persons",
        "seen_train_label": "their classes",
        "seen_test_data": "test clips of seen classes",
        "seen_test_label": "their classes",
        "unseen_data": "test clips of unseen classes",
        "unseen_label": "their classes",
    }

    def protocol(self, folder: str) -> str | None:
        """SMIE divides by subject only."""
        return "xsub"

    def remarks(self, found: ArraySet, clips: Sequence[ClipRef]) -> tuple[str, ...]:
        """Which split alone can be used.

        Raises:
            InputError: a class is both seen and unseen.
        """
        unseen = {clip.label for clip in clips if clip.id.startswith("unseen/")}
        both = sorted(unseen & {clip.label for clip in clips if not clip.id.startswith("unseen/")})
        if both:
            raise InputError(f"{found.where} contradicts itself", why=f"the classes {both} are both seen and unseen")
        told = ", ".join(map(str, sorted(unseen)))
        return (f"there are no training clips of the classes {told}: use the split whose unseen classes they are",)
