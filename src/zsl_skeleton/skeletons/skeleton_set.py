"""A skeleton set: preprocessed clips on disk, memory-mapped, with what is known about each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors, read_text, write_tensors, write_text

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

CLIPS, SAMPLES, NAMES = "clips.npy", "samples.safetensors", "samples.txt"
PART = "part."
"""Before a protocol's name: the column that says which clips belong to its training part."""
_COLUMNS = ("labels", "subjects", "views", "lengths")


@dataclass(frozen=True)
class Clip:
    """One preprocessed clip.

    Args:
        id: unique name of the recording.
        label: 0-based class index.
        subject: number of the performer, as the data set counts; -1 = unknown.
        view: number of the camera, 0 where the data set has only one; -1 = unknown.
        length: frames before resampling.
        joints: float32 [3, T, V, M]: xyz, frames, NTU's 25 joints, persons (an absent one is all zero).
        parts: protocol -> whether the clip belongs to its training part, where the source itself says so.
    """

    id: str
    label: int
    subject: int
    view: int
    length: int
    joints: Floats
    parts: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class SkeletonSet:
    """Clips float32 [N, 3, T, V, M] (read-only memory map) and, per clip, label, subject, view, true length and id.

    ``parts``: protocol -> bool [N], the training part as the source itself states it; empty where rules suffice.
    """

    clips: Floats
    labels: Integers
    subjects: Integers
    views: Integers
    lengths: Integers
    ids: tuple[str, ...]
    dataset: str
    recipe: str
    artifact: Artifact
    parts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def open(cls, artifact: Artifact) -> SkeletonSet:
        """Open the artifact of stage ``skeletons``.

        Raises:
            InputError: it is of another stage, or its files do not agree on the number of clips.
        """
        if artifact.card.stage != "skeletons":
            raise InputError(f"{artifact.path} holds {artifact.card.stage}, not skeletons")
        try:
            clips = np.load(artifact.path / CLIPS, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{artifact.path / CLIPS} cannot be read", why=str(error)) from error
        columns = read_tensors(artifact.path / SAMPLES)
        ids = tuple(read_text(artifact.path / NAMES).splitlines())
        parts = parts_in(columns)
        sizes = {name: len(column) for name, column in [*columns.items(), *parts.items()]}
        counts = {CLIPS: len(clips), NAMES: len(ids), **sizes}
        if len(set(counts.values())) > 1 or clips.ndim != 5:
            raise InputError(
                f"the skeleton set {artifact.path} contradicts itself",
                why=f"clips have shape {list(clips.shape)}, counts are {counts}",
                mend=f"delete the folder and run again: {artifact.card.made.command}",
            )
        config = artifact.card.config
        return cls(
            clips=clips,
            labels=columns["labels"],
            subjects=columns["subjects"],
            views=columns["views"],
            lengths=columns["lengths"],
            ids=ids,
            dataset=config["dataset"],
            recipe=config["recipe"],
            artifact=artifact,
            parts=parts,
        )


def parts_in(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.bool_]]:
    """Take the columns ``part.<protocol>`` out of ``columns``: protocol -> bool [N]."""
    names = sorted(name for name in columns if name.startswith(PART))
    return {name.removeprefix(PART): columns.pop(name).astype(np.bool_) for name in names}


def part_columns(parts: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """The same training parts under the names of their columns."""
    return {f"{PART}{name}": part for name, part in parts.items()}


def write_skeleton_set(folder: Path, clips: Iterable[Clip], classes: int) -> dict[str, Any]:
    """Write a stream of equally shaped clips, one in memory at a time, and summarise it for the card.

    Safe to repeat: everything is written under temporary names first, and equal streams give equal bytes.

    Args:
        folder: where ``clips.npy``, ``samples.safetensors`` and ``samples.txt`` go.
        clips: the clips in their final order.
        classes: number C of classes of the data set.

    Returns:
        ``clips``, ``classes``, ``per_class`` (C counts), ``per_subject`` and ``persons``.

    Raises:
        InputError: there is no clip, two clips share an id or differ in shape or in the protocols of their ``parts``,
            or a label is outside 0..C-1.
    """
    rows: list[tuple[int, int, int, int]] = []
    parts: dict[str, list[bool]] = {}
    ids: dict[str, None] = {}
    shape: tuple[int, ...] | None = None
    temporary = folder / f".{CLIPS}.tmp"
    with temporary.open("wb") as stream:
        for clip in clips:
            _check(clip, shape, ids, classes)
            if shape is None:
                shape, parts = clip.joints.shape, {name: [] for name in clip.parts}
                _write_header(stream, 0, shape)
            if clip.parts.keys() != parts.keys():
                raise InputError(
                    f"the clip {clip.id} names the parts of protocols {sorted(clip.parts)}",
                    why=f"the clips before it name {sorted(parts)}",
                )
            for name, part in clip.parts.items():
                parts[name].append(part)
            stream.write(np.ascontiguousarray(clip.joints, dtype="<f4").tobytes())
            rows.append((clip.label, clip.subject, clip.view, clip.length))
            ids[clip.id] = None
        if shape is None:
            raise InputError("there is no clip to write", why="every recording was skipped or none was found")
        # numpy pads the header so that the first axis can grow in place: the count is not known before the end.
        stream.seek(0)
        _write_header(stream, len(rows), shape)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / CLIPS)
    columns = np.array(rows, dtype=np.int64)
    stated = part_columns({name: np.array(part, dtype=np.bool_) for name, part in parts.items()})
    write_tensors(folder / SAMPLES, {**{name: columns[:, i] for i, name in enumerate(_COLUMNS)}, **stated})
    write_text(folder / NAMES, "".join(f"{name}\n" for name in ids))
    subjects, counts = np.unique(columns[:, 1], return_counts=True)
    return {
        "clips": len(rows),
        "classes": classes,
        "per_class": np.bincount(columns[:, 0], minlength=classes).tolist(),
        "per_subject": {str(subject): int(count) for subject, count in zip(subjects, counts, strict=True)},
        "persons": shape[3],
    }


def _check(clip: Clip, shape: tuple[int, ...] | None, ids: Iterable[str], classes: int) -> None:
    if clip.id in ids or not clip.id or "\n" in clip.id:
        raise InputError(f"the clip id {clip.id!r} is empty or occurs twice", mend="give every recording its own name")
    if not 0 <= clip.label < classes:
        raise InputError(f"the clip {clip.id} has label {clip.label}", why=f"labels must lie in 0..{classes - 1}")
    if shape is not None and clip.joints.shape != shape:
        raise InputError(f"the clip {clip.id} has shape {clip.joints.shape}", why=f"the clips before it have {shape}")


def _write_header(stream: Any, count: int, shape: tuple[int, ...]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, *shape)}
    npy.write_array_header_1_0(stream, header)
