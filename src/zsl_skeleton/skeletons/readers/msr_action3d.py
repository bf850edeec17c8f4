"""MSR-Action3D: one text file per clip, ``a<action>_s<subject>_e<trial>_skeleton3D.txt`` (Li et al., CVPRW 2010)."""

from __future__ import annotations

import re
from pathlib import Path

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import KINECT_V1
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, checked, parse_numbers, scan_names

_NAME = re.compile(r"(?P<id>a(?P<action>\d{1,2})_s(?P<subject>\d{1,2})_e\d{1,2})_skeleton3D")
_JOINTS, _FIELDS = 20, 4
_TO_KINECT_V1 = [6, 3, 2, 19, 0, 7, 9, 11, 1, 8, 10, 12, 4, 13, 15, 17, 5, 14, 16, 18]


class MsrAction3DReader(Reader):
    """One person, Kinect v1 joints in an order of its own; 20 lines ``x y z confidence`` per frame, in metres."""

    suffix = ".txt"
    example = "a01_s01_e01_skeleton3D.txt"

    def scan(self, root: Path) -> Listing:
        """One clip per file."""
        return scan_names(root, self.suffix, _NAME, self.example)

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip; the confidence is not used.

        Raises:
            InputError: a line has not four numbers, the lines are no whole number of frames, or the file is not text.
        """
        rows = [line.split() for line in ref.source.read_text().rstrip().splitlines()]
        for number, row in enumerate(rows, start=1):
            if len(row) != _FIELDS:
                raise InputError(f"{ref.source}, line {number}: expected {_FIELDS} numbers, found {len(row)} fields")
        if not rows or len(rows) % _JOINTS:
            raise InputError(
                f"{ref.source}, line {len(rows)}: the file ends inside a frame",
                why=f"{len(rows)} lines are not a positive multiple of {_JOINTS} joints",
            )
        numbers = parse_numbers(rows, ref.source).reshape(-1, _JOINTS, _FIELDS)
        return checked(numbers[None, :, _TO_KINECT_V1, :3], ref.source, KINECT_V1)
