"""From recordings as published to a skeleton set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_file, sha256_text
from zsl_skeleton.progress import say, track
from zsl_skeleton.skeletons.layouts import MADE_UP, to_ntu
from zsl_skeleton.skeletons.readers import READERS, ClipRef, Listing, RawClip, Reader, Rejected, open_reader
from zsl_skeleton.skeletons.readers.base import recording_files
from zsl_skeleton.skeletons.recipes import ClipRecipe, find_recipe
from zsl_skeleton.skeletons.skeleton_set import Clip, write_skeleton_set

FAR = 20.0
"""Metres; a Kinect sees a quarter of that. Coordinates beyond are kept, but warned of: the unit may be wrong."""


def import_recordings(store: Store, dataset: Dataset, root: Path, recipe: str) -> Artifact:
    """Read, map to NTU's joints and preprocess all recordings of a data set below ``root``.

    The artifact's identity covers the content of every file, so an edited file makes a new artifact. What is no clip
    (unreadable, empty, all zero, not finite, labelled out of range) is skipped and listed with its reason in
    ``card.summary["skipped"]``; all-zero frames inside a clip are dropped and counted in ``["dropped_frames"]``.

    Args:
        store: where the artifact goes, stage ``skeletons``.
        dataset: what the labels mean and which reader the recordings need.
        root: folder of the recordings, at any depth.
        recipe: name of a preprocessing recipe.

    Raises:
        UsageError: the recipe or the reader is unknown.
        InputError: the root is missing, empty or holds another data set; two clips have the same name; no clip is left.
    """
    chosen = find_recipe(recipe)
    reader = _reader(dataset)
    _check_root(dataset, reader, root)
    config = {
        "dataset": dataset.name,
        "recipe": chosen.name,
        "recipe_version": chosen.version,
        "reader": dataset.reader,
        "source": fingerprint(root, reader.suffix),
        "classes": len(dataset.classes),
        "persons": dataset.persons,
    }
    plan = Recipe(
        stage="skeletons",
        name=f"{dataset.name}-{chosen.name}",
        what=f"{dataset.title} recordings, {chosen.what}",
        config=config,
        synthetic=dataset.synthetic,
    )
    return store.make(plan, lambda folder: _build(folder, _Import(dataset, reader, root, chosen)))


def fingerprint(root: Path, suffix: str) -> str:
    """Hex SHA-256 over the relative names and contents of all recordings, independent of where the root lies."""
    base, files = _base(root), recording_files(root, suffix)
    entries = [[p.relative_to(base).as_posix(), _digest(p)] for p in track(files, "checking files", len(files))]
    return sha256_text(canonical_json(entries))


def _base(root: Path) -> Path:
    return root.parent if root.is_file() else root


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        return f"unreadable: {error.strerror}"  # the reader will meet it too, and list it


@dataclass
class _Import:
    """One import under way, and what it found out."""

    dataset: Dataset
    reader: Reader
    root: Path
    recipe: ClipRecipe
    skipped: list[Rejected] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    far: list[str] = field(default_factory=list)
    made_up: set[str] = field(default_factory=set)

    def clips(self, listing: Listing) -> Iterator[Clip]:
        """Preprocess the clips of a listing; those that cannot be used go to ``skipped``."""
        self.skipped += [replace(entry, reason=self._here(entry.reason)) for entry in listing.rejected]
        kept = 0
        for ref in track(listing.clips, f"importing {self.dataset.name}", len(listing.clips)):
            try:
                clip = self._clip(ref)
            except InputError as error:
                reason = f"{error.what} ({error.why})" if error.why else error.what
                self.skipped.append(Rejected(ref.id, self._here(reason), ref.label, ref.subject, ref.view))
                continue
            kept += 1
            yield clip
        if not kept:
            first = f"; the first, {self.skipped[0].id}: {self.skipped[0].reason}" if self.skipped else ""
            raise InputError(
                f"{self.root} holds no usable clip of {self.dataset.title}",
                why=f"{len(self.skipped)} recordings were rejected{first}",
                mend=f"zsl-data import --dataset {self.dataset.name} --root DIR",
            )

    def _clip(self, ref: ClipRef) -> Clip:
        classes, persons = len(self.dataset.classes), self.dataset.persons
        if not 0 <= ref.label < classes:
            raise InputError(f"label {ref.label} is out of range", why=f"labels lie in 0..{classes - 1}")
        raw = self.reader.read(ref)
        if len(raw.joints) > persons:
            raise InputError(f"it shows {len(raw.joints)} persons", why=f"the catalog allows {persons}")
        joints = self._mapped(ref, raw)
        padded = np.zeros((persons, *joints.shape[1:]))
        padded[: len(joints)] = joints
        return Clip(ref.id, ref.label, ref.subject, ref.view, joints.shape[1], self.recipe(padded))

    def _mapped(self, ref: ClipRef, raw: RawClip) -> Any:
        shown = raw.joints.any(axis=(0, 2, 3))
        if not shown.all():
            self.dropped[ref.id] = int((~shown).sum())
        if np.abs(raw.joints).max() > FAR:
            self.far.append(ref.id)
        self.made_up.update(MADE_UP[raw.layout])
        return to_ntu(raw.joints[:, shown], raw.layout)

    def _here(self, reason: str) -> str:
        """The reason with paths relative to the root: cards must not depend on where the recordings lie."""
        return reason.replace(f"{_base(self.root)}/", "")


def _build(folder: Path, job: _Import) -> Mapping[str, Any]:
    listing = job.reader.scan(job.root)
    summary = write_skeleton_set(folder, job.clips(listing), len(job.dataset.classes))
    if job.skipped:
        say(f"{len(job.skipped)} recordings were skipped; zsl-data inspect names them and the reasons")
    if job.far:
        say(f"warning: {len(job.far)} clips reach beyond {FAR:g} m, e.g. {job.far[0]}: are the units metres?")
    return {
        **summary,
        "skipped": [asdict(entry) for entry in job.skipped],
        "dropped_frames": job.dropped,
        "far": job.far,
        "made_up_joints": sorted(job.made_up),
    }


def _reader(dataset: Dataset) -> Reader:
    if dataset.reader is None:
        raise InputError(
            f"{dataset.title} cannot be imported",
            why="its catalog file names no reader",
            mend="zsl-data synthesize"
            if dataset.synthetic
            else f"add 'reader: npz' to a catalog file ({dataset.name})",
        )
    return open_reader(dataset.reader)


def _check_root(dataset: Dataset, reader: Reader, root: Path) -> None:
    """Refuse a root that is missing, empty, or not of this data set."""
    command = f"zsl-data import --dataset {dataset.name} --root DIR"
    expected = f"expected {reader.suffix} files such as {reader.example}"
    if not root.exists():
        raise InputError(f"the folder {root} does not exist", why=expected, mend=command)
    if recording_files(root, reader.suffix) and (dataset.reader == "npz" or reader.scan(root).clips):
        return
    found = sorted(p for p in (root.rglob("*") if root.is_dir() else [root]) if p.is_file())
    if not found:
        raise InputError(f"the folder {root} is empty", why=expected, mend=command)
    other = _recognise(root)
    raise InputError(
        f"{root} holds no recordings of {dataset.title}",
        why=f"{expected}; found {len(found)} files such as {found[0].name}",
        mend=f"zsl-data import --dataset {other} --root {root}" if other else command,
    )


def _recognise(root: Path) -> str | None:
    """The data set whose reader finds clips below ``root``."""
    readers = {name: open_reader(name) for name in READERS if name != "npz"}
    return next((name for name, reader in readers.items() if reader.scan(root).clips), None)
