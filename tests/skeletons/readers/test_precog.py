from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.readers.precog import PrecogReader

HEADER = (
    "HipCenter; Spine; ShoulderCenter; Head; ShoulderLeft; ElbowLeft; WristLeft; HandLeft; ShoulderRight; ElbowRight; "
    "WristRight; HandRight; HipLeft; KneeLeft; AnkleLeft; FootLeft; HipRight; KneeRight; AnkleRight; FootRight"
)
ACTIONS = [0, 0, *[3] * 5, 0, *[1] * 4, *[8] * 6, 3, 0]


def line(action: int, frame: int) -> str:
    cells = [f"{frame}.5 {joint}.25 2.0" for joint in range(20)]
    return ";".join([*cells, str(action)])


def write(folder: Path, lines: list[str], name: str = "Seq2_11.csv") -> None:
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def lines() -> list[str]:
    return [HEADER, *(line(action, frame) for frame, action in enumerate(ACTIONS))]


def test_runs_of_one_label_of_five_frames_are_clips(tmp_path: Path, lines: list[str]) -> None:
    write(tmp_path, lines)
    reader = PrecogReader()
    listing = reader.scan(tmp_path)
    assert [(c.id, c.label, c.subject) for c in listing.clips] == [
        ("Seq2_11_0002-0006", 2, 11),
        ("Seq2_11_0012-0017", 7, 11),
    ]
    clip = reader.read(listing.clips[1]).joints
    assert clip.shape == (1, 6, 20, 3)
    np.testing.assert_array_equal(clip[0, :, 0, 0], np.arange(12, 18) + 0.5)
    np.testing.assert_array_equal(clip[0, 0, :, 1], np.arange(20) + 0.25)


def test_decimal_commas_are_read(tmp_path: Path, lines: list[str]) -> None:
    write(tmp_path, [HEADER, *(row.replace(".", ",") for row in lines[1:])])
    reader = PrecogReader()
    assert reader.read(reader.scan(tmp_path).clips[0]).joints[0, 0, 3].tolist() == [2.5, 3.25, 2.0]


@pytest.mark.parametrize(
    ("number", "text", "message"),
    [
        (0, "a; b; c", "joint names"),
        (0, HEADER.replace("Spine; ShoulderCenter", "ShoulderCenter; Spine"), "line 1"),
        (4, line(3, 3).replace("4.25 2.0;", "4.25;", 1), "line 5: expected 20 cells"),
        (4, line(3, 3).split(";", 1)[1], "line 5: expected 20 cells"),
        (4, line(3, 3).rsplit(";", 1)[0], "line 5: expected 20 cells"),
        (4, line(3, 3) + "x", "line 5"),
        (4, line(3, 3).replace("4.25", "four", 1), "line 5: 'four' is not a number"),
        (4, "", "line 5"),
    ],
)
def test_a_broken_file_is_rejected_with_its_line(
    tmp_path: Path, lines: list[str], number: int, text: str, message: str
) -> None:
    lines[number] = text
    write(tmp_path, lines)
    listing = PrecogReader().scan(tmp_path)
    assert listing.clips == ()
    assert [entry.id for entry in listing.rejected] == ["Seq2_11"]
    assert message in listing.rejected[0].reason


def test_an_empty_file_and_a_foreign_name_are_rejected(tmp_path: Path, lines: list[str]) -> None:
    write(tmp_path, [""])
    write(tmp_path, lines, "sequence2.csv")
    assert [entry.id for entry in PrecogReader().scan(tmp_path).rejected] == ["Seq2_11", "sequence2"]


def test_frames_are_named_as_the_file_counts_them(tmp_path: Path, lines: list[str]) -> None:
    lines[5] = line(3, 4).replace("4.25", "nan", 1)
    write(tmp_path, lines)
    reader = PrecogReader()
    with pytest.raises(InputError, match=r"frame 4, joint 4 \(left-shoulder\): y"):
        reader.read(reader.scan(tmp_path).clips[0])
