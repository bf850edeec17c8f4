"""What every reader of recordings offers, and the checks that they share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS
from zsl_skeleton.skeletons.sources import Source, recording_files

MAX_FRAMES = 1_000_000
MAX_PERSONS = 20
MAX_METRES = 1e6
"""No unit of length makes more of what a sensor sees; single precision could not hold the square of much more."""


@dataclass(frozen=True)
class ClipRef:
    """Where a clip is found and what its name says about it.

    Args:
        id: name of the recording, unique in its data set.
        label: 0-based class index.
        subject: number of the performer.
        view: number of the camera; 0 where the data set has only one.
        source: the file or archive member it lies in.
        start: first frame (or row) of the clip in that file.
        stop: one past the last; None = to the end.
        parts: pairs (protocol, whether the clip is in its training part), where the publisher says so itself.
    """

    id: str
    label: int
    subject: int
    view: int
    source: Source
    start: int = 0
    stop: int | None = None
    parts: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class RawClip:
    """A clip as recorded: joints float64 [M, T, V, 3] in metres, in the order of a layout of :mod:`..layouts`."""

    joints: NDArray[np.float64]
    layout: str


@dataclass(frozen=True)
class Rejected:
    """A recording that is no clip, and why; what its name told, where it told anything."""

    id: str
    reason: str
    label: int | None = None
    subject: int | None = None
    view: int | None = None


@dataclass(frozen=True)
class Listing:
    """The clips below a folder, in a fixed order, what was found that cannot be one, and what the user should know."""

    clips: tuple[ClipRef, ...]
    rejected: tuple[Rejected, ...] = ()
    remarks: tuple[str, ...] = ()


class Reader(ABC):
    """A file format.

    A clip may be read by another instance, in another process, than the one that listed it: a reference says it all.
    """

    suffix: ClassVar[str]
    """Ending of the files, in lower case."""
    example: ClassVar[str]
    """A file name, for error messages."""
    prepared: ClassVar[str | None] = None
    """Name of the recipe that the clips went through already; ``read`` then gives its result [M, T', 25, 3]."""
    chooses_bodies: ClassVar[bool] = False
    """Whether the constructor takes ``bodies``, a key of :data:`zsl_skeleton.skeletons.bodies.CHOICES`."""

    @abstractmethod
    def scan(self, root: Path) -> Listing:
        """List the clips at or below ``root`` without reading more than is needed to tell them apart."""

    @abstractmethod
    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the file is not what the format prescribes; the message names file, line or frame, and joint.
        """


def scan_names(root: Path, suffix: str, pattern: re.Pattern[str], example: str) -> Listing:
    """List one clip per file by names like ``a<action>_s<subject>_..._v<view>``.

    ``pattern`` matches the name without ending and has groups ``action`` (1-based), ``subject`` and perhaps ``view``.
    """
    clips, rejected = [], []
    for source in recording_files(root, suffix):
        match = pattern.fullmatch(source.stem)
        if match is None:
            rejected.append(Rejected(source.stem, f"{source.name} is not a name like {example}"))
            continue
        fields = match.groupdict()
        label, subject = int(fields["action"]) - 1, int(fields["subject"])
        clips.append(ClipRef(match.group("id"), label, subject, int(fields.get("view", 0)), source))
    return Listing(tuple(clips), tuple(rejected))


def checked(joints: NDArray[Any], source: Source, layout: str, first_frame: int = 0) -> RawClip:
    """The clip, if joints [M, T, V, 3] can be one.

    Raises:
        InputError: no or absurdly many frames or persons, another joint count, non-finite numbers (the message names
            frame and joint), or nothing but zeros.
    """
    names = JOINTS[layout]
    if joints.ndim != 4 or joints.shape[2:] != (len(names), 3):
        raise InputError(f"{source}: expected {len(names)} joints of 3 coordinates, found shape {list(joints.shape)}")
    persons, frames = joints.shape[:2]
    if not 1 <= frames <= MAX_FRAMES or not 1 <= persons <= MAX_PERSONS:
        raise InputError(f"{source}: {frames} frames of {persons} persons", why="the clip is empty or absurdly large")
    bad = np.argwhere(~(np.abs(joints) <= MAX_METRES))
    if len(bad):
        person, frame, joint, axis = bad[0]
        where = f"{source}: frame {frame + first_frame}, joint {joint} ({names[joint]})"
        raise InputError(
            f"{where}: {'xyz'[axis]} {no_place(joints[person, frame, joint, axis])}",
            why=f"{len(bad)} numbers of the clip are no coordinates in metres",
        )
    if not joints.any():
        raise InputError(f"{source}: all coordinates are zero", why="the sensor lost the person in every frame")
    return RawClip(joints.astype(np.float64), layout)


def no_place(coordinate: float) -> str:
    """What is wrong with a coordinate that is none."""
    return "is absurdly large" if np.isfinite(coordinate) else "is not finite"


def parse_numbers(rows: Sequence[Sequence[str]], source: Source, first_line: int = 1) -> NDArray[np.float64]:
    """Turn text fields, one row per line and equally many in each, into float64.

    Raises:
        InputError: a field is not a number; the message names the line.
    """
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError as error:
        for number, row in enumerate(rows, start=first_line):
            for field in row:
                if not _is_number(field):
                    raise InputError(f"{source}, line {number}: {field[:40]!r} is not a number") from error
        raise


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
