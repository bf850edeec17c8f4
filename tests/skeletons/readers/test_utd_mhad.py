from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS, KINECT_V1
from zsl_skeleton.skeletons.readers.utd_mhad import UtdMhadReader

# The publisher's order of rows.
ROWS = ("head", "shoulder-center", "spine", "hip-center", *JOINTS[KINECT_V1][4:])


@pytest.fixture
def skeleton() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, 3, 6))


def write(folder: Path, value: Any, name: str = "a27_s8_t4_skeleton.mat", variable: str = "d_skel") -> Path:
    savemat(folder / name, {"before": np.arange(3), variable: value})
    return folder / name


def read(folder: Path) -> Any:
    reader = UtdMhadReader()
    (ref,) = reader.scan(folder).clips
    return reader.read(ref)


def test_joints_come_in_the_order_of_their_names(tmp_path: Path, skeleton: np.ndarray) -> None:
    write(tmp_path, skeleton)
    clip = read(tmp_path)
    assert clip.layout == KINECT_V1
    assert clip.joints.shape == (1, 6, 20, 3)
    for row, name in enumerate(ROWS):
        np.testing.assert_array_equal(clip.joints[0, :, JOINTS[KINECT_V1].index(name)], skeleton[row].T)


def test_names_tell_action_subject_and_id(tmp_path: Path, skeleton: np.ndarray) -> None:
    write(tmp_path, skeleton)
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", skeleton, "a1_s3_t2_skeleton.mat")
    write(tmp_path, skeleton, "a1_s1_skeleton.mat")
    (tmp_path / "Skeleton_joint_order.txt").write_text("no recording")
    listing = UtdMhadReader().scan(tmp_path)
    assert [(c.id, c.label, c.subject, c.view) for c in listing.clips] == [
        ("a27_s8_t4", 26, 8, 0),
        ("a1_s3_t2", 0, 3, 0),
    ]
    assert [entry.id for entry in listing.rejected] == ["a1_s1_skeleton"]
    assert "a1_s1_t1_skeleton.mat" in listing.rejected[0].reason


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.9])
def test_a_truncated_file_is_named(tmp_path: Path, skeleton: np.ndarray, share: float) -> None:
    path = write(tmp_path, skeleton)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=path.name):
        read(tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16, np.uint8])
def test_number_types_and_compression(tmp_path: Path, skeleton: np.ndarray, kind: type, compressed: bool) -> None:
    value = (skeleton * 10).clip(0).astype(kind)
    savemat(tmp_path / "a1_s1_t1_skeleton.mat", {"d_skel": value}, do_compression=compressed)
    np.testing.assert_array_equal(read(tmp_path).joints[0, :, 3], value[0].T)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_bytes_never_escape_as_another_error(tmp_path: Path, skeleton: np.ndarray, compressed: bool) -> None:
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    savemat(path, {"d_skel": skeleton}, do_compression=compressed)
    content = path.read_bytes()
    random = np.random.default_rng(1)
    for _ in range(500):
        damaged = bytearray(content)
        for place in random.integers(120, 256, size=3):
            damaged[place] = random.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            read(tmp_path)
        except InputError as error:
            assert path.name in error.what


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((19, 3, 4)), r"\[19, 3, 4\]"),
        (np.zeros((20, 3)), r"\[20, 3\]"),
        (np.full((20, 3, 4), "x"), "MATLAB"),
        (np.ones((20, 3, 4)) * 1j, "MATLAB"),
        (np.zeros((20, 3, 4)), "all coordinates are zero"),
        ({"field": 1.0}, "MATLAB"),
    ],
)
def test_what_is_no_clip_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    write(tmp_path, value)
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def test_numbers_that_are_not_finite_are_named_by_frame_and_joint(tmp_path: Path, skeleton: np.ndarray) -> None:
    skeleton[ROWS.index("left-knee"), 1, 4] = np.nan
    write(tmp_path, skeleton)
    with pytest.raises(InputError, match=r"frame 4, joint 13 \(left-knee\): y is not finite"):
        read(tmp_path)


def test_a_file_without_the_variable_and_a_foreign_file(tmp_path: Path, skeleton: np.ndarray) -> None:
    path = write(tmp_path, skeleton, variable="other")
    with pytest.raises(InputError, match="d_skel"):
        read(tmp_path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(InputError, match="MATLAB"):
        read(tmp_path)
