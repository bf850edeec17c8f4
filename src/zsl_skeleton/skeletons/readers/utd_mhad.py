"""UTD-MHAD: one MATLAB 5 file per clip, ``a<action>_s<subject>_t<trial>_skeleton.mat`` (Chen et al., ICIP 2015)."""

from __future__ import annotations

import re
from pathlib import Path

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import KINECT_V1
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, checked, scan_names
from zsl_skeleton.skeletons.readers.matlab import read_matrix

_NAME = re.compile(r"(?P<id>a(?P<action>\d{1,2})_s(?P<subject>\d{1,2})_t\d{1,2})_skeleton")
_VARIABLE = "d_skel"
# The files start with head, shoulder centre, spine, hip centre: the trunk upside down.
_TO_KINECT_V1 = [3, 2, 1, 0, *range(4, 20)]


class UtdMhadReader(Reader):
    """One person, Kinect v1; the variable ``d_skel`` is float [20, 3, T] in metres."""

    suffix = ".mat"
    example = "a1_s1_t1_skeleton.mat"

    def scan(self, root: Path) -> Listing:
        """One clip per file."""
        return scan_names(root, self.suffix, _NAME, self.example)

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the file is damaged, lacks ``d_skel``, or that is not [20, 3, T] finite numbers.
        """
        skeleton = read_matrix(ref.source, _VARIABLE)
        if skeleton.ndim != 3 or skeleton.shape[:2] != (20, 3):
            raise InputError(
                f"{ref.source}: {_VARIABLE} has shape {list(skeleton.shape)}",
                why="expected [20 joints, 3 coordinates, T frames]",
            )
        return checked(skeleton.transpose(2, 0, 1)[None, :, _TO_KINECT_V1], ref.source, KINECT_V1)
