from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.importing import import_recordings
from zsl_skeleton.skeletons.inspect import Inspection, differences, inspect, render

Toy = Callable[..., Dataset]
Write = Callable[..., Path]
NAMES = [f"a{action:02d}_s{subject:02d}_e{trial:02d}" for action in (1, 2) for subject in (1, 2) for trial in (1, 2)]
EXPECTED = {
    "expected_clips": 8,
    "expected_per_class": [4, 4],
    "expected_per_subject": {1: 4, 2: 4},
    "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1], "counts": {"train": 4, "test": 4}}},
}


@pytest.fixture
def root(write_msr: Write) -> Path:
    paths = [write_msr(name) for name in NAMES]
    return paths[0].parent


def look(store: Store, dataset: Dataset, root: Path) -> Inspection:
    return inspect(import_recordings(store, dataset, root, "hip-32"), dataset)


def test_a_complete_set_has_no_differences(store: Store, toy: Toy, root: Path) -> None:
    found = look(store, toy(**EXPECTED), root)
    assert differences(found) == {}
    assert (found.skipped, found.absent, found.unexplained) == ((), (), 0)
    assert [(c.name, c.found) for c in found.protocols] == [("xsub train", 4), ("xsub test", 4)]
    text = render(found)
    assert "action 1: 4\n" in text
    assert "expected" not in text
    assert "neck" in text
    assert json.loads(found.model_dump_json())["total"] == {"name": "clips", "found": 8, "expected": 8}


def test_a_skipped_clip_explains_every_count_it_is_missing_from(
    store: Store, toy: Toy, root: Path, write_msr: Write
) -> None:
    write_msr(NAMES[7], np.zeros((4, 20, 3)))
    fault = {"id": NAMES[7], "reason": "every frame is zero"}
    found = look(store, toy(**EXPECTED, known_faults=[fault]), root)
    assert differences(found) == {"clips": [7, 8], "xsub test": [3, 4], "action 2": [3, 4], "2": [3, 4]}
    assert (found.absent, found.unexplained) == ((), 0)
    text = render(found)
    assert "clips: 7  (expected 8)" in text
    assert f"{NAMES[7]}: {NAMES[7]}_skeleton3D.txt: all coordinates are zero" in text
    assert "known fault" in text


def test_a_file_missing_from_the_root_is_named(store: Store, toy: Toy, root: Path) -> None:
    (root / f"{NAMES[3]}_skeleton3D.txt").unlink()
    found = look(store, toy(**EXPECTED), root)
    assert (found.absent, found.unexplained) == ((NAMES[3],), 0)
    assert f"not in the folder, 1: {NAMES[3]}" in render(found)


def test_a_gap_that_was_never_published_is_not_called_missing(store: Store, toy: Toy, root: Path) -> None:
    for name in (NAMES[3], NAMES[4]):
        (root / f"{name}_skeleton3D.txt").unlink()
    expected = {**EXPECTED, "expected_clips": 7, "expected_per_class": [4, 3], "expected_per_subject": {1: 3, 2: 4}}
    del expected["protocols"]
    found = look(store, toy(**expected, missing=[NAMES[4]]), root)
    assert (found.absent, found.unexplained) == ((NAMES[3],), 0)


def test_what_the_numbering_does_not_tell_stays_open(store: Store, toy: Toy, root: Path) -> None:
    for name in (NAMES[3], NAMES[4]):
        (root / f"{name}_skeleton3D.txt").unlink()
    expected = {**EXPECTED, "expected_clips": 7, "expected_per_class": [4, 3], "expected_per_subject": {1: 3, 2: 4}}
    del expected["protocols"]
    found = look(store, toy(**expected), root)
    assert (found.absent, found.unexplained) == ((), -1)
    assert "1 more clips are missing" in render(found)


def test_more_clips_than_published_and_stray_files(store: Store, toy: Toy, root: Path, write_msr: Write) -> None:
    write_msr("a01_s01_e03")
    (root / "notes.txt").write_text("no recording")
    found = look(store, toy(**EXPECTED), root)
    assert found.unexplained == 1
    assert "1 more clips than published" in render(found)
    assert "notes" in render(found)


def test_without_expectations_nothing_is_missing(store: Store, toy: Toy, root: Path) -> None:
    found = look(store, toy(), root)
    assert (differences(found), found.unexplained, found.total.expected) == ({}, 0, None)


def test_another_data_set_is_refused(store: Store, toy: Toy, root: Path) -> None:
    artifact = import_recordings(store, toy(), root, "hip-32")
    with pytest.raises(InputError, match="holds toy, not other"):
        inspect(artifact, toy(name="other"))
