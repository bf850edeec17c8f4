"""Clips of an import in shards, files that survive a kill. Imported by every reading process, so it stays light.

Which recordings a shard covers depends on their order only, never on the number of processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, map_tensors, write_tensors
from zsl_skeleton.skeletons.importing.clips import ClipMaker
from zsl_skeleton.skeletons.readers import ClipRef, Rejected

CLIPS = 128
"""Recordings of a shard: a second of work, a few megabytes."""


@dataclass
class Remarks:
    """What an import found out beside the clips."""

    skipped: list[Rejected] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    far: list[str] = field(default_factory=list)
    made_up: set[str] = field(default_factory=set)

    def add(self, other: Remarks) -> None:
        """Take over what another part found."""
        self.skipped += other.skipped
        self.dropped |= other.dropped
        self.far += other.far
        self.made_up |= other.made_up


@dataclass(frozen=True)
class Shard:
    """The usable clips of consecutive recordings.

    Args:
        rows: int64 [n], which of the recordings.
        lengths: int64 [n], frames before resampling.
        joints: float32 [n, 3, T', 25, M].
        covered: number of all the recordings.
        remarks: about them.
    """

    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    joints: NDArray[np.float32]
    covered: int
    remarks: Remarks


def write_shard(
    path: Path, maker: ClipMaker, refs: Sequence[ClipRef], starting: Callable[[ClipRef], None] = lambda ref: None
) -> None:
    """Make clips and write them as one safetensors file; recordings that are no clip are named in its remarks.

    Args:
        path: of the file.
        maker: makes the clips.
        refs: the recordings.
        starting: is told which of them is read next.
    """
    remarks = Remarks()
    rows, lengths, clips = [], [], []
    for row, ref in enumerate(refs):
        starting(ref)
        try:
            clip = maker.make(ref)
        except InputError as error:
            remarks.skipped.append(rejected(ref, error, maker.job.base))
            continue
        rows.append(row)
        lengths.append(clip.length)
        clips.append(clip.joints)
        remarks.made_up.update(clip.made_up)
        remarks.dropped |= {ref.id: clip.dropped} if clip.dropped else {}
        remarks.far += [ref.id] if clip.far else []
    told = {**asdict(remarks), "made_up": sorted(remarks.made_up), "ids": [ref.id for ref in refs]}
    tensors: dict[str, NDArray[Any]] = {
        "rows": np.array(rows, dtype=np.int64),
        "lengths": np.array(lengths, dtype=np.int64),
        "joints": np.stack(clips) if clips else np.zeros(0, np.float32),
        "told": np.frombuffer(canonical_json(told).encode(), np.uint8),
    }
    write_tensors(path, tensors)


def rejected(ref: ClipRef, error: InputError, base: Path) -> Rejected:
    """The recording and why it is no clip, in words that do not tell where the recordings lie."""
    reason = f"{error.what} ({error.why})" if error.why else error.what
    return Rejected(ref.id, reason.replace(f"{base}/", ""), ref.label, ref.subject, ref.view)


def read_shard(path: Path) -> Shard:
    """Open a shard; its clips are read when they are used.

    Raises:
        InputError: the file is damaged.
    """
    tensors = map_tensors(path)
    told = json.loads(tensors["told"].tobytes())
    remarks = Remarks([Rejected(**e) for e in told["skipped"]], told["dropped"], told["far"], set(told["made_up"]))
    return Shard(tensors["rows"], tensors["lengths"], tensors["joints"], len(told["ids"]), remarks)


def covers(path: Path, refs: Sequence[ClipRef]) -> bool:
    """Whether there is a shard of just these recordings: another version may have listed them in another order."""
    if not path.is_file():
        return False
    try:
        told = json.loads(map_tensors(path)["told"].tobytes())
        return list(told["ids"]) == [ref.id for ref in refs]
    except (InputError, KeyError, ValueError):
        return False
