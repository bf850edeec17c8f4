"""A generic layout for recordings of your own: one or more ``.npz`` files of plain arrays.

| key           | content |
|---------------|---------|
| `frames`      | numbers in metres, y up: padded `[N, T, V, 3]`, padded with persons `[N, M, T, V, 3]`, or all clips one after the other `[sum of lengths, V, 3]` |
| `lengths`     | int `[N]`: frames of each clip |
| `label`       | int `[N]`: class index, counted from 0 in the order of the catalog file |
| `names`       | text `[N]`: a name for each clip, unique in the data set |
| `subject`     | int `[N]`: number of the performer |
| `view`        | optional, int `[N]`: number of the camera |
| `joint_names` | optional, text `[V]`: names of the joints in any order; without it V = 25 means NTU's order, V = 20 Kinect v1's |
"""  # noqa: E501

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS, match_layout
from zsl_skeleton.skeletons.readers.base import (
    MAX_FRAMES,
    ClipRef,
    Listing,
    RawClip,
    Rejected,
    checked,
    recording_files,
)

_REQUIRED = ("frames", "lengths", "label", "names", "subject")
_INTEGERS = ("lengths", "label", "subject", "view")
Arrays = dict[str, NDArray[Any]]


class NpzReader:
    """See the module's table. Arrays of Python objects are refused: nothing is ever unpickled."""

    suffix = ".npz"
    example = "recordings.npz"

    def __init__(self) -> None:
        # The clips of a file are read one after the other, so the last file is kept.
        self._last: tuple[Path, Arrays] | None = None

    def scan(self, root: Path) -> Listing:
        """The clips of every file, in the order in which they lie there; a file that breaks the rules is rejected."""
        clips: list[ClipRef] = []
        rejected: list[Rejected] = []
        for path in recording_files(root, self.suffix):
            try:
                clips += _references(path, _load(path))
            except InputError as error:
                reason = f"{error.what}: {error.why}" if error.why else error.what
                rejected.append(Rejected(path.stem, reason))
        return Listing(tuple(clips), tuple(rejected))

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the joints are not those of a known layout, or the numbers are not finite.
        """
        if self._last is None or self._last[0] != ref.path:
            self._last = ref.path, _load(ref.path)
        arrays = self._last[1]
        layout, order = _layout(arrays, ref.path)
        frames = arrays["frames"]
        stop = ref.stop or 0
        if frames.ndim == 3:
            clip = frames[None, ref.start : stop]
        else:
            padded = frames[ref.start]
            clip = padded[None, :stop] if frames.ndim == 4 else padded[:, :stop]
        return checked(clip[:, :, order], ref.path, layout)


def _references(path: Path, arrays: Arrays) -> list[ClipRef]:
    lengths = arrays["lengths"].tolist()
    views = arrays.get("view", np.zeros(len(lengths), dtype=np.int64)).tolist()
    if arrays["frames"].ndim == 3:
        ends = np.cumsum(lengths).tolist()
        spans = [(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    else:
        spans = list(enumerate(lengths))
    rows = zip(arrays["names"].tolist(), arrays["label"].tolist(), arrays["subject"].tolist(), views, strict=True)
    return [ClipRef(*row, path, *span) for row, span in zip(rows, spans, strict=True)]


def _load(path: Path) -> Arrays:
    """The arrays of a file, checked against each other."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read as plain arrays", why=str(error)) from error
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}", why=f"it holds {', '.join(arrays) or 'nothing'}")
    count = arrays["names"].size
    for key in (*_INTEGERS, "names"):
        kind = "U" if key == "names" else "iu"
        if key in arrays and (arrays[key].shape != (count,) or arrays[key].dtype.kind not in kind):
            found = f"{list(arrays[key].shape)} of {arrays[key].dtype}"
            wanted = "text" if key == "names" else "whole numbers"
            raise InputError(f"{path}: {key!r} is {found}", why=f"expected [{count}] {wanted}, one per clip")
    _check_frames(path, arrays["frames"], arrays["lengths"])
    return arrays


def _check_frames(path: Path, frames: NDArray[Any], lengths: NDArray[Any]) -> None:
    if frames.ndim not in (3, 4, 5) or frames.shape[-1] != 3 or frames.dtype.kind not in "fiu":
        raise InputError(f"{path}: 'frames' has shape {list(frames.shape)} of {frames.dtype}", why="see the reader npz")
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= MAX_FRAMES:
        raise InputError(f"{path}: 'lengths' run from {lengths.min()} to {lengths.max()}")
    if frames.ndim == 3 and int(lengths.sum()) != len(frames):
        raise InputError(f"{path}: 'lengths' add up to {int(lengths.sum())}", why=f"'frames' holds {len(frames)}")
    if frames.ndim > 3 and (len(frames) != len(lengths) or lengths.max(initial=0) > frames.shape[-3]):
        raise InputError(f"{path}: 'lengths' do not fit 'frames' of shape {list(frames.shape)}")


def _layout(arrays: Arrays, path: Path) -> tuple[str, list[int]]:
    count = arrays["frames"].shape[-2]
    if "joint_names" in arrays:
        names = arrays["joint_names"]
        if names.shape != (count,) or names.dtype.kind != "U":
            raise InputError(f"{path}: 'joint_names' must be text [{count}], one per joint")
        return match_layout(names.tolist())
    layout = next((name for name, joints in JOINTS.items() if len(joints) == count), None)
    if layout is None:
        raise InputError(f"{path}: {count} joints without 'joint_names'", why="only 25 and 20 have a known order")
    return layout, list(range(count))
