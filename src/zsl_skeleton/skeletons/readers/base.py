"""What every reader of recordings offers, and the checks that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS

MAX_FRAMES = 1_000_000
MAX_PERSONS = 20


@dataclass(frozen=True)
class ClipRef:
    """Where a clip is found and what its name says about it.

    Args:
        id: name of the recording, unique in its data set.
        label: 0-based class index.
        subject: number of the performer.
        view: number of the camera; 0 where the data set has only one.
        path: the file it lies in.
        start: first frame (or row) of the clip in that file.
        stop: one past the last; None = to the end.
    """

    id: str
    label: int
    subject: int
    view: int
    path: Path
    start: int = 0
    stop: int | None = None


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
    """The clips below a folder, in a fixed order, and what was found that cannot be one."""

    clips: tuple[ClipRef, ...]
    rejected: tuple[Rejected, ...] = ()


class Reader(Protocol):
    """A file format.

    ``suffix`` is the ending of its files; ``example`` a file name, for error messages.
    """

    suffix: str
    example: str

    def scan(self, root: Path) -> Listing:
        """List the clips below ``root`` without reading more than is needed to tell them apart."""
        ...

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the file is not what the format prescribes; the message names file, line or frame, and joint.
        """
        ...


def recording_files(root: Path, suffix: str) -> list[Path]:
    """All files with an ending at or below ``root`` (which may be such a file itself), ordered by their path."""
    if root.is_file():
        return [root] if root.suffix.lower() == suffix else []
    # A link to nowhere counts: it is to be listed as unreadable, not passed over.
    return sorted(p for p in root.rglob("*") if p.suffix.lower() == suffix and not p.is_dir())


def scan_names(root: Path, suffix: str, pattern: re.Pattern[str], example: str) -> Listing:
    """List one clip per file by names like ``a<action>_s<subject>_..._v<view>``.

    ``pattern`` matches the name without ending and has groups ``action`` (1-based), ``subject`` and perhaps ``view``.
    """
    clips, rejected = [], []
    for path in recording_files(root, suffix):
        match = pattern.fullmatch(path.stem)
        if match is None:
            rejected.append(Rejected(path.stem, f"{path.name} is not a name like {example}"))
            continue
        fields = match.groupdict()
        label, subject = int(fields["action"]) - 1, int(fields["subject"])
        clips.append(ClipRef(match.group("id"), label, subject, int(fields.get("view", 0)), path))
    return Listing(tuple(clips), tuple(rejected))


def checked(joints: NDArray[Any], path: Path, layout: str, first_frame: int = 0) -> RawClip:
    """The clip, if joints [M, T, V, 3] can be one.

    Raises:
        InputError: no or absurdly many frames or persons, another joint count, non-finite numbers (the message names
            frame and joint), or nothing but zeros.
    """
    names = JOINTS[layout]
    if joints.ndim != 4 or joints.shape[2:] != (len(names), 3):
        raise InputError(f"{path}: expected {len(names)} joints of 3 coordinates, found shape {list(joints.shape)}")
    persons, frames = joints.shape[:2]
    if not 1 <= frames <= MAX_FRAMES or not 1 <= persons <= MAX_PERSONS:
        raise InputError(f"{path}: {frames} frames of {persons} persons", why="the clip is empty or absurdly large")
    bad = np.argwhere(~np.isfinite(joints))
    if len(bad):
        _, frame, joint, axis = bad[0]
        raise InputError(
            f"{path}: frame {frame + first_frame}, joint {joint} ({names[joint]}): {'xyz'[axis]} is not finite",
            why=f"{len(bad)} numbers of the clip are NaN or infinite",
        )
    if not joints.any():
        raise InputError(f"{path}: all coordinates are zero", why="the sensor lost the person in every frame")
    return RawClip(joints.astype(np.float64), layout)


def parse_numbers(rows: Sequence[Sequence[str]], path: Path, first_line: int = 1) -> NDArray[np.float64]:
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
                    raise InputError(f"{path}, line {number}: {field[:40]!r} is not a number") from error
        raise


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
