"""The packaged data sets: what they say must agree with itself, and with what was published."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from zsl_skeleton.catalog import dataset_names, load_dataset

SMALL = ("utd-mhad", "msr-action3d", "nw-ucla", "precog")


@pytest.mark.parametrize("name", dataset_names())
def test_every_data_set_is_consistent(name: str) -> None:
    data = load_dataset(name)
    assert data.name == name
    assert [action.index for action in data.classes] == list(range(len(data.classes)))
    assert max(action.persons for action in data.classes) <= data.persons
    for split in data.splits.values():
        seen = data.seen(split)
        assert sorted((*seen, *split.unseen)) == list(range(len(data.classes)))
        assert set(split.validation_unseen) < set(seen)
        for protocol, clips in split.clips.items():
            counts = data.protocol(protocol).counts
            assert counts is not None
            assert clips.unseen_test + clips.seen_test == counts.test
            assert clips.seen_train < counts.train


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("ntu60", {"synse-55-5": 5, "synse-48-12": 12, "smie-3": 5, "sadvae-random-2": 5, "purls-30-30": 30}),
        ("ntu120", {"synse-110-10": 10, "synse-96-24": 24, "smie-6": 10, "sadvae-random-3": 10, "purls-60-60": 60}),
        ("pku-mmd", {"smie-7": 5, "neuron-random-3": 5, "star-39-12": 12, "sadvae-random-1": 5}),
        ("utd-mhad", {"random-1": 5, "random-5": 5, "purls-14-13": 13}),
        ("nw-ucla", {"random-1": 3, "purls-5-5": 5}),
    ],
)
def test_published_splits_have_their_sizes(name: str, sizes: dict[str, int]) -> None:
    data = load_dataset(name)
    assert {split: len(data.split(split).unseen) for split in sizes} == sizes


def test_the_famous_split_by_names() -> None:
    data = load_dataset("ntu60")
    names = [data.class_names[index] for index in data.split("synse-55-5").unseen]
    assert names == ["reading", "writing", "put on a hat/cap", "jump up", "touch other person's pocket"]


def test_the_random_splits_of_the_small_sets_are_five_with_validation_classes() -> None:
    for name in SMALL:
        data = load_dataset(name)
        assert all(data.split(f"random-{k}").validation_unseen for k in range(1, 6)), name


def test_borrowed_classes_are_the_lenders() -> None:
    assert load_dataset("ntu60").classes == load_dataset("ntu120").classes[:60]
    assert load_dataset("pku-mmd-2").classes == load_dataset("pku-mmd").classes


def test_protocols() -> None:
    ntu60, ntu120 = load_dataset("ntu60"), load_dataset("ntu120")
    assert len(ntu60.protocol("xsub").train) == 20
    assert len(ntu120.protocol("xsub").train) == 53
    assert set(ntu60.protocol("xsub").train) < set(ntu120.protocol("xsub").train)
    assert all(setup % 2 == 0 for setup in ntu120.protocol("xset").train)
    assert load_dataset("nw-ucla").protocol().name == "xsub"
    assert load_dataset("nw-ucla").protocol("XView").train == (1, 2)
    assert load_dataset("pku-mmd").protocol().train_list == "cross-subject.txt"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("utd-mhad", r"a(\d+)_s(\d+)_t\d+_skeleton\.mat"),
        ("msr-action3d", r"a(\d+)_s(\d+)_e\d+_skeleton3D\.txt"),
        ("nw-ucla", r"a(\d+)_s(\d+)_e\d+_v\d+\.json"),
    ],
)
def test_expected_counts_are_those_of_the_recordings(real_data_dir: Path, name: str, pattern: str) -> None:
    data = load_dataset(name)
    found = [m for path in (real_data_dir / name).iterdir() if (m := re.fullmatch(pattern, path.name))]
    actions = Counter(int(m[1]) for m in found)
    subjects = Counter(int(m[2]) for m in found)
    assert data.expected_per_class == tuple(actions[number] for number in sorted(actions))
    assert data.expected_per_subject == subjects
    stems = {m[0] for m in found}
    assert not [gone for gone in data.missing if any(stem.startswith(gone) for stem in stems)]
    assert all(any(stem.startswith(fault.id) for stem in stems) for fault in data.known_faults)


def test_loading_is_quick_and_imports_no_torch() -> None:
    code = (
        "import sys, time; from zsl_skeleton.catalog import load_dataset; t = time.process_time();"
        "load_dataset('ntu60'); print(time.process_time() - t); print('torch' in sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ZSL_CATALOG"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    seconds, torch = run.stdout.split()
    assert float(seconds) < 0.25  # 0.03 s on an idle machine
    assert torch == "False"
