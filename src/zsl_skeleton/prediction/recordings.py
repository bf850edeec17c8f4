"""Clips of any kind, prepared as the backbone wants them: arrays of joints, a skeleton set, or recordings on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.arrays.inspection.place import NAME_IT, check_filled, readers_for
from zsl_skeleton.skeletons.importing.clips import ClipMaker, ImportJob, MadeClip
from zsl_skeleton.skeletons.importing.root import base_of
from zsl_skeleton.skeletons.layouts import JOINTS, to_ntu
from zsl_skeleton.skeletons.readers import READERS, Reader, Rejected, open_reader
from zsl_skeleton.skeletons.recipes import ClipRecipe
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

Clips = NDArray[Any] | Sequence[NDArray[Any]] | SkeletonSet | str | os.PathLike[str]
"""What :func:`prepared` takes."""

_LAYOUTS = {len(names): layout for layout, names in JOINTS.items()}
_ANY = 1 << 31
"""Labels of recordings are those of a data set that the model need not know."""
_GENERIC = ("aimclr", "ctr-gcn", "npz", "smie")
"""Readers of arrays, which other people's folders may please, too; asked last."""


@dataclass(frozen=True)
class Preparation:
    """How clips are prepared.

    Args:
        recipe: the preprocessing.
        persons: room for so many.
        bodies: which of the tracked bodies are persons, in formats that list more; None: the format's usual choice.
        copy: whether a copy of the first person stands for a missing second one.
    """

    recipe: ClipRecipe
    persons: int
    bodies: str | None = None
    copy: bool = False

    def __call__(self, joints: NDArray[Any], layout: str) -> NDArray[np.float32]:
        """Joints [M, T, V, 3] in metres -> float32 [3, T', 25, persons]; frames that are all zero are dropped.

        Raises:
            InputError: too many persons, no frame that shows anybody, or a number that is not finite.
        """
        if len(joints) > self.persons:
            raise InputError(f"it shows {len(joints)} persons", why=f"the model was trained on clips of {self.persons}")
        if not np.isfinite(joints).all():
            frame = int(np.argwhere(~np.isfinite(joints))[0][1])
            raise InputError(f"its frame {frame} holds NaN or infinity")
        shown = joints.any(axis=(0, 2, 3))
        if not shown.any():
            raise InputError("all of its coordinates are zero")
        mapped = to_ntu(joints[:, shown].astype(np.float64), layout)
        padded = np.zeros((self.persons, *mapped.shape[1:]))
        padded[: len(mapped)] = mapped
        if self.copy:
            padded[len(mapped) :] = mapped[0]
        return self.recipe(padded)

    def maker(self, reader: str, root: Path) -> ClipMaker:
        """What reads and prepares the recordings of a format, as an import does."""
        options = {"bodies": self.bodies} if self.bodies and open_reader(reader).chooses_bodies else {}
        return ClipMaker(
            ImportJob(
                reader=reader,
                options=options,
                recipe=self.recipe.name,
                classes=_ANY,
                persons=self.persons,
                copy=self.copy,
                base=base_of(root),
            )
        )


@dataclass(frozen=True)
class Prepared:
    """Clips ready for a backbone.

    Args:
        clips: float32 [N, 3, T, 25, M].
        ids: their names.
        lengths: frames as recorded, int64 [N].
        labels: class numbers that the recordings carry, int64 [N]; -1 where there is none.
        reader: format they were read by; None: they came as arrays.
        skipped: recordings that are no clips, and why.
    """

    clips: NDArray[np.float32]
    ids: tuple[str, ...]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    reader: str | None = None
    skipped: tuple[Rejected, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)


def prepared(clips: Clips, how: Preparation, reader: str | None = None) -> Prepared:
    """Prepare clips.

    Args:
        clips: one clip [T, V, 3]; several, padded with zero frames and persons, [N, 3, T, V, M]; a list of [T, V, 3]
            and [M, T, V, 3]; all of them joints in metres, V = 25 in NTU's order or V = 20 in Kinect v1's. Or a
            skeleton set, or a path of recordings.
        how: the model's preparation.
        reader: format of the path; None: found out.

    Raises:
        UsageError: an unknown reader, or clips that are none of these.
        InputError: a clip of an array cannot be used, no recording can, or a skeleton set has another recipe.
    """
    if isinstance(clips, SkeletonSet):
        return _of_set(clips, how)
    if isinstance(clips, str | os.PathLike):
        return _of_path(Path(clips), how, reader)
    if isinstance(clips, np.ndarray) and clips.ndim == 5:
        return _of_arrays((clip.transpose(3, 1, 2, 0) for clip in clips), how)
    if isinstance(clips, np.ndarray) and clips.ndim == 3:
        return _of_arrays([clips], how)
    if isinstance(clips, list | tuple) and all(isinstance(clip, np.ndarray) for clip in clips):
        return _of_arrays(clips, how)
    shape = f"an array {list(clips.shape)}" if isinstance(clips, np.ndarray) else type(clips).__name__
    raise UsageError(
        f"{shape} is no clip",
        why="clips are arrays [T, V, 3] or [N, 3, T, V, M], lists of [T, V, 3] or [M, T, V, 3], skeleton sets or paths",
    )


def _of_arrays(clips: Iterable[NDArray[Any]], how: Preparation) -> Prepared:
    made, lengths = [], []
    for number, clip in enumerate(clips):
        joints = clip[None] if clip.ndim == 3 else clip
        if joints.ndim != 4 or joints.shape[3] != 3 or joints.shape[2] not in _LAYOUTS:
            expected = " or ".join(f"{count} joints ({layout})" for count, layout in _LAYOUTS.items())
            raise InputError(f"clip {number} has shape {list(clip.shape)}", why=f"expected frames of {expected}, xyz")
        there = joints[joints.any(axis=(1, 2, 3))] if joints.shape[0] > how.persons else joints
        try:
            made.append(how(there, _LAYOUTS[joints.shape[2]]))
        except InputError as error:
            raise InputError(f"clip {number} cannot be used: {error.what}", why=error.why) from error
        lengths.append(int(joints.any(axis=(0, 2, 3)).sum()))
    if not made:
        raise InputError("there is no clip to classify")
    return Prepared(np.stack(made), tuple(map(str, range(len(made)))), np.array(lengths), np.full(len(made), -1))


def _of_set(found: SkeletonSet, how: Preparation) -> Prepared:
    version = found.artifact.card.config.get("recipe_version", how.recipe.version)
    if (found.recipe, version) != (how.recipe.name, how.recipe.version):
        raise InputError(
            f"the skeletons {found.artifact.path.name} are prepared by {found.recipe} version {version}",
            why=f"the model reads {how.recipe.name} version {how.recipe.version}",
            mend=f"zsl-data import --dataset {found.dataset} --recipe {how.recipe.name}",
        )
    clips = np.array(found.clips)
    bad = ~np.isfinite(clips).all(axis=(1, 2, 3, 4))
    if bad.any():
        raise InputError(f"the clip {found.ids[int(bad.argmax())]} of {found.artifact.path} is not finite")
    return Prepared(clips, found.ids, found.lengths, found.labels)


def _of_path(root: Path, how: Preparation, name: str | None) -> Prepared:
    if not root.exists():
        raise InputError(f"{root} does not exist", mend="name a folder or file of recordings: --root PATH")
    check_filled(root)
    name, reader = (name, open_reader(name)) if name else _recognised(root)
    if reader.prepared not in (None, how.recipe.name):
        raise InputError(
            f"clips of the format {name} are prepared by {reader.prepared} already",
            why=f"the model reads {how.recipe.name}",
            mend=f"name the recordings themselves, or a model whose backbone reads {reader.prepared}",
        )
    listing, maker = reader.scan(root), how.maker(name, root)
    made, refs, skipped = list[MadeClip](), [], list(listing.rejected)
    for ref in track(listing.clips, f"reading {root.name}", len(listing.clips)):
        try:
            made.append(maker.make(ref if ref.label >= 0 else replace(ref, label=0)))
        except InputError as error:
            reason = f"{error.what} ({error.why})" if error.why else error.what
            reason = reason.replace(f"{base_of(root)}/", "")
            skipped.append(Rejected(ref.id, reason, ref.label, ref.subject, ref.view))
            continue
        refs.append(ref)
    if not made:
        first = f"; the first, {skipped[0].id}: {skipped[0].reason}" if skipped else ""
        raise InputError(
            f"{root} holds no clip that can be classified",
            why=f"read as {name}, {len(skipped)} recordings were rejected{first}",
            mend="name the format: --format NAME",
        )
    labels = np.array([ref.label for ref in refs], dtype=np.int64)
    lengths = np.array([clip.length for clip in made], dtype=np.int64)
    clips = np.stack([clip.joints for clip in made])
    return Prepared(clips, tuple(ref.id for ref in refs), lengths, labels, name, tuple(skipped))


def _recognised(root: Path) -> tuple[str, Reader]:
    """The reader that finds clips below ``root``."""
    for name in sorted(readers_for(root), key=lambda name: (name in _GENERIC, name)):
        reader = open_reader(name)
        with suppress(InputError):  # files of another format with the same ending
            if reader.scan(root).clips:
                return name, reader
    raise InputError(
        f"no reader knows the recordings in {root}",
        why=f"known formats: {', '.join(READERS)}",
        mend=NAME_IT,
    )
