"""A skeleton set: preprocessed clips on disk, memory-mapped, with what is known about each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
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
_COLUMNS = ("labels", "subjects", "views", "lengths")


@dataclass(frozen=True)
class Clip:
    """One preprocessed clip.

    Args:
        id: unique name of the recording.
        label: 0-based class index.
        subject: number of the performer, as the data set counts.
        view: number of the camera, 0 where the data set has only one.
        length: frames before resampling.
        joints: float32 [3, T, V, M]: xyz, frames, NTU's 25 joints, persons (an absent one is all zero).
    """

    id: str
    label: int
    subject: int
    view: int
    length: int
    joints: Floats


@dataclass(frozen=True)
class SkeletonSet:
    """Clips float32 [N, 3, T, V, M] (read-only memory map) and, per clip, label, subject, view, true length and id."""

    clips: Floats
    labels: Integers
    subjects: Integers
    views: Integers
    lengths: Integers
    ids: tuple[str, ...]
    dataset: str
    recipe: str
    artifact: Artifact

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
        counts = {CLIPS: len(clips), NAMES: len(ids), **{name: len(columns[name]) for name in _COLUMNS}}
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
        )


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
        InputError: there is no clip, two clips share an id or differ in shape, or a label is outside 0..C-1.
    """
    rows: list[tuple[int, int, int, int]] = []
    ids: dict[str, None] = {}
    shape: tuple[int, ...] | None = None
    temporary = folder / f".{CLIPS}.tmp"
    with temporary.open("wb") as stream:
        for clip in clips:
            _check(clip, shape, ids, classes)
            if shape is None:
                shape = clip.joints.shape
                _write_header(stream, 0, shape)
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
    write_tensors(folder / SAMPLES, {name: columns[:, i] for i, name in enumerate(_COLUMNS)})
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
