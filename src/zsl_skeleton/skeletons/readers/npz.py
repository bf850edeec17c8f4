"""A generic layout for recordings of your own: one or more ``.npz`` files of plain arrays.

| key           | content |
|---------------|---------|
| `frames`      | numbers in metres, y up: padded `[N, T, V, 3]`, padded with persons `[N, M, T, V, 3]`, or all clips one after the other, `[sum of lengths, V, 3]` or with persons `[sum of lengths, M, V, 3]` |
| `lengths`     | int `[N]`: frames of each clip |
| `label`       | int `[N]`: class index, counted from 0 in the order of the catalog file |
| `names`       | text `[N]`: a name for each clip, unique in the data set |
| `subject`     | int `[N]`: number of the performer |
| `view`        | optional, int `[N]`: number of the camera |
| `part.<protocol>` | optional, bool `[N]`, e.g. `part.xsub`: whether the clip belongs to the training part of the protocol, where no rule of the catalog tells |
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
from zsl_skeleton.skeletons.arrays.stored import npz_arrays, stored_array
from zsl_skeleton.skeletons.layouts import JOINTS, match_layout
from zsl_skeleton.skeletons.readers.base import (
    MAX_FRAMES,
    ClipRef,
    Listing,
    RawClip,
    Reader,
    Rejected,
    checked,
)
from zsl_skeleton.skeletons.skeleton_set import PART
from zsl_skeleton.skeletons.sources import Source, recording_files

_REQUIRED = ("frames", "lengths", "label", "names", "subject")
_INTEGERS = ("lengths", "label", "subject", "view")
Arrays = dict[str, NDArray[Any]]


class NpzReader(Reader):
    """See the module's table. Arrays of Python objects are refused: nothing is ever unpickled."""

    suffix = ".npz"
    example = "recordings.npz"

    def __init__(self) -> None:
        # The clips of a file are read one after the other, so the last file is kept.
        self._last: tuple[Source, Arrays] | None = None

    def scan(self, root: Path) -> Listing:
        """The clips of every file, in the order in which they lie there; a file that breaks the rules is rejected."""
        clips: list[ClipRef] = []
        rejected: list[Rejected] = []
        for source in recording_files(root, self.suffix):
            try:
                clips += _references(source, _load(source))
            except InputError as error:
                reason = f"{error.what}: {error.why}" if error.why else error.what
                rejected.append(Rejected(source.stem, reason))
        return Listing(tuple(clips), tuple(rejected))

    def read(self, ref: ClipRef) -> RawClip:
        """Read one clip.

        Raises:
            InputError: the joints are not those of a known layout, or the numbers are not finite.
        """
        if self._last is None or self._last[0] != ref.source:
            self._last = ref.source, _load(ref.source)
        arrays = self._last[1]
        layout, order = _layout(arrays, ref.source)
        frames = arrays["frames"]
        stop = ref.stop or 0
        if _is_concatenated(arrays):
            clip = frames[ref.start : stop]
            clip = clip[None] if frames.ndim == 3 else clip.swapaxes(0, 1)
        else:
            padded = frames[ref.start]
            clip = padded[None, :stop] if frames.ndim == 4 else padded[:, :stop]
        return checked(clip[:, :, order], ref.source, layout)


def _references(source: Source, arrays: Arrays) -> list[ClipRef]:
    lengths = arrays["lengths"].tolist()
    views = arrays.get("view", np.zeros(len(lengths), dtype=np.int64)).tolist()
    if _is_concatenated(arrays):
        ends = np.cumsum(lengths).tolist()
        spans = [(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    else:
        spans = list(enumerate(lengths))
    rows = zip(arrays["names"].tolist(), arrays["label"].tolist(), arrays["subject"].tolist(), views, strict=True)
    parts = {key.removeprefix(PART): column.tolist() for key, column in arrays.items() if key.startswith(PART)}
    stated = [tuple(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]
    located = zip(rows, spans, stated or [()] * len(lengths), strict=True)
    return [ClipRef(*row, source, *span, own) for row, span, own in located]


def _is_concatenated(arrays: Arrays) -> bool:
    """Whether all clips lie one after the other; with as many frames as clips, they are padded."""
    frames = arrays["frames"]
    return frames.ndim == 3 or (frames.ndim == 4 and len(frames) != len(arrays["lengths"]))


def _load(source: Source) -> Arrays:
    """The arrays of a file, checked against each other."""
    if not source.member:
        # Mapped where they are not compressed: the frames of a large data set do not fit into memory.
        arrays = {name: stored_array(member).read() for name, member in npz_arrays(source.path).items()}
        return _checked(source, arrays)
    try:
        with source.open() as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{source} cannot be read as plain arrays", why=str(error)) from error
    return _checked(source, arrays)


def _checked(source: Source, arrays: Arrays) -> Arrays:
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing:
        raise InputError(f"{source} lacks {', '.join(missing)}", why=f"it holds {', '.join(arrays) or 'nothing'}")
    count = arrays["names"].size
    for key in (*_INTEGERS, "names", *(key for key in arrays if key.startswith(PART))):
        kind = "U" if key == "names" else "b" if key.startswith(PART) else "iu"
        if key in arrays and (arrays[key].shape != (count,) or arrays[key].dtype.kind not in kind):
            found = f"{list(arrays[key].shape)} of {arrays[key].dtype}"
            wanted = {"U": "text", "b": "true or false", "iu": "whole numbers"}[kind]
            raise InputError(f"{source}: {key!r} is {found}", why=f"expected [{count}] {wanted}, one per clip")
    _check_frames(source, arrays)
    return arrays


def _check_frames(source: Source, arrays: Arrays) -> None:
    frames, lengths = arrays["frames"], arrays["lengths"]
    if frames.ndim not in (3, 4, 5) or frames.shape[-1] != 3 or frames.dtype.kind not in "fiu":
        found = f"shape {list(frames.shape)} of {frames.dtype}"
        raise InputError(f"{source}: 'frames' has {found}", why="see the reader npz")
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= MAX_FRAMES:
        raise InputError(f"{source}: 'lengths' run from {lengths.min()} to {lengths.max()}")
    concatenated = _is_concatenated(arrays)
    if concatenated and int(lengths.sum()) != len(frames):
        raise InputError(f"{source}: 'lengths' add up to {int(lengths.sum())}", why=f"'frames' holds {len(frames)}")
    if not concatenated and (len(frames) != len(lengths) or lengths.max(initial=0) > frames.shape[-3]):
        raise InputError(f"{source}: 'lengths' do not fit 'frames' of shape {list(frames.shape)}")


def _layout(arrays: Arrays, source: Source) -> tuple[str, list[int]]:
    count = arrays["frames"].shape[-2]
    if "joint_names" in arrays:
        names = arrays["joint_names"]
        if names.shape != (count,) or names.dtype.kind != "U":
            raise InputError(f"{source}: 'joint_names' must be text [{count}], one per joint")
        return match_layout(names.tolist())
    layout = next((name for name, joints in JOINTS.items() if len(joints) == count), None)
    if layout is None:
        raise InputError(f"{source}: {count} joints without 'joint_names'", why="only 25 and 20 have a known order")
    return layout, list(range(count))
