"""Northwestern-UCLA: a JSON file per clip, ``a<action>_s<subject>_e<trial>_v<view>.json`` (Wang et al., CVPR 2014)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import KINECT_V1
from zsl_skeleton.skeletons.readers.base import ClipRef, Listing, RawClip, Reader, Rejected, checked, scan_names
from zsl_skeleton.skeletons.sources import Source

_NAME = re.compile(r"(?P<id>a(?P<action>\d{1,2})_s(?P<subject>\d{1,2})_e\d{1,2}_v(?P<view>\d{1,2}))")
# The numbering of the recordings has gaps; labels follow the order of the numbers in use.
_ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)


class NwUclaReader(Reader):
    """One person, Kinect v1 order; ``skeletons`` is [T, 20, 3] in metres, ``label`` counts from 1."""

    suffix = ".json"
    example = "a01_s01_e00_v01.json"

    def scan(self, root: Path) -> Listing:
        """One clip per file."""
        named = scan_names(root, self.suffix, _NAME, self.example)
        known = tuple(
            replace(ref, label=_ACTIONS.index(ref.label + 1)) for ref in named.clips if ref.label + 1 in _ACTIONS
        )
        unknown = tuple(
            Rejected(ref.id, f"{ref.source.name}: there is no action {ref.label + 1}", None, ref.subject, ref.view)
            for ref in named.clips
            if ref.label + 1 not in _ACTIONS
        )
        return Listing(known, named.rejected + unknown)

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the file is not such JSON, or its label contradicts its name.
        """
        document = _document(ref.source)
        if not isinstance(document, dict) or "skeletons" not in document:
            raise InputError(f"{ref.source} has no field 'skeletons'")
        if document.get("label", ref.label + 1) != ref.label + 1:
            raise InputError(f"{ref.source}: label {document['label']!r}", why=f"its name means label {ref.label + 1}")
        return checked(_frames(document["skeletons"], ref.source)[None], ref.source, KINECT_V1)


def _document(source: Source) -> Any:
    try:
        return json.loads(source.read_text())
    except (ValueError, RecursionError) as error:
        # Well-formed, but beyond what Python reads: thousands of digits or of nested lists.
        raise InputError(f"{source} cannot be read as JSON", why=str(error)) from error


def _frames(value: Any, source: Source) -> NDArray[np.float64]:
    """Nested lists [T, 20, 3] as an array; the error names the first frame that has another shape."""
    if not isinstance(value, list) or not value:
        raise InputError(f"{source}: 'skeletons' is not a list of frames")
    for number, frame in enumerate(value):
        if not _is_frame(frame):
            raise InputError(f"{source}: frame {number} is not 20 joints of 3 numbers")
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError as error:
        raise InputError(f"{source}: a number is absurdly large") from error


def _is_frame(frame: Any) -> bool:
    return (
        isinstance(frame, list)
        and len(frame) == 20
        and all(isinstance(joint, list) and len(joint) == 3 for joint in frame)
        and all(type(number) in (float, int) for joint in frame for number in joint)
    )
