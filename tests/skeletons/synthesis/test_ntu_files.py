"""NTU's raw files, read back by a parser that knows the format only, not the writer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.synthesis.ntu_files import NOTICE, NtuFilesConfig, performed, write_ntu_files
from zsl_skeleton.skeletons.synthesis.takes import Take

CLEAN = NtuFilesConfig(performers=1, replications=1, cameras=(2,), actions=(1, 50), false_bodies=0, order_changes=0)
LEAVES = [3, 15, 19, 21, 22, 23, 24]


@dataclass
class Body:
    id: str
    fields: list[float]
    joints: np.ndarray  # [25, 12]


def parse(path: Path) -> list[list[Body]]:
    lines = iter(path.read_text().splitlines())
    frames = []
    for _ in range(int(next(lines))):
        bodies = []
        for _ in range(int(next(lines))):
            identity, *fields = next(lines).split()
            assert int(next(lines)) == 25
            joints = np.array([[float(number) for number in next(lines).split()] for _ in range(25)])
            bodies.append(Body(identity, [float(field) for field in fields], joints))
        frames.append(bodies)
    assert next(lines, None) is None
    return frames


def test_files_parse_back_to_the_recording(tmp_path: Path) -> None:
    demo = load_dataset("demo")
    assert write_ntu_files(tmp_path / "raw", demo, CLEAN).recordings == 2
    names = sorted(path.name for path in (tmp_path / "raw").glob("*.skeleton"))
    assert names == ["S001C002P001R001A001.skeleton", "S001C002P001R001A050.skeleton"]
    frames = parse(tmp_path / "raw" / names[0])
    recording = Take(performed(demo, 1), subject=1, camera=2, repetition=1).shoot()
    numbers = np.stack([bodies[0].joints for bodies in frames])
    assert all(len(bodies) == 1 for bodies in frames)
    assert len({bodies[0].id for bodies in frames}) == 1
    assert re.fullmatch(r"\d{17}", frames[0][0].id)
    assert len(frames[0][0].fields) == 9
    np.testing.assert_allclose(numbers[..., :3], recording.joints, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(numbers[..., 11], np.where(recording.guessed, 1, 2))


def test_every_number_of_a_joint_is_plausible(tmp_path: Path) -> None:
    write_ntu_files(tmp_path / "raw", load_dataset("demo"), CLEAN)
    numbers = np.stack([b[0].joints for b in parse(tmp_path / "raw" / "S001C002P001R001A050.skeleton")])
    x, depth_x, colour_x = numbers[..., 0], numbers[..., 3], numbers[..., 5]
    assert numbers[..., 3].min() > 0
    assert numbers[..., 3].max() < 512
    assert numbers[..., 4].max() < 424
    assert np.corrcoef(x[:, 0] / numbers[:, 0, 2], depth_x[:, 0])[0, 1] > 0.999
    assert np.corrcoef(depth_x.ravel(), colour_x.ravel())[0, 1] > 0.99
    norms = np.linalg.norm(numbers[..., 7:11], axis=-1)
    assert (norms[:, LEAVES] == 0).all()
    np.testing.assert_allclose(np.delete(norms, LEAVES, axis=1), 1.0, atol=1e-5)
    # A joint's orientation carries the vertical into the bone that leads to it.
    w, qx, qy, qz = np.moveaxis(numbers[:, 13, 7:11], -1, 0)
    carried = np.stack([2 * (qx * qy - w * qz), 1 - 2 * (qx**2 + qz**2), 2 * (qy * qz + w * qx)], axis=-1)
    thigh = numbers[:, 13, :3] - numbers[:, 12, :3]
    np.testing.assert_allclose(carried, thigh / np.linalg.norm(thigh, axis=-1, keepdims=True), atol=1e-3)


def test_false_bodies_and_changes_of_order(tmp_path: Path) -> None:
    config = CLEAN.model_copy(update={"actions": tuple(range(1, 9)), "false_bodies": 1.0, "order_changes": 1.0})
    write_ntu_files(tmp_path / "raw", load_dataset("demo"), config)
    changed = 0
    for path in (tmp_path / "raw").glob("*.skeleton"):
        frames = parse(path)
        counts = [len(bodies) for bodies in frames]
        assert set(counts) <= {1, 2}
        assert max(counts) == 2
        actor = next((b[0].id for b in frames if len(b) == 1), frames[0][0].id)
        assert all(actor in {body.id for body in bodies} for bodies in frames)
        changed += any(len(b) == 2 and b[1].id == actor for b in frames)
        strangers = [body for bodies in frames for body in bodies if body.id != actor]
        assert all(np.ptp(s.joints[:, 0]) > 0.8 * np.ptp(s.joints[:, 1]) for s in strangers)
    assert changed


def test_ntu_class_names_get_two_people_where_ntu_has_two(tmp_path: Path) -> None:
    ntu = load_dataset("ntu60")
    config = CLEAN.model_copy(update={"actions": (23, 50), "cameras": (1,)})
    write_ntu_files(tmp_path / "raw", ntu, config)
    alone, together = (parse(tmp_path / "raw" / f"S001C001P001R001A{a:03}.skeleton") for a in (23, 50))
    assert {len(bodies) for bodies in alone} == {1}
    assert {len(bodies) for bodies in together} == {2}
    assert len({performed(ntu, action) for action in range(1, 61)}) == 60


def test_the_folder_is_labelled_and_resumed_byte_equally(tmp_path: Path) -> None:
    demo, folder = load_dataset("demo"), tmp_path / "raw"
    write_ntu_files(folder, demo, CLEAN)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "SYNTHETIC" in before[NOTICE].decode()
    (folder / "S001C002P001R001A050.skeleton").unlink()
    write_ntu_files(folder, demo, CLEAN)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_foreign_folders_and_other_configurations_are_refused(tmp_path: Path) -> None:
    demo = load_dataset("demo")
    foreign = tmp_path / "real"
    foreign.mkdir()
    (foreign / "S001C001P001R001A001.skeleton").write_text("0\n")
    with pytest.raises(InputError, match="not an empty folder"):
        write_ntu_files(foreign, demo, CLEAN)
    assert [path.name for path in foreign.iterdir()] == ["S001C001P001R001A001.skeleton"]
    write_ntu_files(tmp_path / "raw", demo, CLEAN)
    with pytest.raises(InputError, match="other synthetic recordings"):
        write_ntu_files(tmp_path / "raw", demo, CLEAN.model_copy(update={"seed": 1}))
    with pytest.raises(UsageError, match="no action 51"):
        write_ntu_files(tmp_path / "more", demo, CLEAN.model_copy(update={"actions": (51,)}))
    assert not (tmp_path / "more").exists()
