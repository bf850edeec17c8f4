"""PKU-MMD: skeletons, labels and lists that lie apart, and everything that may be wrong with them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.importing import import_recordings
from zsl_skeleton.skeletons.readers import Listing, open_reader
from zsl_skeleton.skeletons.readers.pku_mmd import PkuMmd2Reader, PkuMmdReader
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

LABELS = "3,11,20,1\n51,15,30,0\n"
LISTS = "Training videos:\n0002-L, 0002-M, \n\nValidation videos:\n0002-R,\n"


def skeletons(frames: int = 30, second: Sequence[int] = (), seed: int = 0) -> np.ndarray:
    """[T, 2, 25, 3]; the second body is there in the frames of ``second``."""
    joints = np.random.default_rng(seed).normal(size=(frames, 2, 25, 3)).round(6)
    joints[[frame for frame in range(frames) if frame not in second], 1] = 0.0
    return joints


def write(path: Path, joints: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(" ".join(f"{x:.6f}" for x in row) + " \n" for row in joints.reshape(len(joints), -1)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three recordings as published: skeletons and labels in two folders, the cross-subject list beside them."""
    for view in "LMR":
        write(tmp_path / "Skeleton" / f"0002-{view}.txt", skeletons(second=range(14, 20)))
        (tmp_path / "Label").mkdir(exist_ok=True)
        (tmp_path / "Label" / f"0002-{view}.txt").write_text(LABELS)
    (tmp_path / "cross-subject.txt").write_text(LISTS)
    return tmp_path


def reasons(listing: Listing) -> dict[str, str]:
    return {entry.id: entry.reason for entry in listing.rejected}


def test_one_clip_per_label_with_frames_counted_from_1_and_the_last_included(root: Path) -> None:
    reader = PkuMmdReader()
    listing = reader.scan(root)
    assert listing.rejected == ()
    assert [ref.id for ref in listing.clips] == [
        f"F002V{view:03}C{clip}" for view in (1, 2, 3) for clip in ("003L001", "051L002")
    ]
    first, second = listing.clips[:2]
    assert (first.label, first.subject, first.view, first.start, first.stop) == (2, -1, 1, 10, 20)
    assert [dict(ref.parts) for ref in listing.clips] == [{"xsub": True}] * 4 + [{"xsub": False}] * 2
    expected = skeletons(second=range(14, 20)).transpose(1, 0, 2, 3)
    np.testing.assert_array_equal(reader.read(first).joints, expected[:, 10:20])
    np.testing.assert_array_equal(reader.read(second).joints, expected[:, 14:30])
    assert reader.read(first).layout == "ntu-25"


def test_a_clip_without_a_second_body_has_one_person(root: Path) -> None:
    (root / "Label" / "0002-L.txt").write_text("1,1,14,1\n1,14,15,1")
    reader = PkuMmdReader()
    shapes = [reader.read(ref).joints.shape for ref in reader.scan(root).clips[:2]]
    assert shapes == [(1, 14, 25, 3), (2, 2, 25, 3)]


def test_part_two_names_its_subjects_and_passes_over_part_one(root: Path) -> None:
    write(root / "v2" / "skeletons" / "A07N13-R.txt", skeletons())
    (root / "v2" / "labels").mkdir()
    (root / "v2" / "labels" / "A07N13-R.txt").write_text("51, 1, 5, 0.5\n")
    (root / "cross_view_v2.txt").write_text("Training\nA07N13-R\nTest\n,\n")
    listing = PkuMmd2Reader().scan(root)
    assert listing.rejected == ()
    (ref,) = listing.clips
    assert (ref.id, ref.label, ref.subject, ref.view) == ("A007N013V003C051L001", 50, 7, 3)
    assert ref.parts == (("xview", True),)
    assert len(PkuMmdReader().scan(root).clips) == 6


@pytest.mark.parametrize("name", ["pku-mmd", "pku-mmd-2"])
def test_catalog_and_reader_name_the_same_lists_and_clips(name: str) -> None:
    dataset, reader = load_dataset(name), open_reader(load_dataset(name).reader or "")
    assert isinstance(reader, PkuMmdReader)
    assert {protocol.name: protocol.train_list for protocol in dataset.protocols.values()} == dict(reader.lists)
    form = r"A\d{3}N\d{3}" if name == "pku-mmd-2" else r"F\d{3}"
    for fault in dataset.known_faults:
        assert re.fullmatch(form + r"V00[123]C0\d\dL\d{3}", fault.id)


def test_straight_from_the_archives(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    packed = tmp_path_factory.mktemp("packed")
    for archive, folder in (("PKU_Skeletons.zip", "Skeleton"), ("Train_Label.zip", "Label")):
        with zipfile.ZipFile(packed / archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted((root / folder).iterdir()):
                file.write(path, f"txt/{path.name}")
    (packed / "cross-subject.txt").write_text(LISTS)
    here, there = (PkuMmdReader(), PkuMmdReader())
    for one, other in zip(here.scan(root).clips, there.scan(packed).clips, strict=True):
        assert (one.id, one.parts) == (other.id, other.parts)
        np.testing.assert_array_equal(here.read(one).joints, there.read(other).joints)


def test_folders_of_other_names_are_told_apart_by_their_content(root: Path) -> None:
    (root / "Skeleton").rename(root / "a")
    (root / "Label").rename(root / "b")
    assert len(PkuMmdReader().scan(root).clips) == 6


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0,11,20,1", "there is no class 0"),
        ("52,11,20,1", "there is no class 52"),
        ("3,20,11,1", "frames 20 to 11 are none"),
        ("3,0,11,1", "frames 0 to 11 are none"),
        ("3,-5,11,1", "frames -5 to 11 are none"),
        ("3,11,20", "is not a label"),
        ("3,11,20,1,1", "is not a label"),
        ("3,11.5,20,1", "is not a label"),
        ("3;11;20;1,", "is not a label"),
        ("bow,11,20,1", "is not a label"),
        ("99999999999999999999,1,2,1", "is not a label"),
    ],
)
def test_a_line_that_is_no_label_is_rejected_and_the_others_are_kept(root: Path, line: str, reason: str) -> None:
    (root / "Label" / "0002-L.txt").write_text(f"1,1,2,1\n\n{line}\n3,11,20,1\n")
    listing = PkuMmdReader().scan(root)
    assert [ref.id for ref in listing.clips][:2] == ["F002V001C001L001", "F002V001C003L003"]
    found = reasons(listing)
    assert list(found) == ["F002V001L002"]
    assert reason in found["F002V001L002"]
    assert "0002-L.txt, line 3" in found["F002V001L002"]


def test_a_clip_beyond_the_end_of_the_recording_is_refused(root: Path) -> None:
    (root / "Label" / "0002-L.txt").write_text("1,25,31,1\n1,21,30,1\n")
    reader = PkuMmdReader()
    beyond, within = reader.scan(root).clips[:2]
    with pytest.raises(InputError, match="frames 25 to 31") as caught:
        reader.read(beyond)
    assert "30 frames" in caught.value.why
    assert reader.read(within).joints.shape[1] == 10


def test_recordings_without_labels_and_labels_without_a_recording(root: Path) -> None:
    (root / "Label" / "0002-L.txt").unlink()
    (root / "Skeleton" / "0002-M.txt").unlink()
    (root / "Label" / "0002-R.txt").write_text(" \n")
    listing = PkuMmdReader().scan(root)
    assert listing.clips == ()
    found = reasons(listing)
    assert "Skeleton/0002-L.txt comes without labels" in found["0002-L"]
    assert "Label/0002-M.txt comes without skeletons" in found["0002-M"]
    assert "holds no label" in found["0002-R"]


@pytest.mark.parametrize(("gone", "lacks"), [("Label", "labels"), ("Skeleton", "skeletons")])
def test_half_of_the_publication_is_an_error(root: Path, gone: str, lacks: str) -> None:
    for path in (root / gone).iterdir():
        path.unlink()
    with pytest.raises(InputError, match=f"but no {lacks}"):
        PkuMmdReader().scan(root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:4], lines[4].rsplit(maxsplit=1)[0], *lines[5:]], "line 5: 149 numbers"),
        (lambda lines: [*lines[:4], lines[4].rstrip() + " 1", *lines[5:]], "line 5: 151 numbers"),
        (lambda lines: [*lines[:4], "x" + lines[4], *lines[5:]], "line 5: 'x"),
        (lambda lines: [*lines[:4], "", *lines[4:]], "line 5: 0 numbers"),
        (lambda lines: [line.rsplit(maxsplit=1)[0] for line in lines], "line 1: 149 numbers"),
        (lambda lines: [*lines[:12], "nan " + lines[12].split(maxsplit=1)[1], *lines[13:]], "frame 12, joint 0"),
        (lambda lines: [], "0 frames"),
        (lambda lines: ["0 " * 150] * len(lines), "all coordinates are zero"),
    ],
)
def test_broken_skeletons_are_named_by_line(root: Path, change: Callable[[list[str]], list[str]], message: str) -> None:
    path = root / "Skeleton" / "0002-L.txt"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    reader = PkuMmdReader()
    with pytest.raises(InputError, match=message):
        reader.read(reader.scan(root).clips[0])


def test_bytes_that_are_no_text(root: Path) -> None:
    (root / "Skeleton" / "0002-L.txt").write_bytes(b"\xff\xfe" * 200)
    (root / "Label" / "0002-M.txt").write_bytes(b"\xff,1,2,3")
    reader = PkuMmdReader()
    listing = reader.scan(root)
    with pytest.raises(InputError, match="not UTF-8"):
        reader.read(listing.clips[0])
    assert "not UTF-8" in reasons(listing)["0002-M"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Training\n0002-L,0002-M\nTest\n0002-M, 0002-R\n", "0002-M is a training and a test recording"),
        ("Training\n0002-L\n", "2 lines"),
        ("", "0 lines"),
        ("Training\n0002-L,A01N01-L\nTest\n0002-R\n", "line 2: 'A01N01-L'"),
    ],
)
def test_damaged_lists(root: Path, text: str, message: str) -> None:
    (root / "cross-view.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        PkuMmdReader().scan(root)


def test_listed_recordings_that_are_missing_are_named(root: Path) -> None:
    (root / "cross-view.txt").write_text("Training\n0002-L,0003-M,0003-R\nTest\n0004-L\n")
    listing = PkuMmdReader().scan(root)
    assert [dict(ref.parts)["xview"] for ref in listing.clips] == [True] * 2 + [False] * 4
    assert listing.rejected == ()
    assert listing.remarks == (
        "cross-view.txt names 3 recordings that are not here: 0003-M; 0003-R; 0004-L",
        "cross-view.txt does not name 2 recordings, which count as test: 0002-M; 0002-R",
    )


def test_a_recording_that_lies_twice_below_the_root_is_an_error(root: Path) -> None:
    write(root / "copy" / "skeleton" / "0002-L.txt", skeletons(seed=1))
    with pytest.raises(InputError, match=r"0002-L\.txt lies twice") as caught:
        PkuMmdReader().scan(root)
    assert "copy/skeleton" in caught.value.why


def test_names_that_mean_nothing_are_rejected_and_companions_are_not(root: Path) -> None:
    for name in ("002-L.txt", "README.txt", "SYNTHETIC.txt", "cross_view_v2.txt"):
        (root / name).write_text("1 2 3\n")
    assert list(reasons(PkuMmdReader().scan(root))) == ["002-L"]


def test_a_recording_is_parsed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    loadtxt = np.loadtxt

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return loadtxt(*arguments, **options)

    monkeypatch.setattr(np, "loadtxt", counted)
    reader = PkuMmdReader()
    for ref in reader.scan(root).clips:
        reader.read(ref)
    assert len(calls) == 3


def test_from_the_publication_to_the_parts_of_the_protocols(root: Path, store: Store) -> None:
    (root / "Label" / "0002-R.txt").write_text(LABELS + "52,1,2,1\n1,25,31,1\n")
    dataset = load_dataset("pku-mmd")
    artifact = import_recordings(store, dataset, root, "aimclr-50")
    found = SkeletonSet.open(artifact)
    assert found.clips.shape == (6, 3, 50, 25, 2)
    assert set(found.subjects) == {-1}
    assert training_part(found, dataset.protocol("xsub")).tolist() == [True] * 4 + [False] * 2
    with pytest.raises(InputError, match=r"cross-view\.txt"):
        training_part(found, dataset.protocol("xview"))
    assert artifact.card.summary["remarks"] == ["cross-view.txt does not lie there: protocol xview cannot be used"]
    skipped = {entry["id"]: entry["reason"] for entry in artifact.card.summary["skipped"]}
    assert set(skipped) == {"F002V003L003", "F002V003C001L004"}
    assert all(str(root) not in reason for reason in skipped.values())
