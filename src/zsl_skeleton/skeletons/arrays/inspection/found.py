"""What was found out about a path, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.skeletons.arrays.features.counts import PartCount
from zsl_skeleton.skeletons.arrays.inspection.capabilities import Capability
from zsl_skeleton.skeletons.arrays.stored import StoredArray


class ArrayLine(BaseModel):
    """An array: its name, shape and type, and what it holds (empty: the layout does not know it)."""

    model_config = ConfigDict(frozen=True)

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str


class PathInspection(BaseModel):
    """What a path holds.

    ``kind`` is ``features``, ``clips`` or ``pickle``; ``layout`` a reader or a layout of features; ``problem`` says why
    it cannot be imported as it is; ``command`` imports or converts it.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    kind: str
    layout: str
    what: str
    arrays: tuple[ArrayLine, ...] = ()
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    counts: tuple[PartCount, ...] = ()
    remarks: tuple[str, ...] = ()
    methods: tuple[Capability, ...] = ()
    problem: str = ""
    command: str = ""


def array_lines(arrays: Mapping[str, StoredArray], meanings: Mapping[str, str]) -> tuple[ArrayLine, ...]:
    """A line per array; ``part.xsub`` means what ``part.<protocol>`` means."""
    return tuple(
        ArrayLine(
            name=name,
            shape=array.shape,
            dtype=str(array.dtype),
            meaning=meanings.get(name) or meanings.get(f"{name.partition('.')[0]}.<protocol>", ""),
        )
        for name, array in arrays.items()
    )
