from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeletons.arrays.written_arrays import (
    as_columns,
    as_cubes,
    clips,
    one_hot,
    write_aimclr,
    write_ctr_gcn,
    write_folder,
    write_smie,
)
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.importing import ImportOptions, import_recordings
from zsl_skeleton.skeletons.readers import open_reader
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

SEEN, UNSEEN = [0, 1, 2], [4, 19]


@pytest.mark.parametrize("compressed", [False, True])
def test_ctr_gcn_rows_come_back_in_any_order(tmp_path: Path, compressed: bool) -> None:
    parts = write_ctr_gcn(tmp_path / "NTU60_CV.npz", [0, 3, 59], [1, 2], compressed=compressed)
    reader = open_reader("ctr-gcn")
    listing = reader.scan(tmp_path)
    assert listing.rejected == ()
    assert [(c.id, c.label, c.subject, c.view, c.parts) for c in listing.clips] == [
        *((f"train/{row:06d}", label, -1, -1, (("xview", True),)) for row, label in enumerate([0, 3, 59])),
        *((f"test/{row:06d}", label, -1, -1, (("xview", False),)) for row, label in enumerate([1, 2])),
    ]
    expected = dict(zip(listing.clips, np.concatenate(parts), strict=True))
    for ref in (*listing.clips, *reversed(listing.clips)):
        np.testing.assert_array_equal(reader.read(ref).joints, expected[ref])


def test_ctr_gcn_padding_and_an_absent_person_are_cut(tmp_path: Path) -> None:
    joints = clips(1, 5)
    joints[0, 1] = 0
    joints[0, 0, 2] = 0  # an all-zero frame inside a clip is for the importer to count
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0], [1], x_train=as_columns(joints, 9))
    reader = open_reader("ctr-gcn")
    np.testing.assert_array_equal(reader.read(reader.scan(tmp_path).clips[0]).joints, joints[0, :1])


def test_ctr_gcn_keys_with_pku_shapes(tmp_path: Path) -> None:
    joints = clips(2, 64)
    changes = {"x_train": as_cubes(joints), "y_train": np.array([[50], [0]])}
    changes |= {"x_test": as_cubes(joints)[:0], "y_test": np.zeros((0, 1), np.int64)}
    write_ctr_gcn(tmp_path / "pku_xsub.npz", [], [], **changes)
    reader = open_reader("ctr-gcn")
    listing = reader.scan(tmp_path)
    assert [clip.label for clip in listing.clips] == [50, 0]
    assert listing.remarks == ("the publisher resampled the clips to 64 frames; the recipe is applied on top of that",)
    np.testing.assert_array_equal(reader.read(listing.clips[1]).joints, joints[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((2, 8, 149), np.float32)}, "150"),
        ({"x_train": np.zeros((3, 8, 150), np.float32)}, "3 one-hot rows"),
        ({"x_train": np.zeros((2, 8, 150), np.int32)}, "floats"),
        ({"y_train": np.array([[1.0, 1, 0], [1, 0, 0]])}, "row 0 is not one-hot"),
        ({"y_train": np.array([[1.0, 0, 0], [0.5, 0, 0]])}, "row 1 is not one-hot"),
        ({"y_train": np.array([0, 1])}, "one-hot"),
        ({"y_test": None}, "lacks y_test"),
        ({"x_test": np.array([None])}, "Python objects"),
        ({"x_train": np.zeros((2, 3, 8, 24, 2), np.float32)}, "25"),
    ],
)
def test_ctr_gcn_arrays_that_break_the_rules_are_rejected(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0, 1], [1], classes=3, **changes)
    listing = open_reader("ctr-gcn").scan(tmp_path)
    assert listing.clips == ()
    assert message in listing.rejected[0].reason


def test_the_file_name_must_tell_the_protocol_and_one_file_is_taken(tmp_path: Path) -> None:
    write_ctr_gcn(tmp_path / "mine.npz", [0], [1])
    assert "protocol" in open_reader("ctr-gcn").scan(tmp_path).rejected[0].reason
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0], [1])
    listing = open_reader("ctr-gcn").scan(tmp_path)
    assert (listing.clips, len(listing.rejected)) == ((), 2)
    assert "name one of them" in listing.rejected[0].reason


@pytest.mark.parametrize("row", [np.full((8, 150), np.nan, np.float32), np.zeros((8, 150), np.float32)])
def test_a_broken_row_is_one_clip_less_and_not_more(tmp_path: Path, row: Any) -> None:
    rows = as_columns(clips(3), 8)
    rows[1] = row
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0, 1, 2], [], x_train=rows)
    reader = open_reader("ctr-gcn")
    refs = reader.scan(tmp_path).clips
    with pytest.raises(InputError, match=r"not finite|zero"):
        reader.read(refs[1])
    assert reader.read(refs[2]).joints.shape == (2, 6, 25, 3)


def _position_layouts() -> dict[str, Callable[[Path], np.ndarray]]:
    def aimclr(folder: Path) -> np.ndarray:
        _, first, second = write_aimclr(folder / "ntu60_frame50" / "xsub", [*SEEN, *UNSEEN], [5])
        return np.concatenate([first, second])

    return {"aimclr": aimclr, "smie": lambda folder: write_smie(folder / "split_1", SEEN, [0], UNSEEN)}


@pytest.mark.parametrize("name", _position_layouts())
def test_position_arrays_are_imported_as_they_are(name: str, tmp_path: Path, ntu60: Dataset) -> None:
    joints = _position_layouts()[name](tmp_path / "given")
    made = import_recordings(
        Store(tmp_path / "artifacts"), ntu60, tmp_path / "given", "aimclr-50", ImportOptions(reader=name, jobs=1)
    )
    found = SkeletonSet.open(made)
    np.testing.assert_array_equal(found.clips, as_cubes(joints))
    counts = {"aimclr": 5, "smie": 3}
    assert found.parts["xsub"].tolist() == [row < counts[name] for row in range(6)]
    assert found.labels[3:5].tolist() == {"aimclr": UNSEEN, "smie": [0, 4]}[name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unseen_label": np.array([1, 19])}, "both seen and unseen"),
        ({"unseen_label": np.array([4.0, 19.0])}, "whole numbers"),
        ({"unseen_label": np.array([4, -19])}, "-19"),
        ({"unseen_label": np.array([4])}, "expected 2 whole numbers"),
        ({"seen_train_data": np.zeros((3, 3, 49, 25, 2), np.float32)}, "50"),
        ({"seen_test_data": None}, "lacks seen_test_data.npy"),
    ],
)
def test_smie_arrays_that_break_the_rules_are_rejected(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_smie(tmp_path, SEEN, [0], UNSEEN, **changes)
    listing = open_reader("smie").scan(tmp_path)
    assert listing.clips == ()
    assert message in listing.rejected[0].reason


def test_a_part_may_be_empty(tmp_path: Path) -> None:
    write_smie(tmp_path, SEEN, [], UNSEEN)
    assert len(open_reader("smie").scan(tmp_path).clips) == 5


def test_arrays_are_read_from_a_zip(tmp_path: Path) -> None:

    joints = write_smie(tmp_path / "zeroshot" / "split_1", SEEN, [0], UNSEEN)
    shutil.make_archive(str(tmp_path / "smie"), "zip", tmp_path / "zeroshot")
    reader = open_reader("smie")
    listing = reader.scan(tmp_path / "smie.zip")
    found = np.stack([reader.read(ref).joints for ref in listing.clips])
    np.testing.assert_array_equal(found, joints)


def test_aimclr_folder_must_name_its_protocol(tmp_path: Path) -> None:
    write_aimclr(tmp_path / "somewhere", [0], [1])
    assert "protocol" in open_reader("aimclr").scan(tmp_path / "somewhere").rejected[0].reason
    write_folder(tmp_path / "xview", {"train_position": np.zeros((1, 3, 50, 25, 2), np.float32)})
    reason = open_reader("aimclr").scan(tmp_path / "xview").rejected[0].reason
    assert "lacks train_label.npy, val_position.npy, val_label.npy" in reason


def test_one_hot_rows_may_be_few(tmp_path: Path) -> None:
    write_ctr_gcn(tmp_path / "NTU120_CSet.npz", [], [119], classes=120, y_train=one_hot([], 120))
    (clip,) = open_reader("ctr-gcn").scan(tmp_path).clips
    assert (clip.id, clip.label, clip.parts) == ("test/000000", 119, (("xset", False),))
