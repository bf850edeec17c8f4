"""Thousands of damaged files per layout: an error that says so, or the number of clips that there is.

What single damaged clips look like is tested with all other readers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from skeletons.arrays.written_arrays import (
    as_columns,
    as_cubes,
    clips,
    one_hot,
    write_flora,
    write_folder,
    write_npz,
    write_own,
    write_synse,
)
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.features.base import Reading, open_layout
from zsl_skeleton.skeletons.arrays.pickles.restricted_unpickler import read_pickle
from zsl_skeleton.skeletons.arrays.pickles.values import PickledArray
from zsl_skeleton.skeletons.readers import open_reader

FILES, COUNTED = 2000, 300


def damaged(files: list[Path], rounds: int = FILES) -> Iterator[Path]:
    """Damage one file after the other: bytes changed (most often in the header), cut off, taken out or put in."""
    random = np.random.default_rng(0)
    whole = {path: path.read_bytes() for path in files}
    for number in range(rounds):
        path = files[number % len(files)]
        content = bytearray(whole[path])
        reach = len(content) if number % 3 == 0 else min(len(content), 200)
        place = int(random.integers(reach)) if number % 5 else len(content) - 1 - int(random.integers(reach))
        kind, size = int(random.integers(6)), int(random.integers(1, 9))
        if kind < 3:
            content[place : place + size] = random.bytes(len(content[place : place + size]))
        elif kind == 3:
            content[place] ^= 1 << int(random.integers(8))
        elif kind == 4:
            del content[place : place + (size if number % 2 else len(content))]
        else:
            content[place:place] = random.bytes(size)
        _overwrite(path, content)
        yield path
        _overwrite(path, whole[path])


def _overwrite(path: Path, content: bytes | bytearray) -> None:
    with path.open("r+b") as stream:  # some file systems wait for the disk when a file is emptied first
        stream.write(content)
        stream.truncate()


FEATURES: dict[str, Callable[[Path], Path]] = {
    "synse": lambda folder: write_synse(folder / "shift_5_r", [0, 1], [10], [2, 3]),
    "flora": lambda folder: write_flora(folder / "x.npz", [0, 1], [10], [2, 3]),
    "features": lambda folder: write_own(folder / "own.npz", [0, 1, 2, 3, 10], [0, 1, 2, 3]),
}


@pytest.mark.parametrize("name", FEATURES)
def test_damaged_features(name: str, tmp_path: Path, reading: Reading) -> None:
    path = FEATURES[name](tmp_path)
    layout = open_layout(name)
    assert len(layout.read(path, reading).features) == 5
    refused = 0
    for _ in damaged(sorted(path.glob("*")) if path.is_dir() else [path]):
        layout.recognises(path)
        try:
            found = layout.read(path, reading)
        except InputError:
            refused += 1
        else:
            assert len(found.features) == 5 or "differ" in found.remarks[0]
            assert all(np.isfinite(array).all() for array in found.features.arrays.values())
            assert found.features.labels.max() < 60
    assert FILES / 4 < refused < FILES


def _small_clips(frames: int) -> np.ndarray:
    return as_cubes(clips(2, frames))


CLIPS: dict[str, Callable[[Path], Path]] = {
    "ctr-gcn": lambda folder: write_npz(
        folder / "NTU60_CS.npz",
        {
            "x_train": as_columns(clips(1, 2), 2),
            "y_train": one_hot([1], 3),
            "x_test": as_columns(clips(1, 2), 2),
            "y_test": one_hot([2], 3),
        },
    ),
    "aimclr": lambda folder: write_folder(
        folder / "xsub",
        {
            "train_position": _small_clips(50)[:1],
            "train_label": np.array([[3]]),
            "val_position": _small_clips(50)[1:],
            "val_label": np.array([[4]]),
        },
    ),
    "smie": lambda folder: write_folder(
        folder / "split_1",
        {
            "seen_train_data": _small_clips(50)[:1],
            "seen_train_label": np.array([3]),
            "seen_test_data": _small_clips(50)[:0],
            "seen_test_label": np.zeros(0, np.int64),
            "unseen_data": _small_clips(50)[1:],
            "unseen_label": np.array([4]),
        },
    ),
}
"""A small sample of every layout of clips, two clips each."""


@pytest.mark.parametrize("name", CLIPS)
def test_damaged_clips(name: str, tmp_path: Path) -> None:
    path = CLIPS[name](tmp_path)
    assert len(open_reader(name).scan(path).clips) == 2
    refused = 0
    for _ in damaged(sorted(path.glob("*")) if path.is_dir() else [path], COUNTED):
        reader = open_reader(name)
        listing = reader.scan(path)
        assert len(listing.clips) in (0, 2)
        assert listing.clips or listing.rejected or name == "ctr-gcn"
        refused += not listing.clips
        for ref in listing.clips:
            try:
                assert np.isfinite(reader.read(ref).joints).all()
            except InputError:
                refused += 1
    assert refused > COUNTED / 4


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_damaged_pickles(protocol: int, tmp_path: Path) -> None:
    given = {
        "split": {"xsub_train": ["a", "b"], "xsub_val": ["c"]},
        "annotations": [
            {"frame_dir": name, "label": np.int64(3), "keypoint": np.arange(6, dtype=np.float16).reshape(1, 2, 3)}
            for name in ("a", "b", "c")
        ],
    }
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(given, protocol=protocol))
    refused = 0
    for _ in damaged([path]):
        try:
            found = read_pickle(path)
            for entry in found.get("annotations", []) if isinstance(found, dict) else []:
                keypoint = entry.get("keypoint") if isinstance(entry, dict) else None
                if isinstance(keypoint, PickledArray):
                    keypoint.read()
        except InputError:
            refused += 1
    assert refused > FILES / 4
