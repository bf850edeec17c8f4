"""Plans of recordings: the published numbers, and subsets that miss nothing."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.synthesis.plan import RecordingName, published, spread

# Before the recordings without a complete skeleton are dropped; as the papers state them.
PARTS = {("ntu60", "xsub"): (40320, 16560), ("ntu60", "xview"): (37920, 18960), ("ntu120", "xsub"): (63360, 51120)}


@pytest.mark.parametrize(
    ("name", "files", "numbers"), [("ntu60", 56880, (17, 3, 40, 2, 60)), ("ntu120", 114480, (32, 3, 106, 2, 120))]
)
def test_as_many_recordings_as_were_published(name: str, files: int, numbers: tuple[int, ...]) -> None:
    dataset = load_dataset(name)
    names = published(dataset)
    assert len(names) == len(set(names)) == files
    assert names == sorted(names)
    assert tuple(max(column) for column in zip(*names, strict=True)) == numbers
    assert tuple(len(set(column)) for column in zip(*names, strict=True)) == numbers
    for (of, protocol), counts in PARTS.items():
        if of == name:
            field = {"subject": "performer", "view": "camera"}[dataset.protocol(protocol).by]
            training = sum(getattr(entry, field) in dataset.protocol(protocol).train for entry in names)
            assert (training, files - training) == counts


@pytest.mark.parametrize(("name", "limit"), [("ntu60", 600), ("ntu60", 6000), ("ntu120", 6000)])
def test_a_subset_shows_every_number_about_equally_often(name: str, limit: int) -> None:
    whole = published(load_dataset(name))
    part = spread(whole, limit)
    assert len(set(part)) == limit
    for field in RecordingName._fields:
        expected = Counter(getattr(entry, field) for entry in whole)
        found = Counter(getattr(entry, field) for entry in part)
        assert set(found) == set(expected), field
        for number, count in expected.items():
            share = count * limit / len(whole)
            assert abs(found[number] - share) <= 3.0 + 0.5 * share, (field, number)


def test_a_smaller_subset_is_part_of_a_larger_one() -> None:
    items = range(1000)
    subsets = [spread(items, limit) for limit in (1, 7, 100, 999, 1000, 5000, None)]
    for smaller, larger in itertools.pairwise(subsets):
        assert set(smaller) <= set(larger)
    assert [len(subset) for subset in subsets] == [1, 7, 100, 999, 1000, 1000, 1000]
    assert all(subset == sorted(subset) for subset in subsets)
    assert (spread([], 5), spread(["one"], 1)) == ([], ["one"])
    gaps = [b - a for a, b in itertools.pairwise(subsets[2])]
    assert max(gaps) <= 30


def test_nobody_knows_what_other_data_sets_published() -> None:
    with pytest.raises(UsageError, match="ntu60, ntu120"):
        published(load_dataset("demo"))


def test_names_are_those_of_ntu() -> None:
    assert str(RecordingName(1, 2, 103, 2, 60)) == "S001C002P103R002A060"
