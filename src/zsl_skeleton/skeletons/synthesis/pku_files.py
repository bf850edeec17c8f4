"""Synthetic recordings in the layout of PKU-MMD: untrimmed skeletons, labels of the same names, lists of recordings.

Under PKU-MMD's class names the files have the right form, but what is performed is *not* the named action.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.files import write_text
from zsl_skeleton.skeletons.synthesis.bulk import Written, claim, notice, write_recordings
from zsl_skeleton.skeletons.synthesis.decimals import table_text
from zsl_skeleton.skeletons.synthesis.ntu_files import performed
from zsl_skeleton.skeletons.synthesis.performer import generator
from zsl_skeleton.skeletons.synthesis.plan import spread
from zsl_skeleton.skeletons.synthesis.takes import Take

VERSION = 1
"""Raised whenever the same configuration would give other files."""

PARTS = ("pku-mmd", "pku-mmd-2")
"""Data sets whose layout is known."""

SKELETONS, LABELS = "skeletons", "labels"
"""Folders of the files."""

_CAMERAS = {"L": 1, "M": 2, "R": 3}
_PERFORMERS = 66  # of part I; who performs is not published with it
_DECIMALS = (6,) * 150


class PkuFilesConfig(BaseModel):
    """What is recorded: ``limit`` evenly spread recordings of those that the part's numbering provides for.

    ``actions`` is how many a recording shows about (None: 20 in part I, 7 in part II); ``empty`` the share of labelled
    actions during which the sensor sees nobody at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: PositiveInt | None = None
    actions: PositiveInt | None = Field(default=None, le=51)
    empty: float = Field(default=0.0, ge=0.0, le=1.0)
    seed: NonNegativeInt = 0


class PkuName(NamedTuple):
    """A recording: part I has no subject (0) and numbers 2 to 364, part II subjects 1 to 26 with numbers 1 to 13."""

    subject: int
    number: int
    view: str

    def __str__(self) -> str:
        recording = f"A{self.subject:02}N{self.number:02}" if self.subject else f"{self.number:04}"
        return f"{recording}-{self.view}"

    @property
    def performer(self) -> int:
        """Who performs: the subject; in part I somebody by turns."""
        return self.subject or (self.number - 2) % _PERFORMERS + 1


@dataclass(frozen=True)
class Labelled:
    """An action in a recording: its number, first and last frame, all counted from 1."""

    action: int
    first: int
    last: int


def write_pku_files(
    folder: Path, dataset: Dataset, config: PkuFilesConfig | None = None, jobs: int | None = 1
) -> Written:
    """Write ``skeletons/NAME.txt``, ``labels/NAME.txt`` and the lists of the training recordings into ``folder``.

    The lists name the recordings of this configuration: about five performers of six train in cross-subject, the
    middle and the right camera in cross-view. Otherwise like :func:`.ntu_files.write_ntu_files`.

    Raises:
        UsageError: the data set is neither part of PKU-MMD.
        InputError: the folder holds something else than an earlier part of the same recordings, or the disk is full.
    """
    config = config or PkuFilesConfig()
    if dataset.name not in PARTS:
        why = f"known are {', '.join(PARTS)}"
        raise UsageError(f"{dataset.name!r} has not the layout of PKU-MMD", why=why, mend=f"--dataset {PARTS[0]}")
    names = spread(every_recording(dataset), config.limit)
    claim(folder, _notice(dataset, config))
    written = write_recordings(folder, PkuRecorder(dataset, config), names, jobs)
    for protocol in dataset.protocols.values():
        if protocol.train_list:
            write_text(folder / protocol.train_list, _list(names, protocol.name))
    return written


def every_recording(dataset: Dataset) -> list[PkuName]:
    """The recordings that the numbering of a part provides for (a few of them were never published), ordered."""
    if dataset.name == PARTS[0]:
        return [PkuName(0, number, view) for number, view in itertools.product(range(2, 365), _CAMERAS)]
    return [PkuName(*name) for name in itertools.product(range(1, 27), range(1, 14), _CAMERAS)]


def trains(name: PkuName, protocol: str) -> bool:
    """Whether a recording belongs to the training part of ``xsub`` or ``xview``."""
    return name.performer % 6 != 0 if protocol == "xsub" else name.view != "L"


@dataclass(frozen=True)
class PkuRecorder:
    """Makes the files of a recording."""

    dataset: Dataset
    config: PkuFilesConfig
    least: ClassVar[int] = 4

    def path(self, name: PkuName) -> str:
        """The skeletons, written last."""
        return f"{SKELETONS}/{name}.txt"

    def files(self, name: PkuName) -> Mapping[str, bytes]:
        """Labels and skeletons."""
        joints, labels = self.record(name)
        lines = "".join(f"{label.action},{label.first},{label.last},1\n" for label in labels)
        text = table_text(joints.reshape(len(joints), -1), _DECIMALS)
        return {f"{LABELS}/{name}.txt": lines.encode(), self.path(name): text}

    def record(self, name: PkuName) -> tuple[NDArray[np.float64], list[Labelled]]:
        """Joints [T, 2, 25, 3] of two bodies, zeros where there is none, and the actions in the order of time."""
        random = generator("pku", self.dataset.name, name.subject, name.number, self.config.seed)
        clips = [np.zeros((int(random.integers(10, 40)), 2, 25, 3))]  # nobody has come yet
        labels = []
        for turn, action in enumerate(self._actions(random)):
            clip = self._action(name, int(action), turn)
            if random.random() < self.config.empty:
                clip = np.zeros_like(clip)
            begin = sum(map(len, clips))
            labels.append(Labelled(int(action), begin + 1, begin + len(clip)))
            clips += [clip, np.repeat(clip[-1:], int(random.integers(5, 30)), axis=0)]
        return np.concatenate(clips), labels

    def _actions(self, random: np.random.Generator) -> NDArray[np.int64]:
        usual = self.config.actions or (20 if self.dataset.name == PARTS[0] else 7)
        count = int(np.clip(usual + random.integers(-2, 3), 1, len(self.dataset.classes)))
        return random.permutation(len(self.dataset.classes))[:count] + 1

    def _action(self, name: PkuName, action: int, turn: int) -> NDArray[np.float64]:
        """[T, 2, 25, 3]; the second body is there where the action takes two."""
        composition = performed(self.dataset, action)
        take = Take(composition, name.performer, _CAMERAS[name.view], turn + 1, name.number, self.config.seed)
        shots = take.shoot_persons(self.dataset.classes[action - 1].persons)
        bodies = np.zeros((len(shots[0].joints), 2, 25, 3))
        for body, shot in enumerate(shots):
            bodies[:, body] = shot.joints
        return bodies


def _list(names: Sequence[PkuName], protocol: str) -> str:
    """In the publisher's form, a comma at the end of the names included."""

    def lines() -> Iterator[str]:
        for heading, part in (("Training videos:", True), ("Validation videos:", False)):
            yield heading
            yield ", ".join(str(name) for name in names if trains(name, protocol) is part) + ", "

    return "\n".join(lines()) + "\n"


def _notice(dataset: Dataset, config: PkuFilesConfig) -> str:
    words = "The recordings", "PKU-MMD's files", "labels"
    return notice(words, {"dataset": dataset.name, "version": VERSION}, config)
