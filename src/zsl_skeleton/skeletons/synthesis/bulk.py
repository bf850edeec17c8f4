"""Many synthetic files in a folder that says so: claimed, measured beforehand, written side by side, resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, read_text, write_bytes, write_text
from zsl_skeleton.processes import mapped, usual_jobs
from zsl_skeleton.progress import say, track
from zsl_skeleton.skeletons.synthesis.plan import spread

NOTICE = "SYNTHETIC.txt"
_SAMPLE, _SECONDS = 64, 0.5  # recordings whose size is measured before the others are made, and for how long
_FEW = 32  # recordings whose size nobody needs to be told
_AT_ONCE = 4  # recordings that a process is given at a time
_BLOCK = 4096  # bytes that the disk gives out at once
_MIB, _GIB = 2.0**20, 2.0**30


class Recorder(Protocol):
    """What makes the files of a recording. It is handed to other processes."""

    least: ClassVar[int]
    """Recordings that make up for the start of a process."""

    def path(self, name: Any) -> str:
        """The file, relative to the folder, whose existence shows that the recording is finished."""
        ...

    def files(self, name: Any) -> Mapping[str, bytes]:
        """All files of the recording, relative to the folder; that of :meth:`path` comes last."""
        ...


@dataclass(frozen=True)
class Written:
    """What a call did.

    Args:
        recordings: how many the configuration has, those that were there already included.
        made: how many of them this call made.
        bytes: their size.
        seconds: how long that took.
    """

    recordings: int
    made: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        speed = f", {self.made / self.seconds:.0f} a second ({self.bytes / _MIB / self.seconds:.0f} MiB/s)"
        new = f"; {self.made} of them made now, {_size(self.bytes)} in {self.seconds:.0f} s{speed if self.made else ''}"
        return f"{self.recordings} synthetic recordings{new}"


def write_recordings(folder: Path, recorder: Recorder, names: Sequence[Any], jobs: int | None = None) -> Written:
    """Write what is not there yet into a folder that :func:`claim` gave; the space needed is said beforehand.

    Args:
        folder: where the files go.
        recorder: what makes them.
        names: the recordings.
        jobs: processes; None = one per core.

    Raises:
        InputError: the disk is too small.
    """
    missing = [name for name in names if not (folder / recorder.path(name)).exists()]
    if len(missing) > _FEW:
        _check_space(folder, recorder, missing)
    start = time.perf_counter()
    most = jobs or usual_jobs()
    sizes = mapped(_Write(folder, recorder), missing, most, least=recorder.least, at_once=_AT_ONCE)
    total = sum(track(sizes, "write recordings", len(missing)))
    return Written(len(names), len(missing), total, time.perf_counter() - start)


def notice(words: tuple[str, str, str], about: Mapping[str, Any], config: BaseModel) -> str:
    """What marks a folder: what its files are not, and the settings that made them.

    Args:
        words: what lies there, whose form it has, and what its labels are called.
        about: what the settings belong to.
        config: the settings. The limit is no part: recordings of one limit are recordings of a higher one.
    """
    things, form, labels = words
    settings = canonical_json({**about, **config.model_dump(mode="json", exclude={"limit"})})
    return (
        f"{things} in this folder are SYNTHETIC: made by zsl-data synthesize, recorded by no sensor.\n"
        f"They have the form of {form}. Whatever their {labels} stand for, the movements are made up;\n"
        "accuracies measured on them say nothing about real recordings.\n"
        f"{settings}\n"
    )


def claim(folder: Path, notice: str) -> None:
    """Mark a folder as ours, unless it holds anything else.

    Args:
        folder: a new or empty one, or one that was claimed with the same notice.
        notice: what is in it and how it was made; the content of its ``SYNTHETIC.txt``.

    Raises:
        InputError: it holds something else.
    """
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


@dataclass(frozen=True)
class _Write:
    folder: Path
    recorder: Recorder

    def __call__(self, name: Any) -> int:
        files = self.recorder.files(name)
        for path, content in files.items():
            write_bytes(self.folder / path, content)
        return sum(map(len, files.values()))


def _check_space(folder: Path, recorder: Recorder, missing: Sequence[Any]) -> None:
    start, sizes = time.perf_counter(), []
    for name in spread(missing, _SAMPLE):
        sizes.append(sum(-(-len(content) // _BLOCK) * _BLOCK for content in recorder.files(name).values()))
        if time.perf_counter() - start > _SECONDS:
            break
    needed, free = sum(sizes) * len(missing) // len(sizes), shutil.disk_usage(folder).free
    say(f"{len(missing)} recordings need about {_size(needed)}; {_size(free)} are free at {folder}")
    if needed > free:
        fewer = int(0.9 * len(missing) * free / needed)
        raise InputError(
            f"{folder} has too little space for {len(missing)} recordings",
            why=f"they need about {_size(needed)}, {_size(free)} are free",
            mend="free disk space or name another folder" + (f", or write fewer: --limit {fewer}" if fewer else ""),
        )


def _size(count: float) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / _MIB:.1f} MiB"
