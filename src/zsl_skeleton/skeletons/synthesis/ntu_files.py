"""Synthetic recordings as NTU ``.skeleton`` files, so that everything for NTU can be tried at any scale.

Each action number is assigned a demo movement. Under NTU's class names the files therefore have the right form and
counts, but the wrong content: what is performed is *not* the named action.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import canonical_json, read_text, sha256_text, write_text
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS, Composition
from zsl_skeleton.skeletons.synthesis.ntu_text import TrackedBody, skeleton_text
from zsl_skeleton.skeletons.synthesis.performer import generator
from zsl_skeleton.skeletons.synthesis.takes import Camera, Take

VERSION = 1
"""Raised whenever the same configuration would give other files."""

NOTICE = "SYNTHETIC.txt"
_TEMPOS = ("slow", "steady", "quick")
_STRANGER = 500  # the other person of an action is a performer of another number
_APART = 0.9  # metres between two people

Count = Annotated[int, Field(ge=1, le=999)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class NtuFilesConfig(BaseModel):
    """What is recorded: every combination of set-ups, cameras, performers, replications and actions.

    Set-ups, performers and replications are counts; they are numbered from 1. ``actions`` are action numbers, None for
    all classes of the data set. ``false_bodies`` is the share of files in which the sensor takes something lifeless for
    a person for a while; ``order_changes`` the share of files with several bodies whose order changes on the way.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    setups: Count = 1
    cameras: tuple[Camera, ...] = Field(default=(1, 2, 3), min_length=1)
    performers: Count = 2
    replications: Count = 2
    actions: tuple[Count, ...] | None = Field(default=None, min_length=1)
    false_bodies: Share = 0.1
    order_changes: Share = 0.1
    seed: NonNegativeInt = 0


def write_ntu_files(folder: Path, dataset: Dataset, config: NtuFilesConfig | None = None) -> int:
    """Write ``SsssCcccPpppRrrrAaaa.skeleton`` files into ``folder``, one in memory at a time.

    The folder is marked by ``SYNTHETIC.txt``. A call that was interrupted goes on where it stopped.

    Returns:
        Number of files of the configuration, those that were there already included.

    Raises:
        UsageError: an action number is none of the data set's.
        InputError: the folder holds something else than an earlier part of the same recordings.
    """
    config = config or NtuFilesConfig()
    actions = config.actions or tuple(range(1, len(dataset.classes) + 1))
    if max(actions) > len(dataset.classes):
        why = f"{dataset.name} has actions 1 to {len(dataset.classes)}"
        raise UsageError(f"there is no action {max(actions)}", why=why, mend="name other actions")
    _claim(folder, _notice(dataset, config))
    counts = (range(1, count + 1) for count in (config.setups, config.performers, config.replications))
    setups, performers, replications = counts
    names = list(itertools.product(setups, config.cameras, performers, replications, actions))
    for name in track(names, "write .skeleton files", len(names)):
        setup, camera, performer, replication, action = name
        path = folder / f"S{setup:03}C{camera:03}P{performer:03}R{replication:03}A{action:03}.skeleton"
        if not path.exists():
            take = Take(performed(dataset, action), performer, camera, replication, setup, config.seed)
            write_text(path, _file(take, dataset.classes[action - 1].persons, config))
    return len(names)


def performed(dataset: Dataset, action: int) -> Composition:
    """The composition that is performed under an action number (1-based).

    A demo class is performed as itself. Other class names get the compositions in turn; from the 51st action on the
    same ones come again at another tempo.
    """
    own = {composition.name: composition for composition in COMPOSITIONS}
    name = dataset.classes[action - 1].name
    if name in own:
        return own[name]
    again, index = divmod(action - 1, len(COMPOSITIONS))
    base = COMPOSITIONS[index]
    tempo = _TEMPOS[(_TEMPOS.index(base.tempo) + again) % len(_TEMPOS)]
    return replace(base, name=f"{name} ({base.name}, {tempo})", tempo=tempo)


def _notice(dataset: Dataset, config: NtuFilesConfig) -> str:
    settings = canonical_json({"dataset": dataset.name, "version": VERSION, **config.model_dump(mode="json")})
    return (
        "The .skeleton files in this folder are SYNTHETIC: made by zsl-data synthesize, recorded by no sensor.\n"
        "They have the form of NTU RGB+D files. Whatever their action numbers stand for, the movements are made up;\n"
        "accuracies measured on them say nothing about real recordings.\n"
        f"{settings}\n"
    )


def _claim(folder: Path, notice: str) -> None:
    """Mark the folder as ours, unless it holds anything else."""
    mark = folder / NOTICE
    if mark.is_file():
        if read_text(mark) != notice:
            raise InputError(
                f"{folder} holds other synthetic recordings",
                why=f"its {NOTICE} names another configuration",
                mend="name an empty folder, or delete this one first",
            )
        return
    # Hidden files do not count: a killed first write leaves one.
    if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        raise InputError(
            f"{folder} is not an empty folder",
            why="synthetic recordings are never mixed with anything else",
            mend="name a new or empty folder",
        )
    write_text(mark, notice)


def _file(take: Take, persons: int, config: NtuFilesConfig) -> str:
    random = generator("file", take.composition.name, take.setup, take.subject, take.camera, take.repetition, take.seed)
    bodies = list(_bodies(take, persons, random, config.false_bodies))
    frames = len(bodies[0].joints)
    swapped = np.zeros(frames, dtype=np.bool_)
    if len(bodies) > 1 and random.random() < config.order_changes:
        swapped[random.integers(frames) :] = True
    return skeleton_text(bodies, swapped)


def _bodies(take: Take, persons: int, random: np.random.Generator, false_bodies: float) -> Iterator[TrackedBody]:
    """The person, with two-person actions another one beside, now and then something that is no person."""
    actor = take.shoot()
    frames, beside = len(actor.joints), np.array([_APART / 2.0, 0.0, 0.0])
    everywhere = np.ones(frames, dtype=np.bool_)
    joints = actor.joints - beside if persons == 2 else actor.joints
    yield TrackedBody(_body_id(take, 0), joints, actor.guessed, everywhere)
    if persons == 2:
        other = replace(take, subject=take.subject + _STRANGER).shoot()
        rows = np.minimum(np.arange(frames), len(other.joints) - 1)  # whoever is done first stands still
        yield TrackedBody(_body_id(take, 1), other.joints[rows] + beside, other.guessed[rows], everywhere)
    if random.random() < false_bodies:
        thing = np.array([random.uniform(-1.2, 1.2), -0.3, random.uniform(3.0, 4.2)])
        thing = thing + random.normal(0.0, (0.35, 0.12, 0.1), (25, 3))
        present = np.zeros(frames, dtype=np.bool_)
        start = int(random.integers(frames))
        present[start : start + int(random.integers(6, frames))] = True
        shaken = thing + random.normal(0.0, 0.01, (frames, 25, 3))
        yield TrackedBody(_body_id(take, 2), shaken, np.ones((frames, 25), dtype=np.bool_), present)


def _body_id(take: Take, index: int) -> str:
    """17 digits, as long as the ids a Kinect v2 gives."""
    key = [take.composition.name, take.setup, take.camera, take.subject, take.repetition, take.seed]
    return str(72057594037900000 + int(sha256_text(canonical_json(key))[:8], 16) % 10000 * 10 + index)
