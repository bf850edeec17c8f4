"""PRECOG-2016: one CSV of many actions per sequence and performer, ``Seq<n>_<subject>.csv`` (MIT licence)."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS, KINECT_V1, match_layout
from zsl_skeleton.skeletons.readers.base import (
    ClipRef,
    Listing,
    RawClip,
    Reader,
    Rejected,
    checked,
    parse_numbers,
)
from zsl_skeleton.skeletons.sources import Source, recording_files

_NAME = re.compile(r"Seq(?P<sequence>\d{1,2})_(?P<subject>\d{1,2})")
_JOINTS = 20
MIN_FRAMES = 5
"""Shorter runs of a label are slips of the annotation, not clips."""


class PrecogReader(Reader):
    """One person, Kinect v1 order. A clip is a maximal run of one non-zero frame label of at least five frames.

    After a header of joint names, every line is a frame: 20 cells ``x y z`` (metres, decimal point or comma) and the
    action, separated by semicolons; 0 = no action, else the class counted from 1.
    """

    suffix = ".csv"
    example = "Seq1_1.csv"

    def __init__(self) -> None:
        # The clips of a file are read one after the other, so the last file is kept.
        self._last: tuple[Source, NDArray[np.float64]] | None = None

    def scan(self, root: Path) -> Listing:
        """The runs of all files, called ``<file>_<first>-<last>`` after their frames, counted from 0."""
        clips: list[ClipRef] = []
        rejected: list[Rejected] = []
        for source in recording_files(root, self.suffix):
            match = _NAME.fullmatch(source.stem)
            if match is None:
                rejected.append(Rejected(source.stem, f"{source.name} is not a name like {self.example}"))
                continue
            subject = int(match.group("subject"))
            try:
                actions = _load(source)[1]
            except InputError as error:
                reason = f"{error.what}: {error.why}" if error.why else error.what
                rejected.append(Rejected(source.stem, reason, None, subject, 0))
                continue
            clips += _runs(source, subject, actions)
        return Listing(tuple(clips), tuple(rejected))

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the file is not as described; the message names the line.
        """
        if self._last is None or self._last[0] != ref.source:
            self._last = ref.source, _load(ref.source)[0]
        frames = self._last[1][ref.start : ref.stop]
        return checked(frames[None], ref.source, KINECT_V1, ref.start)


def _runs(source: Source, subject: int, actions: tuple[int, ...]) -> list[ClipRef]:
    clips, start = [], 0
    for action, run in groupby(actions):
        stop = start + len(list(run))
        if action and stop - start >= MIN_FRAMES:
            name = f"{source.stem}_{start:04d}-{stop - 1:04d}"
            clips.append(ClipRef(name, action - 1, subject, 0, source, start, stop))
        start = stop
    return clips


def _load(source: Source) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Joints [T, 20, 3] and the action of every frame."""
    header, *lines = source.read_text().rstrip().splitlines() or [""]
    layout, order = match_layout(header.rstrip("; ").split(";"))
    if layout != KINECT_V1 or order != list(range(_JOINTS)):
        raise InputError(f"{source}, line 1: expected the joints {'; '.join(JOINTS[KINECT_V1])}")
    rows, actions = [], []
    for number, line in enumerate(lines, start=2):
        *cells, action = line.rstrip("; ").split(";")
        row = [field for cell in cells for field in cell.replace(",", ".").split()]
        if len(cells) != _JOINTS or len(row) != 3 * _JOINTS or not action.strip().isdecimal():
            raise InputError(
                f"{source}, line {number}: expected {_JOINTS} cells 'x y z' and an action number",
                why=f"found {len(cells)} cells with {len(row)} numbers, then {action.strip()[:20]!r}",
            )
        rows.append(row)
        actions.append(int(action))
    return parse_numbers(rows, source, first_line=2).reshape(-1, _JOINTS, 3), tuple(actions)
