"""A small sound recording in every format that is read, and what such a file says about its own clips.

A new reader must bring an entry: the fuzz test goes over the table of readers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import savemat

from zsl_skeleton.skeletons.layouts import JOINTS, KINECT_V1
from zsl_skeleton.skeletons.readers import ClipRef

BODY = "72057594037908990 0 1 1 1 1 0 0.01 -0.02 2"


@dataclass(frozen=True)
class Sample:
    """``write(folder)`` gives the file to damage; ``frames(path, ref)`` counts a clip's frames without the reader."""

    write: Callable[[Path], Path]
    frames: Callable[[Path, ClipRef], int]
    joints: int = 25
    binary: bool = False


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).round(4)


def ntu_text(frames: list[list[str]], seed: int = 0) -> str:
    """A ``.skeleton`` file: per frame the ids of its bodies."""
    random = np.random.default_rng(seed)
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body in bodies:
            lines += [BODY.replace(BODY.split()[0], body), "25"]
            lines += [" ".join([*(f"{x:.7g}" for x in random.normal(size=11)), "2"]) for _ in range(25)]
    return "\n".join(lines) + "\n"


def write_ntu(folder: Path) -> Path:
    path = folder / "S001C002P003R001A007.skeleton"
    path.write_text(ntu_text([["72057594037908990"], ["72057594037908990", "72057594037908991"], []]))
    return path


def write_msr(folder: Path) -> Path:
    path = folder / "a01_s01_e01_skeleton3D.txt"
    path.write_text("".join(f"{x} {y} {z} 1\n" for x, y, z in numbers(60, 3)))
    return path


def write_utd(folder: Path) -> Path:
    path = folder / "a27_s8_t4_skeleton.mat"
    savemat(path, {"d_skel": numbers(20, 3, 4)})
    return path


def write_ucla(folder: Path) -> Path:
    path = folder / "a01_s01_e00_v01.json"
    path.write_text(json.dumps({"file_name": path.stem, "skeletons": numbers(3, 20, 3).tolist(), "label": 1}))
    return path


def write_precog(folder: Path) -> Path:
    path = folder / "Seq2_11.csv"
    rows = [";".join([*(" ".join(map(str, joint)) for joint in frame), "3"]) for frame in numbers(6, 20, 3)]
    path.write_text("\n".join(["; ".join(JOINTS[KINECT_V1]), *rows]) + "\n")
    return path


def precog_frames(path: Path, ref: ClipRef) -> int:
    actions = [line.rstrip("; ").rpartition(";")[2].strip() for line in path.read_text().rstrip().splitlines()[1:]]
    first, last = map(int, ref.id.rpartition("_")[2].split("-"))
    return len([action for action in actions[first : last + 1] if int(action) == ref.label + 1])


def write_npz(folder: Path) -> Path:
    columns = {"lengths": [4, 3], "label": [0, 1], "names": ["one", "two"], "subject": [7, 8]}
    np.savez(folder / "own.npz", frames=numbers(2, 4, 25, 3), **{k: np.array(v) for k, v in columns.items()})
    return folder / "own.npz"


def npz_frames(path: Path, ref: ClipRef) -> int:
    with np.load(path) as arrays:
        return int(arrays["lengths"][arrays["names"].tolist().index(ref.id)])


def write_pku(name: str) -> Callable[[Path], Path]:
    """The label file is damaged as often as the skeletons: both are asked for in turn."""

    def write(folder: Path) -> Path:
        (folder / "skeleton").mkdir()
        (folder / "label").mkdir()
        (folder / "label" / name).write_text("3,1,4,1\n51,5,6,0\n")
        path = folder / "skeleton" / name
        path.write_text("".join(" ".join(map(str, row)) + "\n" for row in numbers(6, 150)))
        return path

    return write


def pku_frames(path: Path, ref: ClipRef) -> int:
    lines = (path.parents[1] / "label" / path.name).read_text().splitlines()
    line = [line for line in lines if line.strip()][int(ref.id[-3:]) - 1]
    first, last = map(int, line.split(",")[1:3])
    return last - first + 1


def write_ctr_gcn(folder: Path) -> Path:
    x, y = numbers(2, 4, 150).astype(np.float32), np.eye(60)[[3, 5]]
    np.savez(folder / "NTU60_CS.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    return folder / "NTU60_CS.npz"


def write_aimclr(folder: Path) -> Path:
    part = folder / "xsub"
    part.mkdir()
    for name, count in (("train", 1), ("val", 1)):
        np.save(part / f"{name}_position.npy", numbers(count, 3, 50, 25, 2).astype(np.float32))
        np.save(part / f"{name}_label.npy", np.arange(count)[:, None])
    return part / "train_position.npy"


def write_smie(folder: Path) -> Path:
    part = folder / "xsub" / "split_1"
    part.mkdir(parents=True)
    for number, name in enumerate(("seen_train", "seen_test", "unseen")):
        np.save(part / f"{name}_data.npy", numbers(1, 3, 50, 25, 2).astype(np.float32))
        np.save(part / f"{name}_label.npy", np.array([number]))
    return part / "unseen_data.npy"


SAMPLES = {
    "aimclr": Sample(write_aimclr, lambda path, ref: 50, binary=True),
    "ctr-gcn": Sample(write_ctr_gcn, lambda path, ref: 4, binary=True),
    "msr-action3d": Sample(write_msr, lambda path, ref: len(path.read_text().split()) // 80, joints=20),
    "ntu": Sample(write_ntu, lambda path, ref: int(path.read_bytes().split()[0])),
    "npz": Sample(write_npz, npz_frames, binary=True),
    "nw-ucla": Sample(write_ucla, lambda path, ref: len(json.loads(path.read_text())["skeletons"]), joints=20),
    "pku-mmd": Sample(write_pku("0002-L.txt"), pku_frames),
    "pku-mmd-2": Sample(write_pku("A01N02-L.txt"), pku_frames),
    "precog": Sample(write_precog, precog_frames, joints=20),
    "smie": Sample(write_smie, lambda path, ref: 50, binary=True),
    "utd-mhad": Sample(write_utd, lambda path, ref: 4, joints=20, binary=True),
}


def damaged(content: bytes, random: np.random.Generator, *, binary: bool) -> bytes:
    """The bytes with one to three random accidents; those of binary files mostly near their ends, where headers are."""
    for _ in range(int(random.integers(1, 4))):
        size = max(len(content), 1)
        at = int(random.integers(size))
        if binary and random.random() < 0.7:
            at = int(random.integers(min(size, 400))) if random.random() < 0.5 else size - 1 - at % min(size, 400)
        length = int(random.integers(1, 30))
        kind = random.integers(6)
        if kind == 0:
            content = content[:at] + bytes([random.integers(256)]) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + content[at + length :]
        elif kind == 2:
            content = content[:at] + random.bytes(length) + content[at:]
        elif kind == 3:
            content = content[: at + length] + content[at:]
        elif kind == 4:
            content = content[:at] if random.random() < 0.3 else content[:at] + b"\n" + content[at + 1 :]
        else:
            odd = [b"nan", b"-1", b"999999999999", b"1e999", b"0", b"", b"25", b"1_0", b"\x00", b"2.5"]
            end = at + len(re.match(rb"[^\s,;]*", content[at:]).group())  # type: ignore[union-attr]
            content = content[:at] + odd[random.integers(len(odd))] + content[end:]
    return content
