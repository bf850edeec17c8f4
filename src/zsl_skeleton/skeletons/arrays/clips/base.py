"""What readers of other people's clip arrays share: they find pairs of arrays, clips and labels, one row per clip."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.labels import read_labels
from zsl_skeleton.skeletons.arrays.stored import Rows, StoredArray, stored_array
from zsl_skeleton.skeletons.layouts import NTU
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, Rejected, checked
from zsl_skeleton.skeletons.sources import Source, recording_files

UNKNOWN = -1
"""Subject and view of clips whose arrays do not tell them."""
_PROTOCOLS = {"xsub": {"cs", "csub", "xsub"}, "xview": {"cv", "cview", "xview"}, "xset": {"cset", "xset"}}


@dataclass(frozen=True)
class Part:
    """Clips and their labels.

    Args:
        name: before the row number in the ids of the clips.
        clips: array [N, ...].
        labels: array [N, ...].
        train: whether it is of the protocol's training part.
    """

    name: str
    clips: Source
    labels: Source
    train: bool


@dataclass(frozen=True)
class ArraySet:
    """The arrays of one folder or archive.

    Args:
        where: for messages.
        protocol: whose training and test part they are; None if no name tells.
        parts: its parts, in the order in which their clips are listed.
        missing: arrays that ought to be there.
        fault: why the archive cannot be read; empty if it can.
    """

    where: str
    protocol: str | None
    parts: tuple[Part, ...]
    missing: tuple[str, ...] = ()
    fault: str = ""


class ClipArrayReader(Reader):
    """A reader of one layout; a subclass says where its arrays lie and what a row is."""

    meanings: ClassVar[Mapping[str, str]]
    """Name of an array -> what it holds."""

    def __init__(self) -> None:
        # Rows are asked for in order; of a compressed array only one is in memory.
        self._last: tuple[Source, Rows] | None = None

    @abstractmethod
    def find(self, root: Path) -> list[ArraySet]:
        """The sets of arrays at or below ``root``."""

    def labels(self, part: Part, clips: StoredArray) -> NDArray[np.int64]:
        """0-based labels [N] of a part.

        Raises:
            InputError: the shape of the clips or of the labels is wrong, or a label is no class.
        """
        check_shape(clips)
        return read_labels(stored_array(part.labels), len(clips))

    def remarks(self, found: ArraySet, clips: Sequence[ClipRef]) -> tuple[str, ...]:
        """What the user should know about the clips of a set.

        Raises:
            InputError: they contradict each other.
        """
        return ()

    def joints(self, row: NDArray[Any]) -> NDArray[Any]:
        """Joints [M, T, V, 3] of a row [3, T, V, M]."""
        return row.transpose(3, 1, 2, 0)

    def scan(self, root: Path) -> Listing:
        """One clip per row, called ``<part>/<row>``. Several sets at once would be counted together: none is taken.

        What cannot be read is rejected and hides no set beside it.
        """
        sets = self.find(root)
        found = [each for each in sets if not each.fault]
        unread = tuple(
            Rejected(each.where.rpartition("/")[2], f"it cannot be read: {each.fault}") for each in sets if each.fault
        )
        if len(found) > 1:
            reason = f"there are {len(found)} such sets, {', '.join(s.where for s in found)}: name one of them"
            return Listing((), (*(Rejected(each.where.rpartition("/")[2], reason) for each in found), *unread))
        try:
            clips = tuple(clip for each in found for clip in self._clips(each))
            return Listing(clips, unread, tuple(told for each in found for told in self.remarks(each, clips)))
        except InputError as error:
            reason = f"{error.what}: {error.why}" if error.why else error.what
            return Listing((), (Rejected(found[0].where.rpartition("/")[2], reason), *unread))

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: it is not finite or nothing but zeros, or the file is damaged.
        """
        if self._last is None or self._last[0] != ref.source:
            self.close()
            self._last = ref.source, Rows(stored_array(ref.source))
        joints = self.joints(self._last[1][ref.start])
        return checked(joints, ref.source, NTU)

    def close(self) -> None:
        """Give the file that was read last back."""
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def _clips(self, found: ArraySet) -> Iterable[ClipRef]:
        if found.missing:
            raise InputError(f"{found.where} lacks {', '.join(found.missing)}")
        if found.protocol is None:
            raise InputError(
                f"{found.where} does not tell which protocol its parts belong to",
                why=f"no name in its path is {', '.join(sorted(set().union(*_PROTOCOLS.values())))}",
            )
        for part in found.parts:
            labels = self.labels(part, stored_array(part.clips))
            parts = ((found.protocol, part.train),)
            for row, label in enumerate(labels.tolist()):
                name = f"{part.name}/{row:06d}"
                yield ClipRef(name, label, UNKNOWN, UNKNOWN, part.clips, row, row + 1, parts)


def check_shape(clips: StoredArray, frames: int | None = None) -> None:
    """Make sure that an array holds clips [N, 3, T, 25, M] of M = 1 or 2 persons.

    Raises:
        InputError: it does not.
    """
    shape = clips.shape
    fits = len(shape) == 5 and shape[1] == 3 and shape[3] == 25 and shape[4] in (1, 2) and shape[2] > 0
    if not fits or clips.dtype.kind != "f" or (frames is not None and shape[2] != frames):
        raise InputError(
            f"{clips.source} holds {clips.dtype} of shape {list(shape)}",
            why=f"expected floats [N, 3, {frames or 'T'}, 25, 2]: xyz, frames, joints, persons",
        )


def folders(root: Path, names: Sequence[str]) -> dict[str, dict[str, Source]]:
    """Folder (as text) -> name -> where it lies, of the ``.npy`` files called ``names`` at or below ``root``."""
    found: dict[str, dict[str, Source]] = {}
    for source in recording_files(root, ".npy"):
        if source.stem in names:
            found.setdefault(str(source).rpartition("/")[0], {})[source.stem] = source
    return found


def protocol_in(*names: str) -> str | None:
    """The protocol that the last of ``names`` tells which tells any: ``NTU60_CS`` -> ``xsub``."""
    for name in reversed(names):
        words = set(re.split(r"[^a-z0-9]+", name.lower()))
        for protocol, spellings in _PROTOCOLS.items():
            if words & spellings:
                return protocol
    return None
