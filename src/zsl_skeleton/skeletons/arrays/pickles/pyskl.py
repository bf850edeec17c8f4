"""Converts pyskl's pickles, ``ntu60_3danno.pkl`` and the like, into the plain layout of the reader npz.

Nothing is unpickled; see :mod:`.restricted_unpickler`. One clip at a time is in memory.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import replacing
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.arrays.labels import MAX_CLASSES
from zsl_skeleton.skeletons.arrays.pickles.restricted_unpickler import read_pickle
from zsl_skeleton.skeletons.arrays.pickles.values import CONVERTIBLE, PickledArray
from zsl_skeleton.skeletons.readers.base import MAX_FRAMES
from zsl_skeleton.skeletons.skeleton_set import PART

NTU_NAME = re.compile(r"S\d{3}C(?P<camera>\d{3})P(?P<performer>\d{3})R\d{3}A\d{3}")
_SPLIT = re.compile(r"(?P<protocol>[a-z0-9-]+)_(?P<part>train|val|test)")
_DATE = (1980, 1, 1, 0, 0, 0)
_LAYOUT = "keypoint [persons, frames, 25 joints, 3 coordinates]"


class Conversion(BaseModel):
    """What a conversion wrote."""

    model_config = ConfigDict(frozen=True)

    path: str
    clips: int
    frames: int
    persons: int
    parts: dict[str, tuple[int, int]]
    """Protocol -> clips of its training and of its test part."""
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Clip:
    name: str
    label: int
    frames: int
    keypoint: PickledArray


def convert(path: Path, out: Path, *, overwrite: bool = False) -> Conversion:
    """Write the clips of a pickle, with the training part of each protocol, into an ``.npz`` file.

    Raises:
        UsageError: ``out`` is no ``.npz`` file, or exists.
        InputError: the pickle is damaged or absurdly large, asks for anything but plain data, or is not laid out like
            pyskl's annotations.
    """
    if out.suffix.lower() != ".npz":
        raise UsageError(f"{out} is no .npz file", mend=f"--out {out.with_suffix('.npz')}")
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists", mend="name another file, or add --overwrite")
    document = _check_document(read_pickle(path), path)
    clips = [_clip(entry, number, path) for number, entry in enumerate(document["annotations"])]
    names = [clip.name for clip in clips]
    if len(set(names)) < len(names) or not names:
        raise InputError(f"{path}: {'a clip stands there twice' if names else 'there is no clip'}")
    remarks: list[str] = []
    parts = _parts(document["split"], names, remarks)
    persons = max(clip.keypoint.shape[0] for clip in clips)
    _write(out, clips, persons, parts)
    return Conversion(
        path=str(out),
        clips=len(clips),
        frames=sum(clip.frames for clip in clips),
        persons=persons,
        parts={name: (int(part.sum()), int((~part).sum())) for name, part in parts.items()},
        remarks=tuple(remarks),
    )


def outline(path: Path) -> tuple[str, ...]:
    """What a pickle holds, in words.

    Raises:
        InputError: as :func:`convert`.
    """
    document = _check_document(read_pickle(path), path)
    first = _clip(document["annotations"][0], 0, path) if document["annotations"] else None
    told = f", e.g. {first.name}: keypoint {list(first.keypoint.shape)}" if first else ""
    lists = ", ".join(f"{name} ({len(members)})" for name, members in document["split"].items())
    return (f"annotations: {len(document['annotations'])} clips{told}", f"split: {lists or 'no lists'}")


def _check_document(document: Any, path: Path) -> dict[str, Any]:
    kinds = {"split": dict, "annotations": list}
    if not isinstance(document, dict) or any(not isinstance(document.get(key), kind) for key, kind in kinds.items()):
        found = ", ".join(map(str, document)) if isinstance(document, dict) else f"a {type(document).__name__}"
        raise InputError(
            f"{path} is not laid out like pyskl's annotations",
            why=f"expected a dict 'split' and a list 'annotations'; it holds {found[:200] or 'nothing'}",
            mend=CONVERTIBLE,
        )
    return document


def _clip(entry: Any, number: int, path: Path) -> _Clip:
    where = f"{path}: annotation {number}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is a {type(entry).__name__}, not a dict")
    name, label, frames, keypoint = (entry.get(key) for key in ("frame_dir", "label", "total_frames", "keypoint"))
    if not isinstance(name, str) or not name or not name.isprintable():
        raise InputError(f"{where} has no 'frame_dir' that names it")
    if type(label) is not int or not 0 <= label < MAX_CLASSES:
        raise InputError(f"{where} ({name}) has no 'label' that is a class index")
    if not isinstance(keypoint, PickledArray) or keypoint.type is None or keypoint.type.code[0] != "f":
        raise InputError(f"{where} ({name}) has no array of floats 'keypoint'")
    shape = keypoint.shape
    if len(shape) != 4 or shape[0] not in (1, 2) or shape[2:] != (25, 3) or not 1 <= shape[1] <= MAX_FRAMES:
        flat = "two-dimensional key points have no depth; " if shape[3:] == (2,) else ""
        raise InputError(f"{where} ({name}): keypoint has shape {list(shape)}", why=f"{flat}expected {_LAYOUT}")
    if type(frames) is not int or frames != shape[1]:
        raise InputError(f"{where} ({name}) has no 'total_frames' that is its {shape[1]} frames")
    return _Clip(name, label, frames, keypoint)


def _parts(split: Mapping[Any, Any], names: list[str], remarks: list[str]) -> dict[str, NDArray[np.bool_]]:
    """Protocol -> bool [N], its training part, of those protocols whose lists name every clip once."""
    listed: dict[str, dict[str, set[str]]] = {}
    for key, members in split.items():
        match = _SPLIT.fullmatch(key) if isinstance(key, str) else None
        if match is None or not isinstance(members, list) or not all(isinstance(m, str) for m in members):
            raise InputError(f"the split {str(key)[:40]!r} is no list of clips called like xsub_train")
        side = "train" if match["part"] == "train" else "test"
        listed.setdefault(match["protocol"], {}).setdefault(side, set()).update(members)
    parts, present = {}, set(names)
    for protocol, sides in sorted(listed.items()):
        train, test = sides.get("train", set()), sides.get("test", set())
        if train & test:
            raise InputError(f"{len(train & test)} clips are in both parts of {protocol}", why=min(train & test))
        if unlisted := len(present - train - test):
            remarks.append(f"{protocol} is left out: {unlisted} clips are in neither of its parts")
            continue
        if absent := len((train | test) - present):
            remarks.append(f"{protocol} lists {absent} clips that the file does not hold")
        parts[protocol] = np.array([name in train for name in names])
    return parts


def _write(out: Path, clips: list[_Clip], persons: int, parts: Mapping[str, NDArray[np.bool_]]) -> None:
    matches = [NTU_NAME.fullmatch(clip.name) for clip in clips]
    columns: dict[str, NDArray[Any]] = {
        "lengths": np.array([clip.frames for clip in clips]),
        "label": np.array([clip.label for clip in clips]),
        "names": np.array([clip.name for clip in clips]),
        "subject": np.array([int(match["performer"]) if match else -1 for match in matches]),
        "view": np.array([int(match["camera"]) if match else -1 for match in matches]),
        **{f"{PART}{name}": part for name, part in parts.items()},
    }
    total = sum(clip.frames for clip in clips)
    shape = (total, 25, 3) if persons == 1 else (total, persons, 25, 3)
    with replacing(out) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "frames", shape, np.dtype("<f4"), _frames(clips, persons))
        for name, column in columns.items():
            _add(archive, name, column.shape, column.dtype, [column])


def _frames(clips: Iterable[_Clip], persons: int) -> Iterator[NDArray[np.float32]]:
    """The frames of every clip, [T, 25, 3] or [T, persons, 25, 3]; an absent person is all zero."""
    for clip in track(list(clips), "converting"):
        joints = np.zeros((clip.frames, persons, 25, 3), np.float32)
        found = clip.keypoint.read()
        joints[:, : len(found)] = found.transpose(1, 0, 2, 3)
        yield joints[:, 0] if persons == 1 else joints


def _add(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]
) -> None:
    """Add an array to an ``.npz`` file, block by block."""
    member = zipfile.ZipInfo(f"{name}.npy", _DATE)  # a fixed date: equal clips give equal bytes
    with archive.open(member, "w", force_zip64=True) as stream:
        header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(np.ascontiguousarray(block).tobytes())


def render(made: Conversion) -> str:
    """The conversion as text for people, with the command that goes on."""
    parts = [f"  {name}: {train} training clips, {test} test clips" for name, (train, test) in made.parts.items()]
    lines = [made.path, f"  {made.clips} clips, {made.frames} frames, up to {made.persons} persons", *parts]
    lines += [f"  {remark}" for remark in made.remarks]
    return "\n".join([*lines, "next:", f"  zsl-data inspect {quote(made.path)}"])
