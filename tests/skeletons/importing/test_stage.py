from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.importing import import_recordings
from zsl_skeleton.skeletons.recipes import RECIPES
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

Toy = Callable[..., Dataset]
Write = Callable[..., Path]
NAMES = [f"a{action:02d}_s{subject:02d}_e{trial:02d}" for action in (1, 2) for subject in (1, 2) for trial in (1, 2)]


@pytest.fixture
def root(write_msr: Write) -> Path:
    paths = [write_msr(name) for name in NAMES]
    return paths[0].parent


def skipped(artifact: Artifact) -> dict[str, str]:
    return {entry["id"]: entry["reason"] for entry in artifact.card.summary["skipped"]}


@pytest.mark.parametrize("recipe", RECIPES)
def test_recordings_become_a_skeleton_set(store: Store, toy: Toy, root: Path, recipe: str) -> None:
    artifact = import_recordings(store, toy(), root, recipe)
    skeletons = SkeletonSet.open(artifact)
    assert skeletons.ids == tuple(NAMES)
    assert skeletons.clips.shape == (8, 3, RECIPES[recipe].frames, 25, 1)
    assert skeletons.labels.tolist() == [0] * 4 + [1] * 4
    assert skeletons.subjects.tolist() == [1, 1, 2, 2] * 2
    assert skeletons.lengths.tolist() == [8] * 8
    config, summary = artifact.card.config, artifact.card.summary
    assert (config["dataset"], config["recipe"], config["reader"]) == ("toy", recipe, "msr-action3d")
    assert summary["made_up_joints"] == ["left-hand-tip", "left-thumb", "neck", "right-hand-tip", "right-thumb"]
    assert (summary["clips"], summary["per_class"], summary["skipped"]) == (8, [4, 4], [])


def test_the_same_recordings_elsewhere_are_the_same_artifact(
    store: Store, toy: Toy, root: Path, tmp_path: Path
) -> None:
    first = import_recordings(store, toy(), root, "hip-32")
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved)
    assert import_recordings(store, toy(), moved, "hip-32").path == first.path


def test_an_edited_or_renamed_file_makes_another_artifact(store: Store, toy: Toy, root: Path, write_msr: Write) -> None:
    paths = {import_recordings(store, toy(), root, "hip-32").path}
    write_msr(NAMES[3], np.ones((8, 20, 3)) + np.arange(20)[:, None])
    paths.add(import_recordings(store, toy(), root, "hip-32").path)
    write_msr(NAMES[3]).rename(root / "a02_s02_e03_skeleton3D.txt")
    paths.add(import_recordings(store, toy(), root, "hip-32").path)
    paths.add(import_recordings(store, toy(), root, "ctr-64").path)
    assert len(paths) == 4


def test_what_is_no_clip_is_listed_with_its_reason(store: Store, toy: Toy, root: Path, write_msr: Write) -> None:
    write_msr("a01_s03_e01", np.zeros((8, 20, 3)))
    write_msr("a01_s03_e02").write_bytes(b"\xff\x00")
    write_msr("a01_s03_e03").write_text("1 2 3 4\n" * 39)
    broken = np.ones((8, 20, 3))
    broken[5, 19, 2] = np.inf
    write_msr("a02_s03_e01", broken)
    write_msr("a03_s03_e01")
    write_msr("a02_s03_e02").write_text("")
    (root / "a02_s03_e04_skeleton3D.txt").symlink_to(root / "nowhere")
    (root / "readme.txt").write_text("hello")
    artifact = import_recordings(store, toy(), root, "hip-32")
    expected = {
        "a01_s03_e01": "all coordinates are zero",
        "a01_s03_e02": "not UTF-8 text",
        "a01_s03_e03": "line 39",
        "a02_s03_e01": "frame 5, joint 3 (head): z is not finite",
        "a03_s03_e01": "label 2 is out of range (labels lie in 0..1)",
        "a02_s03_e02": "ends inside a frame",
        "a02_s03_e04": "No such file",
        "readme": "not a name like",
    }
    reasons = skipped(artifact)
    assert reasons.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in reasons[name]
        assert str(root) not in reasons[name]
    assert SkeletonSet.open(artifact).ids == tuple(NAMES)


def test_a_file_of_many_clips_is_rejected_without_its_place(store: Store, toy: Toy, tmp_path: Path) -> None:
    columns = {"label": [0, 1], "names": ["one", "two"], "subject": [1, 2], "lengths": [5, 5]}
    np.savez(tmp_path / "own.npz", frames=np.ones((2, 5, 25, 3)), **{k: np.array(v) for k, v in columns.items()})
    (tmp_path / "broken.npz").write_bytes(b"PK")
    reasons = skipped(import_recordings(store, toy(reader="npz"), tmp_path, "hip-32"))
    assert reasons["broken"].startswith("broken.npz cannot be read")


def test_all_zero_frames_inside_a_clip_are_dropped_and_counted(
    store: Store, toy: Toy, root: Path, write_msr: Write
) -> None:
    joints = np.random.default_rng(0).normal(size=(12, 20, 3))
    write_msr(NAMES[2], joints[[0, 1, 4, 5]])
    without = np.array(SkeletonSet.open(import_recordings(store, toy(), root, "hip-32")).clips[2])
    joints[[2, 3, *range(6, 12)]] = 0
    write_msr(NAMES[2], joints)
    artifact = import_recordings(store, toy(), root, "hip-32")
    skeletons = SkeletonSet.open(artifact)
    assert artifact.card.summary["dropped_frames"] == {NAMES[2]: 8}
    assert skeletons.lengths.tolist() == [8, 8, 4, 8, 8, 8, 8, 8]
    np.testing.assert_array_equal(skeletons.clips[2], without)


def test_an_absent_second_person_is_zero(store: Store, toy: Toy, root: Path) -> None:
    clips = SkeletonSet.open(import_recordings(store, toy(persons=2), root, "aimclr-50")).clips
    single = SkeletonSet.open(import_recordings(store, toy(), root, "aimclr-50")).clips
    assert clips.shape[-1] == 2
    assert not clips[..., 1].any()
    np.testing.assert_array_equal(clips[..., 0], single[..., 0])


def test_a_clip_that_the_catalog_calls_faulty_is_skipped_though_it_can_be_read(
    store: Store, toy: Toy, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [{"id": NAMES[2], "reason": "somebody else's clip"}]
    artifact = import_recordings(store, toy(known_faults=faults, expected_clips=8), root, "hip-32")
    assert NAMES[2] not in SkeletonSet.open(artifact).ids
    assert (artifact.card.summary["clips"], skipped(artifact)) == (7, {NAMES[2]: "somebody else's clip"})
    told = capsys.readouterr().err
    assert "7 clips, 1 skipped; the catalog counts 8" in told
    assert "zsl-data inspect --dataset toy --recipe hip-32" in told


def test_an_import_without_differences_says_nothing(
    store: Store, toy: Toy, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_recordings(store, toy(expected_clips=8), root, "hip-32")
    assert capsys.readouterr().err == ""


def test_a_number_that_single_precision_cannot_hold_is_refused(
    store: Store, toy: Toy, root: Path, write_msr: Write
) -> None:
    joints = np.ones((8, 20, 3))
    joints[3, 4, 1] = 1e30
    write_msr(NAMES[5], joints)
    told = skipped(import_recordings(store, toy(), root, "hip-32"))
    assert "frame 3" in told[NAMES[5]]
    assert "y is absurdly large" in told[NAMES[5]]


def test_more_persons_than_the_catalog_allows(store: Store, toy: Toy, tmp_path: Path) -> None:
    arrays = {"label": [0, 1], "names": ["one", "two"], "subject": [1, 2], "lengths": [5, 5]}
    np.savez(tmp_path / "own.npz", frames=np.ones((2, 2, 5, 25, 3)), **{k: np.array(v) for k, v in arrays.items()})
    dataset = toy(reader="npz")
    with pytest.raises(InputError, match="no usable clip") as caught:
        import_recordings(store, dataset, tmp_path / "own.npz", "hip-32")
    assert "2 persons" in caught.value.why
    pair = import_recordings(store, toy(reader="npz", persons=2), tmp_path / "own.npz", "hip-32")
    assert pair.card.summary["made_up_joints"] == []


def test_coordinates_beyond_twenty_metres_are_warned_of(
    store: Store, toy: Toy, root: Path, write_msr: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write_msr(NAMES[5], np.random.default_rng(0).normal(size=(8, 20, 3)) * 1000)
    artifact = import_recordings(store, toy(), root, "hip-32")
    assert artifact.card.summary["far"] == [NAMES[5]]
    assert artifact.card.summary["clips"] == 8
    captured = capsys.readouterr()
    assert NAMES[5] in captured.err
    assert captured.out == ""


def refused(store: Store, dataset: Dataset, root: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        import_recordings(store, dataset, root, "hip-32")
    assert caught.value.exit_code == 3
    return caught.value


def test_a_root_that_is_missing_or_empty(store: Store, toy: Toy, tmp_path: Path) -> None:
    error = refused(store, toy(), tmp_path / "nowhere")
    assert "nowhere does not exist" in error.what
    assert "a01_s01_e01_skeleton3D.txt" in error.why
    assert error.mend.startswith("zsl-data import --dataset toy --root DIR")
    (tmp_path / "empty").mkdir()
    assert "is empty" in refused(store, toy(), tmp_path / "empty").what


def test_the_root_of_another_data_set_is_recognised(store: Store, toy: Toy, root: Path) -> None:
    error = refused(store, toy(reader="utd-mhad"), root)
    assert "no recordings of Toy" in error.what
    assert "expected .mat files" in error.why
    assert "found 8 files such as a01_s01_e01_skeleton3D.txt" in error.why
    assert error.mend == f"zsl-data import --dataset msr-action3d --root {root}"


def test_foreign_files_are_described(store: Store, toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    error = refused(store, toy(), tmp_path)
    assert "found 1 files such as holiday.jpg" in error.why
    assert error.mend.endswith("--root DIR")


def test_nothing_but_broken_recordings(store: Store, toy: Toy, write_msr: Write) -> None:
    root = write_msr(NAMES[0], np.zeros((3, 20, 3))).parent
    error = refused(store, toy(), root)
    assert "no usable clip" in error.what
    assert f"one of them, {NAMES[0]}" in error.why
    assert store.all("skeletons") == []


def test_the_same_name_twice_is_refused(store: Store, toy: Toy, root: Path) -> None:
    (root / "copy").mkdir()
    shutil.copy(root / f"{NAMES[0]}_skeleton3D.txt", root / "copy")
    assert "occurs twice" in refused(store, toy(), root).what


def test_a_data_set_without_reader(store: Store, toy: Toy, root: Path) -> None:
    assert "names no reader" in refused(store, toy(reader=None), root).why
    with pytest.raises(UsageError, match="unknown format"):
        import_recordings(store, toy(reader="msr"), root, "hip-32")


KILLED = """
import os, signal, sys
from pathlib import Path
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.skeletons import importing
from zsl_skeleton.skeletons.readers.msr_action3d import MsrAction3DReader

countdown = int(sys.argv[4])

def mortal(function):
    def wrapper(*args, **kwargs):
        global countdown
        countdown -= 1
        if countdown == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return wrapper

os.fsync, Path.replace, Path.rename = map(mortal, (os.fsync, Path.replace, Path.rename))
MsrAction3DReader.read = mortal(MsrAction3DReader.read)
dataset = Dataset.model_validate_json(sys.argv[3])
importing.import_recordings(Store(Path(sys.argv[1])), dataset, Path(sys.argv[2]), "hip-32")
"""


@pytest.mark.parametrize("moment", [2, 9, 11, 12, 13, 14, 16, 19, 21])
def test_killed_and_repeated_gives_equal_bytes(toy: Toy, root: Path, tmp_path: Path, moment: int) -> None:
    def files(artifacts: Path) -> dict[str, Any]:
        (artifact,) = Store(artifacts).all("skeletons")
        found = {p.name: p.read_bytes() for p in artifact.path.iterdir() if p.name != "card.json"}
        return {**found, "card": artifact.card.model_dump(exclude={"made"})}

    undisturbed = Store(tmp_path / "undisturbed")
    import_recordings(undisturbed, toy(), root, "hip-32")
    killed = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(killed), str(root), toy().model_dump_json(), str(moment)]
    assert subprocess.run(command, check=False).returncode == -9
    assert Store(killed).all("skeletons") == []
    import_recordings(Store(killed), toy(), root, "hip-32")
    assert files(killed) == files(undisturbed.root)
