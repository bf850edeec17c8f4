from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.arrays.pickles import restricted_unpickler
from zsl_skeleton.skeletons.arrays.pickles.pyskl import convert
from zsl_skeleton.skeletons.arrays.pickles.restricted_unpickler import read_pickle
from zsl_skeleton.skeletons.arrays.pickles.values import PickledArray
from zsl_skeleton.skeletons.readers import open_reader

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def document(count: int = 4) -> dict[str, Any]:
    """What pyskl publishes: every other clip shows two persons."""
    random = np.random.default_rng(0)
    annotations = [
        {
            "frame_dir": f"S001C{row % 3 + 1:03d}P{row + 1:03d}R001A{row + 1:03d}",
            "label": np.int64(row) if row == 1 else row,
            "total_frames": 4 + row,
            "keypoint": random.normal(size=(1 + row % 2, 4 + row, 25, 3)).astype(
                [np.float16, np.float32][row // 2 % 2]
            ),
        }
        for row in range(count)
    ]
    names = [entry["frame_dir"] for entry in annotations]
    split = {"xsub_train": names[::2], "xsub_val": names[1::2], "xview_train": names[:3], "xview_val": names[3:]}
    return {"split": split, "annotations": annotations}


def write(folder: Path, content: Any, protocol: int = 2) -> Path:
    path = folder / "annotations.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return path


def plain(value: Any) -> Any:
    """A pickle's content with its arrays read."""
    if isinstance(value, PickledArray):
        return value.read()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_content_of_any_protocol_equals_what_was_pickled(tmp_path: Path, protocol: int) -> None:
    given = {
        "array": np.arange(60.0).reshape(3, 4, 5)[::-1],
        "columns": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        "empty": np.zeros((0, 3), np.float32),
        "large": np.random.default_rng(1).normal(size=(2, 1000)).astype(np.float16),
        "nested": [
            {"a": [1, (2.5, None, True)], "text": "ä" * 50, "bytes": b"\x00\xff" * 3},
            -(2**70),
            np.float32(3),
        ],
    }
    found = plain(read_pickle(write(tmp_path, given, protocol)))
    for name in ("array", "columns", "empty", "large"):
        np.testing.assert_array_equal(found[name], given[name])
        assert found[name].dtype == given[name].dtype
    assert found["nested"] == given["nested"]


class Asks:
    def __reduce__(self) -> Any:
        return os.system, ("touch stolen",)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Asks(), "asks for (posix|nt).system"),
        ({"a": [Asks()]}, "asks for (posix|nt).system"),
        (np.array([Asks()], dtype=object), "type O8"),
        (Path("x"), "asks for pathlib"),
        (slice(1), r"asks for (__builtin__|builtins).slice"),
        ({1, 2}, "asks for .*set|uses EMPTY_SET"),
        (np.zeros(2, dtype="i4,f4"), "type V8"),
        (np.ma.zeros(2), "asks for numpy.ma"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
)
def test_anything_else_is_refused_by_name(
    tmp_path: Path, protocol: int, content: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        read_pickle(write(tmp_path, content, protocol))
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\x93NUMPY\x01\x00", "no sound pickle"),
        (b"cos\nsystem\n(S'x'\ntR.", "asks for os.system"),
        (b"(ios\nsystem\n.", "asks for os.system"),
        (b"(cos\nsystem\no.", "asks for os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "asks for os.system"),
        (b"\x80\x02\x82\x01.", "uses EXT1"),
        (b"Pthing\n.", "uses PERSID"),
        (b"cnumpy\nndarray\n)\x81.", "uses NEWOBJ"),
        (b"cnumpy\nndarray\n)R.", "not callable"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.", "unusual"),
        (b"\x8e" + b"\xff" * 7 + b"\x7f.", "promises"),
        (b"B\xff\xff\xff\xffx.", "promises"),
        (b"\x8b\x00\x00\x00\x10" + b"\x01" * 100, "promises"),
        (b"\x8a\xff" + b"\x01" * 255 + b".", "a number has 255 bytes"),
        (b"(" * 101 + b".", "nested more than 100"),
        (b"I" + b"9" * 70_000 + b"\n.", "absurdly long"),
        (b"cos\n" + b"x" * 70_000, "absurdly long"),
        (b"N", "ends early"),
        (b"0.5,0.25\n", "first bytes, b'0.5,0.25.*', are none that a pickle begins with$|begins with\n"),
        (b"]N" + b"u.", "IndexError|list index|pop from empty"),
        (b"}((NNt\x85Nu.", "is a key"),
        (b"}(N]u.", "is a key"),
        (b"K\x01b.", "no sound pickle"),
        (b"r\xff\xff\xff\xff.", "no sound pickle"),
    ],
)
def test_damaged_and_hostile_pickles_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pickle(write(tmp_path, content))


def test_memory_is_bounded_by_the_number_of_opcodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_pickle(write(tmp_path, b"Nr\xff\xff\xff\xff.")) is None  # a far place in the memo costs nothing
    # Each list holds the one before ten times: a thousand bytes for 10^100 values, as long as nobody unfolds them.
    assert (
        len(
            read_pickle(
                write(
                    tmp_path, b"]" + b"q\x00](" + b"h\x00" * 10 + b"e" + (b"q\x00](" + b"h\x00" * 10 + b"e") * 99 + b"."
                )
            )
        )
        == 10
    )
    deep = read_pickle(write(tmp_path, b"N" + b"\x85" * 200_000 + b"."))
    assert isinstance(deep, tuple)
    monkeypatch.setattr(restricted_unpickler, "MAX_OPCODES", 1000)
    with pytest.raises(InputError, match="more than 1000 opcodes"):
        read_pickle(write(tmp_path, b"N" * 2000 + b"."))


def test_conversion_is_read_back_equal(tmp_path: Path) -> None:
    given = document(5)
    made = convert(write(tmp_path, given), tmp_path / "out.npz")
    assert (made.clips, made.persons, made.frames) == (5, 2, 4 + 5 + 6 + 7 + 8)
    assert made.parts == {"xsub": (3, 2), "xview": (3, 2)}
    reader = open_reader("npz")
    listing = reader.scan(tmp_path / "out.npz")
    assert listing.rejected == ()
    for ref, entry in zip(listing.clips, given["annotations"], strict=True):
        joints = reader.read(ref).joints
        keypoint = entry["keypoint"]
        np.testing.assert_array_equal(joints[: len(keypoint)], keypoint)
        assert not joints[len(keypoint) :].any()
        assert (ref.id, ref.label, ref.subject) == (entry["frame_dir"], entry["label"], entry["label"] + 1)
        assert dict(ref.parts) == {p: ref.id in given["split"][f"{p}_train"] for p in ("xsub", "xview")}


def test_equal_clips_give_equal_bytes(tmp_path: Path) -> None:
    for protocol, name in ((0, "a.npz"), (4, "b.npz")):
        convert(write(tmp_path, document(), protocol), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_single_persons_are_converted_without_a_second(tmp_path: Path) -> None:
    given = document()
    for entry in given["annotations"]:
        entry["keypoint"] = entry["keypoint"][:1]
    convert(write(tmp_path, given), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["frames"].shape == (4 + 5 + 6 + 7, 25, 3)


def test_a_protocol_that_does_not_name_every_clip_is_left_out(tmp_path: Path) -> None:
    given = document()
    given["split"]["xview_val"] = ["another"]
    made = convert(write(tmp_path, given), tmp_path / "out.npz")
    assert list(made.parts) == ["xsub"]
    assert made.remarks == ("xview is left out: 1 clips are in neither of its parts",)


def changed(**changes: Any) -> dict[str, Any]:
    given = document()
    given["annotations"][2] |= changes
    return given


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "not laid out like pyskl's annotations"),
        ({"annotations": []}, "not laid out like pyskl's annotations"),
        ({"split": {}, "annotations": []}, "there is no clip"),
        ({"split": {}, "annotations": [3]}, "annotation 0 is a int"),
        (changed(frame_dir=3), "annotation 2 has no 'frame_dir'"),
        (changed(frame_dir="S001C001P001R001A001"), "stands there twice"),
        (changed(label="2"), "no 'label'"),
        (changed(label=-1), "no 'label'"),
        (changed(total_frames=5), "no 'total_frames' that is its 6 frames"),
        (changed(keypoint=np.zeros((1, 6, 25, 2), np.float32)), "no depth"),
        (changed(keypoint=np.zeros((3, 6, 25, 3), np.float32)), r"shape \[3, 6, 25, 3\]"),
        (changed(keypoint=np.zeros((1, 6, 25, 3), np.int64)), "no array of floats"),
        (changed(keypoint=[1.0]), "no array of floats"),
        ({**document(), "split": {"xsub_train": "all"}}, "no list of clips"),
        ({**document(), "split": {"xsub_train": ["a"], "xsub_val": ["a"]}}, "both parts of xsub"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        convert(write(tmp_path, content), tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_an_existing_file_stays(tmp_path: Path) -> None:
    path = write(tmp_path, document())
    (tmp_path / "out.npz").write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists"):
        convert(path, tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == b"precious"
    convert(path, tmp_path / "out.npz", overwrite=True)
    with pytest.raises(UsageError, match=r"no \.npz file"):
        convert(path, tmp_path / "out.h5")


def test_a_mend_says_what_can_be_converted(tmp_path: Path) -> None:
    with pytest.raises(InputError) as missing:
        convert(tmp_path / "nosuch.pkl", tmp_path / "out.npz")
    assert "zsl-data convert" in missing.value.mend
    for content in (Asks(), {"x": 1}):
        with pytest.raises(InputError) as caught:
            convert(write(tmp_path, content), tmp_path / "out.npz")
        assert "'annotations'" in caught.value.mend
        assert "NTU60_CS" not in str(caught.value)
