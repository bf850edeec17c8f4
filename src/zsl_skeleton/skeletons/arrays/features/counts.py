"""Clips of a part against the number that the catalog knows, and why they differ."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from zsl_skeleton.catalog import Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.features.base import Reading
from zsl_skeleton.skeletons.features import FeatureSet, training_part

_FEW = 0.03
"""Share of a part that publishers' own filters account for: SynSE's unseen test parts lack 0.1 to 0.9 %."""


class PartCount(BaseModel):
    """Clips of a part: found, and expected where the catalog knows it; ``reason`` says why they differ."""

    model_config = ConfigDict(frozen=True)

    name: str
    found: int
    expected: int | None = None
    reason: str = ""


def count_parts(features: FeatureSet, reading: Reading) -> tuple[PartCount, ...]:
    """Training clips of seen classes, test clips of unseen and of seen ones, against the catalog's numbers.

    Raises:
        InputError: all three numbers are exactly those of another protocol.
    """
    train = training_part(features, reading.protocol)
    unseen = np.isin(features.labels, reading.split.unseen)
    masks = {"seen_train": train & ~unseen, "unseen_test": ~train & unseen, "seen_test": ~train & ~unseen}
    found = {name: int(mask.sum()) for name, mask in masks.items()}
    check_protocol(found, reading.split, reading.protocol)
    expected = reading.split.clips.get(reading.protocol.name)
    return tuple(part_count(name, number, getattr(expected, name, None)) for name, number in found.items())


def check_protocol(found: dict[str, int], split: Split, protocol: Protocol) -> None:
    """Make sure that the counts are not those of another protocol.

    Raises:
        InputError: they are, in every part.
    """
    for name, clips in split.clips.items():
        if name != protocol.name and clips.model_dump() == found and split.clips.get(protocol.name) != clips:
            told = ", ".join(f"{number} {part}" for part, number in found.items())
            raise InputError(
                f"the clips are those of protocol {name}, not of {protocol.name}",
                why=f"{told}: exactly the numbers of {name} under split {split.name}",
                mend=f"--protocol {name}",
            )


def part_count(name: str, found: int, expected: int | None) -> PartCount:
    """A count with the likely reason for its difference."""
    if expected is None or expected == found:
        return PartCount(name=name, found=found, expected=expected)
    return PartCount(name=name, found=found, expected=expected, reason=_reason(found - expected, expected))


def _reason(more: int, expected: int) -> str:
    if abs(more) > _FEW * expected:
        return (
            "only a part of the clips" if more < 0 else "more clips than the protocol has: another protocol or data set"
        )
    if more < 0:
        return "the publisher's own filter: published features lack some clips of the official lists"
    return "the publisher kept recordings that the official list of missing skeletons drops"
