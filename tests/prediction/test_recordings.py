"""Clips come as arrays, lists, sets and paths; what cannot be a clip is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.prediction.recordings import Preparation, prepared
from zsl_skeleton.skeletons.layouts import to_ntu
from zsl_skeleton.skeletons.recipes import find_recipe
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

HOW = Preparation(find_recipe("aimclr-50"), persons=1)


def clip(frames: int = 12, joints: int = 25) -> np.ndarray:
    return np.random.default_rng(frames).normal(size=(frames, joints, 3)) + 3


def test_one_clip_several_padded_ones_and_a_list_are_the_same() -> None:
    clips = [clip(12), clip(9)]
    padded = np.zeros((2, 3, 12, 25, 2))
    for row, joints in enumerate(clips):
        padded[row, :, : len(joints), :, 0] = joints.transpose(2, 0, 1)
    found = prepared(padded, HOW)
    assert found.clips.shape == (2, 3, 50, 25, 1)
    assert found.lengths.tolist() == [12, 9]
    for same in (prepared(clips, HOW), prepared([one[None] for one in clips], HOW)):
        np.testing.assert_array_equal(same.clips, found.clips)
    np.testing.assert_array_equal(prepared(clips[1], HOW).clips, found.clips[1:])


def test_twenty_joints_are_those_of_kinect_v1() -> None:
    joints = clip(joints=20)
    np.testing.assert_array_equal(prepared(joints, HOW).clips, prepared(to_ntu(joints, "kinect-v1"), HOW).clips)


def spoilt(value: float) -> np.ndarray:
    joints = clip()
    joints[5] = value
    return joints


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        ([clip(), spoilt(np.nan)], "clip 1 cannot be used: its frame 5"),
        (np.zeros((4, 25, 3)), "all of its coordinates are zero"),
        (clip(joints=17), r"shape \[12, 17, 3\]"),
        (np.stack([clip(), clip()])[None].transpose(0, 4, 2, 3, 1), "shows 2 persons"),
        ([], "no clip"),
    ],
)
def test_what_cannot_be_a_clip_is_named(clips: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        prepared(clips, HOW)


@pytest.mark.parametrize("clips", [np.zeros((4, 4)), 3, {"clip": 1}])
def test_what_is_nothing_like_clips_is_a_usage_error(clips: object) -> None:
    with pytest.raises(UsageError, match="no clip"):
        prepared(clips, HOW)


def test_a_skeleton_set_must_be_prepared_alike(world) -> None:
    found = SkeletonSet.open(world.store.all("skeletons")[0])
    assert prepared(found, HOW).labels.tolist() == found.labels.tolist()
    with pytest.raises(InputError, match="are prepared by aimclr-50"):
        prepared(found, Preparation(find_recipe("ctr-64"), persons=1))


def recorded(folder: Path) -> Path:
    frames = np.zeros((3, 12, 25, 3))
    frames[0], frames[1, :9] = clip(12), clip(9)
    columns = {"lengths": [12, 9, 12], "label": [0, 1, 0], "subject": [1, 1, 2]}
    np.savez(folder / "clips.npz", frames=frames, names=np.array(["one", "two", "nobody"]), **columns)
    return folder


def test_a_path_is_recognised_and_its_bad_clips_are_listed(tmp_path: Path) -> None:
    found = prepared(recorded(tmp_path), HOW)
    assert (found.reader, found.ids, found.labels.tolist()) == ("npz", ("one", "two"), [0, 1])
    assert [item.id for item in found.skipped] == ["nobody"]
    np.testing.assert_array_equal(found.clips, prepared([clip(12), clip(9)], HOW).clips)


def test_recordings_of_published_formats_are_recognised(write_msr: Callable[..., Path], tmp_path: Path) -> None:
    found = prepared(write_msr("a03_s02_e01").parent, HOW)
    assert (found.reader, found.labels.tolist()) == ("msr-action3d", [2])
    document = {"label": 10, "skeletons": clip(joints=20).tolist()}
    (tmp_path / "a12_s01_e00_v01.json").write_text(json.dumps(document))
    found = prepared(tmp_path / "a12_s01_e00_v01.json", HOW)
    assert (found.reader, found.labels.tolist(), len(found.skipped)) == ("nw-ucla", [9], 0)


def test_an_empty_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    for reader in (None, "utd-mhad"):
        with pytest.raises(InputError, match="is empty"):
            prepared(tmp_path, HOW, reader)
    with pytest.raises(InputError, match="does not exist"):
        prepared(str(tmp_path / "nowhere"), HOW)
    (tmp_path / "notes.md").write_text("no recording")
    with pytest.raises(InputError, match="no reader knows"):
        prepared(tmp_path, HOW)
    with pytest.raises(InputError, match="no clip that can be classified"):
        prepared(tmp_path, HOW, "utd-mhad")
