from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS, KINECT_V1, NTU
from zsl_skeleton.skeletons.readers.npz import NpzReader

LENGTHS = [4, 6, 5]


@pytest.fixture
def arrays() -> dict[str, Any]:
    return {
        "frames": np.random.default_rng(0).normal(size=(3, 6, 25, 3)),
        "lengths": np.array(LENGTHS),
        "label": np.array([0, 4, 2]),
        "names": np.array(["one", "two", "three"]),
        "subject": np.array([7, 8, 9]),
    }


def write(folder: Path, arrays: dict[str, Any]) -> Path:
    np.savez(folder / "own.npz", **arrays)
    return folder / "own.npz"


def joints(folder: Path) -> list[np.ndarray]:
    reader = NpzReader()
    return [reader.read(ref).joints for ref in reader.scan(folder).clips]


def test_padded_clips_are_cut_to_their_lengths(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = write(tmp_path, {**arrays, "view": np.array([1, 2, 3])})
    references = NpzReader().scan(path).clips
    assert [(r.id, r.label, r.subject, r.view) for r in references] == [
        ("one", 0, 7, 1), ("two", 4, 8, 2), ("three", 2, 9, 3),
    ]  # fmt: skip
    for clip, frames, length in zip(joints(tmp_path), arrays["frames"], LENGTHS, strict=True):
        np.testing.assert_array_equal(clip, frames[None, :length])


def test_persons_and_concatenated_clips(tmp_path: Path, arrays: dict[str, Any]) -> None:
    padded = arrays["frames"]
    concatenated = np.concatenate([clip[:length] for clip, length in zip(padded, LENGTHS, strict=True)])
    write(tmp_path, {**arrays, "frames": concatenated})
    single = joints(tmp_path)
    for clip, frames, length in zip(single, padded, LENGTHS, strict=True):
        np.testing.assert_array_equal(clip, frames[None, :length])
    write(tmp_path, {**arrays, "frames": np.stack([padded, -padded], axis=1)})
    for clip, first in zip(joints(tmp_path), single, strict=True):
        np.testing.assert_array_equal(clip, np.concatenate([first, -first]))


def test_joints_are_sorted_by_their_names(tmp_path: Path, arrays: dict[str, Any]) -> None:
    order = np.random.default_rng(1).permutation(20)
    names = np.array(JOINTS[KINECT_V1])[order]
    write(tmp_path, {**arrays, "frames": arrays["frames"][:, :, order], "joint_names": names})
    reader = NpzReader()
    clip = reader.read(reader.scan(tmp_path).clips[0])
    assert clip.layout == KINECT_V1
    np.testing.assert_array_equal(clip.joints[0], arrays["frames"][0, :4, :20])


def test_without_names_the_count_decides(tmp_path: Path, arrays: dict[str, Any]) -> None:
    for count, layout in ((25, NTU), (20, KINECT_V1)):
        reader = NpzReader()
        write(tmp_path, {**arrays, "frames": arrays["frames"][:, :, :count]})
        assert reader.read(reader.scan(tmp_path).clips[0]).layout == layout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lengths": np.array([4, 7, 5])}, "do not fit"),
        ({"lengths": np.array([4, -1, 5])}, "-1"),
        ({"lengths": np.array([4.0, 6.0, 5.0])}, "whole numbers"),
        ({"label": np.array([0, 4])}, "'label' is [2]"),
        ({"names": np.array([1, 2, 3])}, "text"),
        ({"names": np.array(["a", None, "b"], dtype=object)}, "plain arrays"),
        ({"frames": np.zeros((3, 6, 25, 2))}, "shape [3, 6, 25, 2]"),
        ({"frames": np.zeros((7, 25, 3))}, "add up to 15"),
        ({"frames": np.full((3, 6, 25, 3), "x")}, "shape"),
        ({"subject": None}, "lacks subject"),
    ],
)
def test_a_file_that_breaks_the_rules_is_rejected(
    tmp_path: Path, arrays: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    changed = {key: value for key, value in {**arrays, **changes}.items() if value is not None}
    write(tmp_path, changed)
    listing = NpzReader().scan(tmp_path)
    assert listing.clips == ()
    assert message in listing.rejected[0].reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": np.zeros((3, 6, 25, 3))}, "all coordinates are zero"),
        ({"lengths": np.array([0, 6, 5])}, "0 frames"),
        ({"frames": np.ones((3, 6, 24, 3))}, "24 joints"),
        ({"joint_names": np.array(["head"] * 25)}, "joint names"),
        ({"joint_names": np.array(["head"])}, "joint_names"),
    ],
)
def test_a_clip_that_is_none_is_refused(
    tmp_path: Path, arrays: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    write(tmp_path, {**arrays, **changes})
    reader = NpzReader()
    with pytest.raises(InputError, match=message):
        reader.read(reader.scan(tmp_path).clips[0])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_archive_is_rejected(tmp_path: Path, arrays: dict[str, Any], share: float) -> None:
    path = write(tmp_path, arrays)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    listing = NpzReader().scan(tmp_path)
    assert listing.clips == ()
    assert "cannot be read" in listing.rejected[0].reason
