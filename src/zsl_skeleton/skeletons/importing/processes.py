"""The processes of an import: they write shards side by side."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.processes import mapped, usual_jobs
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.importing.clips import ClipMaker, ImportJob
from zsl_skeleton.skeletons.importing.shards import CLIPS, covers, write_shard
from zsl_skeleton.skeletons.readers import ClipRef

_FEW = 8  # shards that make up for the start of a process, where nobody asked for more processes
_MARK = "reading-"

Part = tuple[Path, Sequence[ClipRef]]


def make_shards(folder: Path, job: ImportJob, refs: Sequence[ClipRef], jobs: int | None) -> list[Path]:
    """Make all shards that are not there yet, and give their files in order.

    Args:
        folder: where they lie; a killed call goes on from what it left there.
        job: how clips are made.
        refs: the recordings in their order.
        jobs: processes; with one, this process does the work; None = one per core, where there is enough to do.

    Raises:
        InputError: a process died; the message names the recordings that were being read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for mark in folder.glob(f"{_MARK}*"):
        mark.unlink()
    parts = [(folder / f"{i // CLIPS:06d}.safetensors", refs[i : i + CLIPS]) for i in range(0, len(refs), CLIPS)]
    todo = [(path, part) for path, part in parts if not covers(path, part)]
    for _ in track(_written(folder, job, todo, jobs), f"importing, {CLIPS} recordings a step", len(todo)):
        pass
    return [path for path, _ in parts]


def _written(folder: Path, job: ImportJob, todo: Sequence[Part], jobs: int | None) -> Iterator[None]:
    # No more processes than files: a reader keeps the file that it read last, which may be a large one.
    most = min(jobs or usual_jobs(), len({ref.source for _, refs in todo for ref in refs}))
    try:
        yield from mapped(_ShardWriter(folder, job), todo, most, least=1 if jobs else _FEW)
    except InputError as error:
        told = [mark.read_text(encoding="utf-8") for mark in folder.glob(f"{_MARK}*")]
        marks = sorted(filter(None, told))  # one is empty where its process was killed while it wrote
        at = f"it was reading one of {some_of(marks, 2 * most)}; " if marks else ""
        raise InputError(error.what, why=f"{at}{error.why}", mend=error.mend) from error


class _ShardWriter:
    """Writes shards; in every process there is one, and it says on the disk what it reads, lest the process dies."""

    def __init__(self, folder: Path, job: ImportJob) -> None:
        self._folder = folder
        self._job = job

    @functools.cached_property
    def _maker(self) -> ClipMaker:
        return ClipMaker(self._job)

    def __call__(self, part: Part) -> None:
        """Write one shard."""
        path, refs = part
        write_shard(path, self._maker, refs, self._reading)

    def _reading(self, ref: ClipRef) -> None:
        (self._folder / f"{_MARK}{os.getpid()}").write_text(str(ref.source), encoding="utf-8", errors="replace")
