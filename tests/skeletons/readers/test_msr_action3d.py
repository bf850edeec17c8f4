from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.layouts import JOINTS, KINECT_V1
from zsl_skeleton.skeletons.readers.msr_action3d import MsrAction3DReader

NAME = "a13_s09_e02_skeleton3D.txt"
# Row of the file -> joint.
ROWS = (
    "left-shoulder", "right-shoulder", "shoulder-center", "spine", "left-hip", "right-hip", "hip-center", "left-elbow",
    "right-elbow", "left-wrist", "right-wrist", "left-hand", "right-hand", "left-knee", "right-knee", "left-ankle",
    "right-ankle", "left-foot", "right-foot", "head",
)  # fmt: skip


@pytest.fixture
def lines() -> list[str]:
    numbers = np.random.default_rng(0).normal(size=(60, 3)).round(6)
    return [f"{x:.6f} {y:.6f} {z:.6f} 1.000000" for x, y, z in numbers]


def read(folder: Path, lines: list[str] | bytes) -> Any:
    content = lines if isinstance(lines, bytes) else ("\n".join(lines) + "\n").encode()
    (folder / NAME).write_bytes(content)
    reader = MsrAction3DReader()
    (ref,) = reader.scan(folder).clips
    assert (ref.id, ref.label, ref.subject) == ("a13_s09_e02", 12, 9)
    return reader.read(ref)


def test_joints_come_in_the_order_of_their_names(tmp_path: Path, lines: list[str]) -> None:
    clip = read(tmp_path, lines)
    assert clip.joints.shape == (1, 3, 20, 3)
    for row, name in enumerate(ROWS):
        expected = [float(field) for field in lines[20 + row].split()[:3]]
        assert clip.joints[0, 1, JOINTS[KINECT_V1].index(name)].tolist() == expected


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (7, "1 2 3", "line 8: expected 4 numbers, found 3"),
        (7, "1 2 3 4 5", "line 8: expected 4 numbers, found 5"),
        (7, "", "line 8: expected 4 numbers, found 0"),
        (41, "1 2 three 4", "line 42: 'three' is not a number"),
        (20 + 19, "1 nan 3 1", r"frame 1, joint 3 \(head\): y is not finite"),
        (6, "inf 0 3 1", r"frame 0, joint 0 \(hip-center\): x is not finite"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, lines: list[str], line: int, text: str, message: str) -> None:
    lines[line] = text
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, lines)
    assert NAME in caught.value.what


@pytest.mark.parametrize("count", [1, 19, 59])
def test_a_file_that_ends_inside_a_frame(tmp_path: Path, lines: list[str], count: int) -> None:
    with pytest.raises(InputError, match=f"line {count}: the file ends inside a frame"):
        read(tmp_path, lines[:count])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00binary"])
def test_empty_files_and_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=NAME):
        read(tmp_path, content)


def test_an_all_zero_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all coordinates are zero"):
        read(tmp_path, ["0 0 0 0"] * 40)
