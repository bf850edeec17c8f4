"""Recordings in PKU-MMD's layout: what was written is read back, and the lists part the clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.readers import open_reader
from zsl_skeleton.skeletons.readers.pku_mmd import PkuMmdReader
from zsl_skeleton.skeletons.synthesis.pku_files import (
    PARTS,
    PkuFilesConfig,
    PkuName,
    PkuRecorder,
    every_recording,
    trains,
    write_pku_files,
)

SMALL = PkuFilesConfig(limit=6, actions=4)


@pytest.mark.parametrize(("name", "recordings"), [("pku-mmd", 363 * 3), ("pku-mmd-2", 26 * 13 * 3)])
def test_recordings_are_read_back_as_they_were_made(tmp_path: Path, name: str, recordings: int) -> None:
    dataset = load_dataset(name)
    assert len(every_recording(dataset)) == recordings
    assert write_pku_files(tmp_path / "raw", dataset, SMALL).recordings == 6
    reader = open_reader(name)
    assert isinstance(reader, PkuMmdReader)
    listing = reader.scan(tmp_path / "raw")
    assert listing.rejected == ()
    recorder, clips = PkuRecorder(dataset, SMALL), iter(listing.clips)
    persons = set()
    for source in sorted((tmp_path / "raw" / "skeletons").iterdir()):
        pku = next(entry for entry in every_recording(dataset) if str(entry) == source.stem)
        joints, labels = recorder.record(pku)
        for number, label in enumerate(labels, start=1):
            ref = next(clips)
            assert ref.id.endswith(f"V{ref.view:03}C{label.action:03}L{number:03}")
            assert (ref.label, ref.view) == (label.action - 1, "LMR".index(pku.view) + 1)
            assert dict(ref.parts) == {protocol: trains(pku, protocol) for protocol in ("xsub", "xview")}
            found = reader.read(ref).joints
            persons.add((dataset.classes[ref.label].persons, len(found)))
            expected = joints[label.first - 1 : label.last, : len(found)].transpose(1, 0, 2, 3)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert next(clips, None) is None
    assert persons == {(1, 1), (2, 2)}


def test_cameras_see_the_same_actions_in_the_same_frames() -> None:
    recorder = PkuRecorder(load_dataset("pku-mmd-2"), SMALL)
    labels = [recorder.record(PkuName(3, 5, view))[1] for view in "LMR"]
    assert labels[0] == labels[1] == labels[2]
    assert {label.first > 1 for label in labels[0]} == {True}


def test_actions_without_anybody_are_rejected_by_name(tmp_path: Path) -> None:
    write_pku_files(tmp_path / "raw", load_dataset("pku-mmd-2"), SMALL.model_copy(update={"limit": 1, "empty": 1.0}))
    reader = open_reader("pku-mmd-2")
    with pytest.raises(InputError, match="all coordinates are zero"):
        reader.read(reader.scan(tmp_path / "raw").clips[0])


def test_a_higher_limit_adds_recordings_and_renews_the_lists(tmp_path: Path) -> None:
    dataset, raw = load_dataset("pku-mmd-2"), tmp_path / "raw"
    write_pku_files(raw, dataset, SMALL.model_copy(update={"limit": 2, "actions": 1}))
    before = {path.name: path.read_bytes() for path in (raw / "skeletons").iterdir()}
    assert write_pku_files(raw, dataset, SMALL.model_copy(update={"limit": 5, "actions": 1})).made == 3
    after = {path.name: path.read_bytes() for path in (raw / "skeletons").iterdir()}
    assert len(after) == 5
    assert after.items() > before.items()
    listed = (raw / "cross_view_v2.txt").read_text()
    assert all(name.removesuffix(".txt") in listed for name in after)
    with pytest.raises(InputError, match="other synthetic recordings"):
        write_pku_files(raw, load_dataset("pku-mmd"), SMALL)


def test_other_data_sets_have_another_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=PARTS[0]):
        write_pku_files(tmp_path / "raw", load_dataset("ntu60"), SMALL)
    assert not (tmp_path / "raw").exists()
