from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from skeletons.arrays.pickles.test_pyskl import Asks, document
from skeletons.arrays.written_arrays import (
    as_cubes,
    clips,
    features,
    write_aimclr,
    write_ctr_gcn,
    write_flora,
    write_npz,
    write_own,
    write_smie,
    write_synse,
    write_synse_val,
)
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.methods import METHODS
from zsl_skeleton.skeletons.arrays.inspection.capabilities import capabilities
from zsl_skeleton.skeletons.arrays.inspection.path import inspect_path
from zsl_skeleton.skeletons.arrays.inspection.recognise import Hints
from zsl_skeleton.skeletons.arrays.inspection.text import render
from zsl_skeleton_cli import arrays as commands
from zsl_skeleton_cli.common import new_app


def seen(dataset: Dataset, split: str) -> list[int]:
    return list(dataset.seen(dataset.split(split)))


def test_features_are_recognised_with_split_and_command(tmp_path: Path, ntu60: Dataset) -> None:
    unseen = list(ntu60.split("synse-48-12").unseen)
    path = write_synse(tmp_path / "shift_12_r", seen(ntu60, "synse-48-12"), unseen, [0, 1])
    found = inspect_path(path)
    assert (found.kind, found.layout, found.dataset, found.split, found.protocol, found.problem) == (
        "features", "synse", "ntu60", "synse-48-12", "xsub", "",
    )  # fmt: skip
    assert all(array.meaning for array in found.arrays)
    assert {count.name: (count.found, count.expected) for count in found.counts} == {
        "seen_train": (48, 32070), "unseen_test": (12, 3291), "seen_test": (2, 13196),
    }  # fmt: skip
    assert found.command == (
        f"zsl-data import --dataset ntu60 --split synse-48-12 --protocol xsub --format synse --root {path}"
    )
    text = render(found)
    assert "neuron: cannot be trained, it needs joints, frames" in text
    assert "smie: lacks masked; can be trained with --set temporal=off" in text
    assert "gtest_out" in text


@pytest.mark.parametrize(("folder", "protocol"), [("ntu60_xview_seen55", "xview"), ("plain", "xsub")])
def test_the_path_may_tell_the_protocol(tmp_path: Path, ntu60: Dataset, folder: str, protocol: str) -> None:
    path = tmp_path / "star_features" / f"{folder}.npz"
    write_flora(path, seen(ntu60, "smie-1"), [4, 19, 31, 47, 51], [0, 1])
    found = inspect_path(path)
    assert (found.layout, found.split, found.protocol) == ("flora", "smie-1", protocol)
    assert f"--protocol {protocol}" in found.command


def test_a_split_that_nobody_published_is_a_problem_and_can_be_named(tmp_path: Path) -> None:
    path = write_synse(tmp_path / "shift_5_r", [0, 1], [10, 56], [2, 3])
    found = inspect_path(path)
    assert "no split in the catalog has these unseen classes: 10, 56" in found.problem
    assert (found.command, found.counts) == ("", ())
    named = inspect_path(path, Hints(dataset="ntu60", split="synse-55-5"))
    assert (named.split, named.problem) == ("synse-55-5", "")


def test_validation_and_own_features(tmp_path: Path, ntu60: Dataset) -> None:
    split = ntu60.split("synse-55-5")
    others = [c for c in ntu60.seen(split) if c not in split.validation_unseen]
    gate = inspect_path(write_synse_val(tmp_path / "shift_val_5_r", others, list(split.validation_unseen), others))
    assert (gate.split, gate.problem) == ("synse-55-5", "")
    assert "validation features" in gate.remarks[0]
    own = inspect_path(write_own(tmp_path / "own.npz", list(range(60)), list(ntu60.seen(split))))
    assert (own.layout, own.split) == ("features", "synse-55-5")
    assert [line.method for line in own.methods if line.missing] == []
    assert next(a.meaning for a in own.arrays if a.name == "part.xsub").startswith("bool [N]")


def test_clip_layouts_are_recognised(tmp_path: Path, ntu60: Dataset) -> None:
    write_ctr_gcn(tmp_path / "a" / "NTU120_CSub.npz", [0, 119], [1], classes=120)
    write_aimclr(tmp_path / "ntu60_frame50" / "xview", [0, 1], [2])
    write_smie(tmp_path / "ntu60" / "split_1", seen(ntu60, "smie-1"), [0], [4, 19, 31, 47, 51])
    found = [inspect_path(tmp_path / name) for name in ("a", "ntu60_frame50", "ntu60/split_1")]
    assert [(one.layout, one.dataset, one.split, one.protocol) for one in found] == [
        ("ctr-gcn", "ntu120", None, "xsub"),
        ("aimclr", "ntu60", None, "xview"),
        ("smie", "ntu60", "smie-1", "xsub"),
    ]
    assert found[0].command.endswith(f"--dataset ntu120 --format ctr-gcn --root {tmp_path / 'a'}")
    assert "--format aimclr --recipe aimclr-50" in found[1].command
    assert found[2].remarks[:2] == (
        "there are no training clips of the classes 4, 19, 31, 47, 51: use the split whose unseen classes they are",
        "these are the unseen classes of split smie-1: no other can be used",
    )
    assert {c.name: (c.found, c.expected) for c in found[2].counts}["unseen_test"] == (5, 1374)
    assert all(array.meaning for one in found for array in one.arrays)


@pytest.mark.parametrize(("folder", "dataset"), [("pku", "pku-mmd"), ("pku51", "pku-mmd"), ("PKU-MMD-2", "pku-mmd-2")])
def test_pku_is_part_one_unless_the_path_says_two(tmp_path: Path, folder: str, dataset: str) -> None:
    cubes = {"x_train": as_cubes(clips(2, 8)), "y_train": np.array([[50], [0]])}
    cubes |= {"x_test": cubes["x_train"], "y_test": cubes["y_train"]}
    write_ctr_gcn(tmp_path / folder / "xsub.npz", [], [], **cubes)
    assert inspect_path(tmp_path / folder).dataset == dataset


def test_what_cannot_be_read_is_named_and_not_called_unknown(tmp_path: Path) -> None:
    path = tmp_path / "skeletons.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    for place in (path, tmp_path):
        with pytest.raises(InputError, match=r"skeletons\.zip cannot be read as a zip archive"):
            inspect_path(place)


def test_long_lines_are_wrapped_and_commands_are_not(tmp_path: Path, ntu60: Dataset) -> None:
    path = write_flora(tmp_path / ("long" * 20) / "a.npz", seen(ntu60, "smie-1"), [4, 19, 31, 47, 51], [0, 1])
    *lines, command = render(inspect_path(path)).splitlines()
    body = lines[lines.index("clips:") :]
    assert max(map(len, body)) <= 100
    assert command.endswith(str(path))


def test_recordings_and_plain_archives_are_recognised(tmp_path: Path, write_msr: Any) -> None:
    path = write_msr("a01_s01_e01").parent
    found = inspect_path(path)
    assert (found.layout, found.dataset, found.counts[0].found) == ("msr-action3d", "msr-action3d", 1)
    assert found.command == f"zsl-data import --dataset msr-action3d --root {path}"
    arrays = {
        "frames": clips(2)[:, 0],
        "lengths": np.array([3, 6]),
        "label": np.array([0, 61]),
        "names": np.array(["S001C001P001R001A001", "S001C001P001R001A062"]),
        "subject": np.array([1, 1]),
    }
    plain = inspect_path(write_npz(tmp_path / "mine.npz", arrays))
    assert (plain.layout, plain.dataset) == ("npz", "ntu120")
    assert all(array.meaning for array in plain.arrays)


def test_problems_are_named(tmp_path: Path) -> None:
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0, 1], [1], y_train=np.ones((2, 60)))
    assert "row 0 is not one-hot" in inspect_path(tmp_path / "NTU60_CS.npz").problem
    (tmp_path / "cut.npz").write_bytes((tmp_path / "NTU60_CS.npz").read_bytes()[:100])
    with pytest.raises(InputError, match=r"cut\.npz is no readable archive"):
        inspect_path(tmp_path / "cut.npz")
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=r"the folder .*x is empty"):
        inspect_path(tmp_path / "x")
    np.save(tmp_path / "x" / "train.npy", features([1]))
    with pytest.raises(InputError, match="nothing in a known layout") as caught:
        inspect_path(tmp_path / "x")
    assert "train.npy" in caught.value.why


def test_pickles_are_outlined_or_their_wish_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ntu60_3danno.pkl"
    path.write_bytes(pickle.dumps(document()))
    found = inspect_path(path)
    assert found.remarks[0].startswith("annotations: 4 clips")
    assert found.command == f"zsl-data convert {path} --out {path.with_suffix('.npz')}"
    path.write_bytes(pickle.dumps(Asks()))
    assert "asks for" in inspect_path(path).problem


def test_capabilities_cover_every_method_and_follow_its_settings() -> None:
    pooled = {line.method: line for line in capabilities(("pooled",), "ntu60")}
    assert list(pooled) == list(METHODS)
    assert (pooled["smie"].missing, pooled["smie"].without) == (("masked",), "temporal=off")
    assert (pooled["neuron"].missing, pooled["neuron"].without) == (("joints", "frames"), "")
    assert pooled["mla"].missing == ()
    assert {line.missing for line in capabilities(("pooled", "joints", "frames", "masked"), "ntu60")} == {()}


@pytest.fixture
def app() -> typer.Typer:
    made = new_app("test")
    made.command()(commands.inspect)
    made.command()(commands.convert)
    return made


def test_commands(app: typer.Typer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ntu60_3danno.pkl"
    path.write_bytes(pickle.dumps(document()))
    app(["convert", str(path), "--out", str(tmp_path / "ntu60.npz"), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["parts"] == {"xsub": [2, 2], "xview": [3, 1]}
    app(["inspect", str(tmp_path / "ntu60.npz"), "--json"], standalone_mode=False)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["layout"], shown["dataset"], shown["schema_version"]) == ("npz", "ntu60", 1)
    assert not app(["inspect", str(path)], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "zsl-data convert" in shown
    assert "cannot" not in shown
    path.write_bytes(pickle.dumps(Asks()))
    assert app(["inspect", str(path)], standalone_mode=False) == InputError.exit_code
    assert "a pickle that can be converted" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(UsageError, match="nothing to inspect"):
        app(["inspect"], standalone_mode=False)
