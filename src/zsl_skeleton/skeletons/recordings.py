"""On which side of an evaluation protocol a recording lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.catalog import Protocol
from zsl_skeleton.errors import InputError

Integers = NDArray[np.int64]

_SETUP = re.compile(r"S(\d{3})C\d{3}P\d{3}R\d{3}A\d{3}")


class Recordings(Interface):
    """What decides on which side of a protocol a clip lies; skeleton sets and feature sets both say it."""

    @property
    def subjects(self) -> Integers:
        """Performers, int64 [N]; -1 = unknown."""
        ...

    @property
    def views(self) -> Integers:
        """Cameras, int64 [N]; -1 = unknown."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the recordings."""
        ...

    @property
    def parts(self) -> Mapping[str, NDArray[np.bool_]]:
        """Protocol -> bool [N], where the source states it."""
        ...


class LabelledRecordings(Recordings, Interface):
    """Recordings of known classes."""

    @property
    def labels(self) -> Integers:
        """0-based class indices, int64 [N]."""
        ...


def training_part(clips: Recordings, protocol: Protocol) -> NDArray[np.bool_]:
    """Which clips [N] belong to the training part of a protocol; everything else is its test part.

    What the source of the clips states goes before the protocol's rule.

    Raises:
        InputError: the source does not state it and the rule cannot tell either: the subjects or views are unknown, the
            ids are not NTU names, which carry the camera set-up, or the protocol goes by a list of recordings.
    """
    if protocol.name in clips.parts:
        return clips.parts[protocol.name]
    if protocol.by == "recording":
        raise InputError(
            f"protocol {protocol.name} goes by the recordings named in {protocol.train_list}",
            why="that list did not lie beside the recordings when they were imported",
            mend=f"put {protocol.train_list} below --root and run zsl-data import again, or choose another --protocol",
        )
    if protocol.by == "setup":
        return np.isin(_setups(clips.ids), protocol.train)
    numbers = clips.subjects if protocol.by == "subject" else clips.views
    if (numbers < 0).any():
        others = f"; they state that of {', '.join(clips.parts)}" if clips.parts else ""
        raise InputError(
            f"the clips do not tell which of them protocol {protocol.name} trains on",
            why=f"it goes by {protocol.by}, which is unknown of {int((numbers < 0).sum())} clips{others}",
            mend=f"choose another --protocol{': ' + next(iter(clips.parts)) if clips.parts else ''}",
        )
    return np.isin(numbers, protocol.train)


def _setups(ids: tuple[str, ...]) -> Integers:
    matches = [_SETUP.match(name) for name in ids]
    numbers = [int(match.group(1)) for match in matches if match]
    if len(numbers) < len(ids):
        odd = next(name for name, match in zip(ids, matches, strict=True) if not match)
        raise InputError(
            f"the clip {odd} does not tell its camera set-up",
            why="a protocol by set-up reads it from names like S001C001P001R001A001",
            mend="choose a protocol by subject or view",
        )
    return np.array(numbers, dtype=np.int64)
