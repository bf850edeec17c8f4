"""Synthetic recordings as NTU ``.skeleton`` files, so that everything for NTU can be tried at any scale.

Each action number is assigned a demo movement. Under NTU's class names the files therefore have the right form and
counts, but the wrong content: what is performed is *not* the named action.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.skeletons.synthesis.bulk import NOTICE, Written, claim, notice, write_recordings
from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS, Composition
from zsl_skeleton.skeletons.synthesis.ntu_text import TrackedBody, skeleton_text
from zsl_skeleton.skeletons.synthesis.performer import generator
from zsl_skeleton.skeletons.synthesis.plan import RecordingName, published, spread
from zsl_skeleton.skeletons.synthesis.takes import Camera, Take

__all__ = ["NOTICE", "VERSION", "NtuFilesConfig", "performed", "recording_names", "write_ntu_files"]

VERSION = 2
"""Raised whenever the same configuration would give other files."""

_TEMPOS = ("slow", "steady", "quick")

Count = Annotated[int, Field(ge=1, le=999)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class NtuFilesConfig(BaseModel):
    """What is recorded.

    ``plan``: every combination of set-ups, cameras, performers, replications and actions, or as many recordings as the
    data set published (see :func:`.plan.published`; the five numbers then do not count). ``limit``: an evenly spread
    subset of so many. Set-ups, performers and replications are counts; they are numbered from 1. ``actions`` are action
    numbers, None for all classes of the data set. ``false_bodies`` is the share of files in which the sensor takes
    something lifeless for a person for a while; ``order_changes`` the share of files with several bodies whose order
    changes on the way.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: Literal["combinations", "published"] = "combinations"
    limit: PositiveInt | None = None
    setups: Count = 1
    cameras: tuple[Camera, ...] = Field(default=(1, 2, 3), min_length=1)
    performers: Count = 2
    replications: Count = 2
    actions: tuple[Count, ...] | None = Field(default=None, min_length=1)
    false_bodies: Share = 0.1
    order_changes: Share = 0.1
    seed: NonNegativeInt = 0


def write_ntu_files(
    folder: Path, dataset: Dataset, config: NtuFilesConfig | None = None, jobs: int | None = 1
) -> Written:
    """Write ``SsssCcccPpppRrrrAaaa.skeleton`` files into ``folder``, one per process in memory at a time.

    The folder is marked by ``SYNTHETIC.txt``. A call that was interrupted goes on where it stopped, and one with a
    higher limit adds to what is there.

    Args:
        folder: a new or empty folder, or one with an earlier part of the same recordings.
        dataset: whose class names and numbers of persons.
        config: what is recorded.
        jobs: processes; None = one per core.

    Raises:
        UsageError: an action number is none of the data set's, or nobody knows what it published.
        InputError: the folder holds something else than an earlier part of the same recordings, or the disk is full.
    """
    config = config or NtuFilesConfig()
    names = recording_names(dataset, config)
    claim(folder, _notice(dataset, config))
    return write_recordings(folder, _NtuRecorder(dataset, config), names, jobs)


def recording_names(dataset: Dataset, config: NtuFilesConfig) -> list[RecordingName]:
    """The recordings of a configuration, in a fixed order.

    Raises:
        UsageError: an action number is none of the data set's, or nobody knows what it published.
    """
    if config.plan == "published":
        return spread(published(dataset), config.limit)
    actions = config.actions or tuple(range(1, len(dataset.classes) + 1))
    if max(actions) > len(dataset.classes):
        why = f"{dataset.name} has actions 1 to {len(dataset.classes)}"
        raise UsageError(f"there is no action {max(actions)}", why=why, mend="name other actions")
    counts = (range(1, count + 1) for count in (config.setups, config.performers, config.replications))
    setups, performers, replications = counts
    combinations = itertools.product(setups, config.cameras, performers, replications, actions)
    return spread(list(map(RecordingName._make, combinations)), config.limit)


@dataclass(frozen=True)
class _NtuRecorder:
    """Makes the file of a recording."""

    dataset: Dataset
    config: NtuFilesConfig
    least: ClassVar[int] = 32

    def path(self, name: RecordingName) -> str:
        return f"{name}.skeleton"

    def files(self, name: RecordingName) -> Mapping[str, bytes]:
        composition = performed(self.dataset, name.action)
        take = Take(composition, name.performer, name.camera, name.replication, name.setup, self.config.seed)
        return {self.path(name): _file(take, self.dataset.classes[name.action - 1].persons, self.config)}


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
    words = "The .skeleton files", "NTU RGB+D files", "action numbers"
    return notice(words, {"dataset": dataset.name, "version": VERSION}, config)


def _file(take: Take, persons: int, config: NtuFilesConfig) -> bytes:
    random = generator("file", take.composition.name, take.setup, take.subject, take.camera, take.repetition, take.seed)
    bodies = list(_bodies(take, persons, random, config.false_bodies))
    frames = len(bodies[0].joints)
    swapped = np.zeros(frames, dtype=np.bool_)
    if len(bodies) > 1 and random.random() < config.order_changes:
        swapped[random.integers(frames) :] = True
    return skeleton_text(bodies, swapped)


def _bodies(take: Take, persons: int, random: np.random.Generator, false_bodies: float) -> Iterator[TrackedBody]:
    """The person, with two-person actions another one beside, now and then something that is no person."""
    shots = take.shoot_persons(persons)
    frames = len(shots[0].joints)
    everywhere = np.ones(frames, dtype=np.bool_)
    for index, shot in enumerate(shots):
        yield TrackedBody(_body_id(take, index), shot.joints, shot.guessed, everywhere)
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
