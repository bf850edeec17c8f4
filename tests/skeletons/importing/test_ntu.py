"""Imports of NTU's files: archives, body choice, both conventions for a second person and prepared clips."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from reader_samples import ntu_text
from skeletons.importing.ntu_recordings import A, name
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.importing import LEFT_OUT, ImportOptions, import_recordings
from zsl_skeleton.skeletons.importing.root import fingerprint
from zsl_skeleton.skeletons.inspect import inspect, render
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

MISSING = "S001C002P005R002A008"


def skipped(artifact: Artifact) -> dict[str, str]:
    return {entry["id"]: entry["reason"] for entry in artifact.card.summary["skipped"]}


def write_zip(path: Path, folder: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in names:
            archive.write(folder / f"{each}.skeleton", f"nturgb+d_skeletons/{each}.skeleton")
    return path


def test_a_folder_its_archive_and_two_halves_give_the_same_clips(
    store: Store, ntu: Dataset, root: Path, tmp_path: Path
) -> None:
    names = sorted(path.stem for path in root.iterdir())
    halves = tmp_path / "halves"
    halves.mkdir()
    write_zip(halves / "nturgbd_skeletons_s001_to_s017.zip", root, names[:5])
    write_zip(halves / "nturgbd_skeletons_s018_to_s032.zip", root, names[5:])
    whole = write_zip(tmp_path / "all.zip", root, names)
    sets = [SkeletonSet.open(import_recordings(store, ntu, place, "ctr-64")) for place in (root, whole, halves)]
    for skeletons in sets:
        assert list(skeletons.ids) == names
        assert skeletons.clips.shape == (12, 3, 64, 25, 2)
        assert skeletons.views.tolist() == [int(each[5:8]) for each in names]
        assert skeletons.subjects.tolist() == [int(each[9:12]) for each in names]
        assert skeletons.labels.tolist() == [int(each[-3:]) - 1 for each in names]
        np.testing.assert_array_equal(skeletons.clips, sets[0].clips)
    summary = sets[0].artifact.card.summary
    assert summary["dropped_frames"] == {name(number): 1 for number in sorted((1, 4, 7, 10), key=name)}
    assert summary["made_up_joints"] == []


def test_the_fingerprint_follows_the_content_not_the_place(root: Path, tmp_path: Path) -> None:
    names = sorted(path.stem for path in root.iterdir())
    whole = write_zip(tmp_path / "all.zip", root, names)
    before = fingerprint(whole, ".skeleton")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(whole, tmp_path / "elsewhere")
    assert fingerprint(tmp_path / "elsewhere" / "all.zip", ".skeleton", 3) == before
    path = root / f"{names[0]}.skeleton"
    path.write_text(path.read_text().replace("\n25\n", "\n25 \n", 1))
    assert fingerprint(write_zip(whole, root, names), ".skeleton") != before
    assert fingerprint(root, ".skeleton") not in (before, fingerprint(whole, ".skeleton"))


def test_every_recipe_chooses_bodies_as_its_authors_do(store: Store, ntu: Dataset, root: Path) -> None:
    usual = {recipe: import_recordings(store, ntu, root, recipe) for recipe in ("aimclr-50", "ctr-64", "hip-32")}
    chosen = {recipe: artifact.card.config["bodies"] for recipe, artifact in usual.items()}
    assert chosen == {"aimclr-50": "first", "ctr-64": "motion", "hip-32": "motion"}
    assert import_recordings(store, ntu, root, "ctr-64", ImportOptions(bodies="motion")).path == usual["ctr-64"].path
    other = import_recordings(store, ntu, root, "ctr-64", ImportOptions(bodies="first"))
    assert other.path != usual["ctr-64"].path
    by_order, by_motion = (SkeletonSet.open(each).clips[0] for each in (other, usual["ctr-64"]))
    assert by_order[..., 1].any()
    assert by_motion[..., 0].any()
    assert not by_motion[..., 1].any()  # wider than high: taken for furniture
    with pytest.raises(UsageError, match="unknown choice of bodies"):
        import_recordings(store, ntu, root, "ctr-64", ImportOptions(bodies="tallest"))  # type: ignore[arg-type]


def test_a_missing_second_person_is_zero_or_a_copy(store: Store, ntu: Dataset, root: Path) -> None:
    zeros, copy = (
        SkeletonSet.open(import_recordings(store, ntu, root, "hip-32", ImportOptions(bodies="first", second=second)))
        for second in ("zeros", "copy")
    )
    assert "second" not in zeros.artifact.card.config
    assert copy.artifact.card.config["second"] == "copy"
    for number in range(12):
        row = zeros.ids.index(name(number))
        np.testing.assert_array_equal(zeros.clips[row, ..., 0], copy.clips[row, ..., 0])
        if number % 3 == 0:
            assert zeros.clips[row, ..., 1].any()
            np.testing.assert_array_equal(zeros.clips[row], copy.clips[row])
        else:
            assert not zeros.clips[row, ..., 1].any()
            np.testing.assert_array_equal(copy.clips[row, ..., 1], copy.clips[row, ..., 0])
    with pytest.raises(UsageError, match="unknown second person"):
        import_recordings(store, ntu, root, "hip-32", ImportOptions(second="mirror"))  # type: ignore[arg-type]


def test_what_is_no_clip_is_skipped_with_its_reason(store: Store, ntu: Dataset, root: Path, tmp_path: Path) -> None:
    (root / f"{MISSING}.skeleton").write_text(ntu_text([[A]] * 14))
    (root / "S001C001P001R001A061.skeleton").write_text(ntu_text([[A]] * 14))
    (root / "S001C001P009R001A001.skeleton").write_text(ntu_text([[], []]))
    (root / "S001C001P009R001A002.skeleton").write_text(ntu_text([[A]])[:-50])
    archive = write_zip(tmp_path / "more.zip", root, [name(0)]).rename(root / "more.zip")
    raw = archive.read_bytes().replace(name(0).encode(), b"S001C001P009R001A003")
    at = raw.index(b"A003.skeleton") + 40
    archive.write_bytes(raw[:at] + b"\x55" + raw[at + 1 :])
    artifact = import_recordings(store, ntu, root, "hip-32")
    reasons = skipped(artifact)
    assert artifact.card.summary["clips"] == 12
    assert reasons.pop("S001C001P009R001A003").startswith("more.zip/nturgb+d_skeletons/S001C001P009R001A003.skeleton")
    assert reasons == {
        MISSING: LEFT_OUT,
        "S001C001P001R001A061": "label 60 is out of range (labels lie in 0..59)",
        "S001C001P009R001A001": "S001C001P009R001A001.skeleton: none of its 2 frames shows a body",
        "S001C001P009R001A002": "S001C001P009R001A002.skeleton, line 29: expected 12 fields, found 7",
    }
    text = render(inspect(artifact, ntu))
    assert f"{MISSING}: {LEFT_OUT} [known fault of the data set]" in text


def test_a_damaged_archive_and_a_doubled_name_end_the_import(store: Store, ntu: Dataset, root: Path) -> None:
    (root / "deep").mkdir()
    shutil.copy(root / f"{name(3)}.skeleton", root / "deep")
    with pytest.raises(InputError, match=f"{name(3)}' occurs twice") as caught:
        import_recordings(store, ntu, root, "hip-32")
    assert f"{root}/deep/{name(3)}.skeleton" in caught.value.why
    shutil.rmtree(root / "deep")
    (root / "half.zip").write_bytes(write_zip(root / "x", root, [name(0)]).read_bytes()[:-30])
    with pytest.raises(InputError, match=r"half\.zip cannot be read as a zip archive"):
        import_recordings(store, ntu, root, "hip-32")
    assert store.all("skeletons") == []


def test_the_smallest_data_set_that_fits_is_suggested(store: Store, root: Path) -> None:
    for extra, expected in (((), "ntu60"), (("S018C001P041R001A061",), "ntu120")):
        for each in extra:
            (root / f"{each}.skeleton").write_text(ntu_text([[A]]))
        with pytest.raises(InputError, match="no recordings of UTD-MHAD") as caught:
            import_recordings(store, load_dataset("utd-mhad"), root, "hip-32")
        assert caught.value.mend == f"zsl-data import --dataset {expected} --root {root}"


def test_another_reader_can_be_named(store: Store, ntu: Dataset, tmp_path: Path) -> None:
    columns = {"label": [0, 1], "names": ["one", "two"], "subject": [1, 2], "lengths": [5, 5]}
    np.savez(tmp_path / "own.npz", frames=np.ones((2, 5, 25, 3)), **{k: np.array(v) for k, v in columns.items()})
    artifact = import_recordings(store, ntu, tmp_path, "hip-32", ImportOptions(reader="NPZ"))
    assert artifact.card.config["reader"] == "npz"
    assert "bodies" not in artifact.card.config
    with pytest.raises(InputError) as caught:
        import_recordings(store, ntu, tmp_path, "hip-32")
    assert caught.value.mend == f"zsl-data import --dataset ntu60 --format npz --root {tmp_path}"


def test_prepared_clips_are_taken_as_they_are(store: Store, ntu: Dataset, tmp_path: Path) -> None:
    position = np.random.default_rng(0).normal(size=(2, 3, 50, 25, 2)).astype(np.float32)
    position[0, :, 7] = 0
    position[1, ..., 1] = 0
    (tmp_path / "xsub").mkdir()
    for part, rows in (("train", [0]), ("val", [1])):
        np.save(tmp_path / "xsub" / f"{part}_position.npy", position[rows])
        np.save(tmp_path / "xsub" / f"{part}_label.npy", np.array(rows)[:, None])
    options = ImportOptions(reader="aimclr", second="copy")
    with pytest.raises(UsageError, match="went through the recipe aimclr-50 already"):
        import_recordings(store, ntu, tmp_path, "ctr-64", options)
    skeletons = SkeletonSet.open(import_recordings(store, ntu, tmp_path, "aimclr-50", options))
    np.testing.assert_array_equal(skeletons.clips, position)
    assert skeletons.lengths.tolist() == [50, 50]
    assert skeletons.parts["xsub"].tolist() == [True, False]
    assert "second" not in skeletons.artifact.card.config
