"""Which recordings there are: every combination of a few numbers, or as many as NTU RGB+D published."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError

Item = TypeVar("Item")

CAMERAS = (1, 2, 3)
REPLICATIONS = (1, 2)
_SEARCHED = 100  # steps longer and shorter than the golden ratio


class RecordingName(NamedTuple):
    """The numbers in the name of an NTU file, all counted from 1."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    def __str__(self) -> str:
        return f"S{self.setup:03}C{self.camera:03}P{self.performer:03}R{self.replication:03}A{self.action:03}"


class _Campaign(NamedTuple):
    """A round of recording; visits of performers to set-ups are counted, those of the xsub training part apart."""

    setups: range
    performers: range
    actions: range
    training_visits: int
    other_visits: int


_NTU60 = _Campaign(range(1, 18), range(1, 41), range(1, 61), 112, 46)
_NTU120 = _Campaign(range(18, 33), range(41, 107), range(61, 121), 64, 96)
_CAMPAIGNS = {"ntu60": (_NTU60,), "ntu120": (_NTU60, _NTU120)}
PUBLISHED = tuple(_CAMPAIGNS)
"""Data sets whose published size and structure is known."""


def published(dataset: Dataset) -> list[RecordingName]:
    """As many recordings as were published: 56,880 of NTU RGB+D, 114,480 of NTU RGB+D 120, in the order of the names.

    Numbers of set-ups, cameras, performers, replications and actions are the true ones, and so are the sizes of both
    parts of the cross-subject and cross-view protocols (before anything is dropped). Everybody comes to a few set-ups
    only and performs all actions of the round there, twice, before three cameras; *who* comes to which set-up is dealt
    out in turns and not the truth.

    Raises:
        UsageError: the data set is another.
    """
    if dataset.name not in _CAMPAIGNS:
        raise UsageError(
            f"the published recordings of {dataset.name!r} are not known",
            why=f"known are those of {', '.join(PUBLISHED)}",
            mend=f"zsl-data synthesize --dataset {PUBLISHED[0]} --files DIR",
        )
    training = set(dataset.protocol("xsub").train)
    names = [
        RecordingName(setup, camera, performer, replication, action)
        for campaign in _CAMPAIGNS[dataset.name]
        for setup, performer in _visits(campaign, training)
        for camera, replication, action in itertools.product(CAMERAS, REPLICATIONS, campaign.actions)
    ]
    return sorted(names)


def _visits(campaign: _Campaign, training: set[int]) -> list[tuple[int, int]]:
    """Pairs of set-up and performer; turns of two lengths without a common factor meet in ever new pairs."""
    groups = (
        ([number for number in campaign.performers if number in training], campaign.training_visits),
        ([number for number in campaign.performers if number not in training], campaign.other_visits),
    )
    setups = campaign.setups
    return [
        (setups[visit % len(setups)], group[visit % len(group)]) for group, visits in groups for visit in range(visits)
    ]


def spread(items: Sequence[Item], limit: int | None) -> list[Item]:
    """An evenly spread subset of ``limit`` items in their order (None: all); a smaller one is part of a larger one.

    It is walked in steps without a common factor with the whole, so that no item is met twice and whatever repeats
    along the items (classes, cameras) is met equally often.
    """
    count = len(items)
    if limit is None or limit >= count:
        return list(items)
    step = _step(count)
    return [items[index] for index in sorted(turn * step % count for turn in range(limit))]


def _step(count: int) -> int:
    """The length of a step, among those near the golden ratio of the whole.

    How evenly any number of steps is spread is told by the quotients of Euclid's algorithm: the smaller, the better.
    """
    golden = round(count * (math.sqrt(5.0) - 1.0) / 2.0)
    near = range(max(1, golden - _SEARCHED), min(count, golden + _SEARCHED) + 1)
    return min((step for step in near if math.gcd(step, count) == 1), key=lambda step: max(_quotients(step, count)))


def _quotients(smaller: int, larger: int) -> Iterator[int]:
    while smaller:
        yield larger // smaller
        smaller, larger = larger % smaller, smaller
