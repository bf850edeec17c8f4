from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reader_samples import ntu_text
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.layouts import NTU
from zsl_skeleton.skeletons.readers.ntu import NtuReader
from zsl_skeleton.skeletons.readers.ntu_text import parse_bodies
from zsl_skeleton.skeletons.sources import Source
from zsl_skeleton.skeletons.synthesis.ntu_text import TrackedBody, skeleton_text

NAME = "S017C003P020R002A060.skeleton"
A, B = "72057594037908990", "72057594037908991"


def parse(text: str | bytes) -> Any:
    return parse_bodies(text.encode() if isinstance(text, str) else text, Source(Path(NAME)))


def read(folder: Path, text: str, **options: str) -> np.ndarray:
    (folder / NAME).write_text(text)
    reader = NtuReader(**options)
    (ref,) = reader.scan(folder).clips
    clip = reader.read(ref)
    assert clip.layout == NTU
    return clip.joints


def test_what_was_written_is_read() -> None:
    random = np.random.default_rng(0)
    joints = (random.uniform(-1, 1, size=(2, 6, 25, 3)) + np.array([0.0, 0.0, 3.0])).round(6)
    present = np.ones((2, 6), dtype=np.bool_)
    present[0, 2] = present[1, [0, 2]] = False
    guessed = np.zeros((6, 25), dtype=np.bool_)
    bodies = [TrackedBody(name, *rest) for name, *rest in zip((A, B), joints, [guessed, guessed], present, strict=True)]
    found = parse(skeleton_text(bodies, np.array([False, False, False, True, False, False])))
    assert found.frames == 6
    assert found.frame.tolist() == [0, 1, 1, 3, 3, 4, 4, 5, 5]
    assert found.ids == (A, A, B, B, A, A, B, A, B)
    order = [(0, 0), (0, 1), (1, 1), (1, 3), (0, 3), (0, 4), (1, 4), (0, 5), (1, 5)]
    np.testing.assert_allclose(found.joints, [joints[body, frame] for body, frame in order], atol=5e-7)


def test_ids_that_a_float_could_not_tell_apart_are_two_bodies() -> None:
    assert float(A) == float(B)
    assert parse(ntu_text([[A, B]])).ids == (A, B)


def test_the_name_tells_class_performer_and_camera(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / NAME).write_text(ntu_text([[A]]))
    for name in ("S001C001P001R001A001 (1)", "S1C1P1R1A1"):
        (tmp_path / f"{name}.skeleton").touch()
    listing = NtuReader().scan(tmp_path)
    assert [(ref.id, ref.label, ref.subject, ref.view) for ref in listing.clips] == [(NAME[:20], 59, 20, 3)]
    assert [entry.id for entry in listing.rejected] == ["S001C001P001R001A001 (1)", "S1C1P1R1A1"]


def test_straight_from_an_archive(tmp_path: Path) -> None:
    text = ntu_text([[A], [B, A]])
    expected = read(tmp_path, text)
    with zipfile.ZipFile(tmp_path / "nturgbd_skeletons.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"nturgb+d_skeletons/{NAME}", text)
    reader = NtuReader()
    (ref,) = reader.scan(tmp_path / "nturgbd_skeletons.zip").clips
    np.testing.assert_array_equal(reader.read(ref).joints, expected)


def test_the_choice_of_bodies_is_an_option(tmp_path: Path) -> None:
    text = ntu_text([[A, B]] + [[B]] * 19)
    assert read(tmp_path, text, bodies="first").shape == (2, 20, 25, 3)
    assert read(tmp_path, text, bodies="motion").shape == (1, 20, 25, 3)
    with pytest.raises(UsageError, match="unknown choice of bodies 'third'"):
        NtuReader(bodies="third")
    with pytest.raises(InputError, match=f"{NAME}: the body {A} is listed twice in a frame"):
        read(tmp_path, ntu_text([[A, A]] * 3), bodies="motion")


def test_line_ends_and_blanks_of_other_systems(tmp_path: Path) -> None:
    text = ntu_text([[A], []])
    expected = parse(text).joints
    for other in (text.replace("\n", "\r\n"), text.replace(" ", "\t "), text.rstrip("\n"), text + "\n \n"):
        np.testing.assert_array_equal(parse(other).joints, expected)


def test_fields_that_are_not_positions_may_hold_anything() -> None:
    lines = ntu_text([[A]]).splitlines()
    lines[7] = "1.5 -2.5 3.5 NaN -1.#IND x 0 0 0 0 0 2"
    np.testing.assert_array_equal(parse("\n".join(lines)).joints[0, 3], [1.5, -2.5, 3.5])


def edited(line: int, text: str | None) -> str:
    """Two frames; lines 1 to 56. ``None`` takes the line away."""
    lines = ntu_text([[A], [B]]).splitlines()
    lines[line - 1 : line] = [] if text is None else [text]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "text", "where", "message"),
    [
        (1, "3", 58, "the file ends where the number of bodies in frame 2 should follow"),
        (1, "1", 30, "goes on behind its 1 frames"),
        (1, "0", 2, "goes on behind its 0 frames"),
        (1, "1000001", 1, "the number of frames \\(0 to 1000000\\), found '1000001'"),
        (1, "-1", 1, "found '-1'"),
        (1, "2.0", 1, "found '2.0'"),
        (1, "2 2", 1, "expected the number of frames, found 2 fields"),
        (1, "", 1, "found 0 fields"),
        (2, "2", 31, "expected the number of joints in frame 0, found 10 fields"),
        (2, "21", 2, "number of bodies in frame 0 \\(0 to 20\\), found '21'"),
        (3, "x 0 1 1 1 1 0 0 0 2", 3, "'x' is not the id of a body"),
        (3, f"{A} 0 1 1 1 1 0 0 0", 3, "expected 10 fields, found 9"),
        (4, "24", 4, "expected 25 joints, found 24"),
        (4, "26", 4, "expected 25 joints, found 26"),
        (7, "1 2 3 4 5 6 7 8 9 10 11", 7, "expected 12 fields, found 11"),
        (29, None, 29, "expected 12 fields, found 1"),
        (20, None, 29, "expected 12 fields, found 1"),
        (40, "1 2 x 4 5 6 7 8 9 10 11 2", 40, "b'x' is not a number"),
        (40, "1 2 1_0 4 5 6 7 8 9 10 11 2", 40, "b'1_0' is not a number"),
        (35, "1 nan 3 4 5 6 7 8 9 10 11 2", 35, "frame 1, joint 2 \\(neck\\): y is not finite"),
        (35, "1 1e30 3 4 5 6 7 8 9 10 11 2", 35, "frame 1, joint 2 \\(neck\\): y is absurdly large"),
        (35, "1 2 -1e999 4 5 6 7 8 9 10 11 2", 35, "frame 1, joint 2 \\(neck\\): z is not finite"),
        (35, "1 2 3 4 5 6 7 8 9 10 11 \x00", 35, "byte 0x00 is no text"),
        (35, "1 2 3 4 5 6 7 8 9 10 11 é", 35, "byte 0xc3 is no text"),
    ],
)
def test_what_is_broken_is_named_by_its_line(line: int, text: str | None, where: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse(edited(line, text))
    assert caught.value.what.startswith(f"{NAME}, line {where}: ")


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4, 17, 29, 30, 56])
def test_a_truncated_file_is_refused(lines: int) -> None:
    text = "".join(line + "\n" for line in ntu_text([[A], [B]]).splitlines()[:lines])
    with pytest.raises(InputError, match=NAME):
        parse(text)
    if lines:
        with pytest.raises(InputError, match=NAME):
            parse(text[:-20])


def test_a_clip_that_shows_nobody(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of its 3 frames shows a body"):
        parse(ntu_text([[], [], []]))
    lines = ntu_text([[A]]).splitlines()
    lines[4:] = ["0 0 0 4 5 6 7 8 9 10 11 0"] * 25
    with pytest.raises(InputError, match="all coordinates are zero"):
        read(tmp_path, "\n".join(lines))


def test_the_catalog_lists_what_the_publisher_calls_missing() -> None:
    sixty, both = load_dataset("ntu60"), load_dataset("ntu120")
    assert (sixty.reader, both.reader) == ("ntu", "ntu")
    assert (len(set(sixty.missing)), len(set(both.missing))) == (302, 535)
    assert {name for name in both.missing if int(name[1:4]) <= 17} == set(sixty.missing)
    assert sixty.expected_clips is not None
    assert sixty.expected_clips + 302 == 56_880
    for dataset in (sixty, both):
        actions = [int(name[-3:]) for name in dataset.missing]
        assert dataset.expected_per_class is not None
        for index in (0, 7, 54):
            recorded = dataset.expected_per_class[index] + actions.count(index + 1)
            assert recorded == 948
