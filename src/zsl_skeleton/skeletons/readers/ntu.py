"""NTU RGB+D 60 and 120: a text file per clip, ``SsssCcccPpppRrrrAaaa.skeleton`` (Shahroudy 2016, Liu 2019)."""

from __future__ import annotations

import re
from pathlib import Path

from zsl_skeleton.errors import InputError
from zsl_skeleton.registry import find_name
from zsl_skeleton.skeletons.bodies import CHOICES
from zsl_skeleton.skeletons.layouts import NTU
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, checked, scan_names
from zsl_skeleton.skeletons.readers.ntu_text import parse_bodies

_NAME = re.compile(r"(?P<id>S\d{3}C(?P<view>\d{3})P(?P<subject>\d{3})R\d{3}A(?P<action>\d{3}))")


class NtuReader(Reader):
    """Up to two persons in metres, 30 frames a second; the view is the camera, the set-up is told by the id.

    Args:
        bodies: which of the tracked bodies are the persons, a key of :data:`zsl_skeleton.skeletons.bodies.CHOICES`.
    """

    suffix = ".skeleton"
    example = "S001C001P001R001A001.skeleton"
    chooses_bodies = True

    def __init__(self, bodies: str = "first") -> None:
        self._choose = CHOICES[find_name("choice of bodies", bodies, CHOICES)]

    def scan(self, root: Path) -> Listing:
        """One clip per file."""
        return scan_names(root, self.suffix, _NAME, self.example)

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip; frames without bodies are zero.

        Raises:
            InputError: the file is not as described, or shows nobody; the message names the line.
        """
        tracked = parse_bodies(ref.source.read_bytes(), ref.source)
        try:
            joints = self._choose(tracked)
        except InputError as error:
            raise InputError(f"{ref.source}: {error.what}") from error
        return checked(joints, ref.source, NTU)
