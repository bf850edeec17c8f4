"""Writes the arrays of other people as their specifications describe them: a function per layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def clips(count: int, frames: int = 6, seed: int = 0) -> Array:
    """Joints [N, M, T, V, 3] of two persons."""
    return np.random.default_rng(seed).normal(size=(count, 2, frames, 25, 3)).astype(np.float32)


def one_hot(labels: list[int], classes: int) -> Array:
    return np.eye(classes)[labels]


def as_columns(joints: Array, padded: int) -> Array:
    """[N, M, T, V, 3] -> CTR-GCN's rows [N, padded, 150]."""
    rows = np.zeros((len(joints), padded, 150), np.float32)
    rows[:, : joints.shape[2]] = joints.transpose(0, 2, 1, 3, 4).reshape(len(joints), joints.shape[2], 150)
    return rows


def as_cubes(joints: Array) -> Array:
    """[N, M, T, V, 3] -> [N, 3, T, V, M]."""
    return np.ascontiguousarray(joints.transpose(0, 4, 2, 3, 1))


def write_ctr_gcn(
    path: Path, train: list[int], test: list[int], classes: int = 60, *, compressed: bool = False, **changes: Any
) -> tuple[Array, Array]:
    """``NTU60_CS.npz`` and the like; returns the joints of both parts."""
    first, second = clips(len(train), seed=1), clips(len(test), seed=2)
    arrays = {
        "x_train": as_columns(first, 8),
        "y_train": one_hot(train, classes),
        "x_test": as_columns(second, 8),
        "y_test": one_hot(test, classes),
    }
    arrays = {name: array for name, array in {**arrays, **changes}.items() if array is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return first, second


def write_aimclr(folder: Path, train: list[int], val: list[int], /, **changes: Any) -> tuple[Array, Array]:
    """``<data set>_frame50/xsub/``; returns the joints of both parts."""
    first, second = clips(len(train), 50, seed=1), clips(len(val), 50, seed=2)
    arrays = {
        "train_position": as_cubes(first),
        "train_motion": np.zeros_like(as_cubes(first)),
        "train_label": np.array(train)[:, None],
        "val_position": as_cubes(second),
        "val_label": np.array(val)[:, None],
    }
    return write_folder(folder, arrays | changes), first, second


def write_folder(folder: Path, arrays: dict[str, Any]) -> Path:
    """A ``.npy`` file per array; None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / f"{name}.npy", array)
    return folder


def write_smie(
    folder: Path, seen_train: list[int], seen_test: list[int], unseen: list[int], /, **changes: Any
) -> Array:
    """``split_<k>/``; returns the joints of all clips, part by part."""
    joints = [clips(len(labels), 50, seed) for seed, labels in enumerate((seen_train, seen_test, unseen))]
    arrays: dict[str, Any] = {}
    for name, part, labels in zip(
        ("seen_train", "seen_test", "unseen"), joints, (seen_train, seen_test, unseen), strict=True
    ):
        arrays |= {f"{name}_data": as_cubes(part), f"{name}_label": np.array(labels, dtype=np.int64)}
    write_folder(folder, arrays | changes)
    return np.concatenate(joints)


def features(labels: list[int], width: int = 8, seed: int = 0) -> Array:
    """Pooled features [N, D] that show their class."""
    noise = np.random.default_rng(seed).uniform(0, 0.3, size=(len(labels), width))
    centres = np.random.default_rng(99).uniform(0, 1, size=(200, width))
    return (centres[labels] + noise).astype(np.float32)


def write_synse(folder: Path, train: list[int], unseen: list[int], seen_test: list[int], /, **changes: Any) -> Path:
    """``shift_<U>_r/`` of 60 classes, ``gtest`` holding the unseen clips between the seen ones."""
    first, second, third = features(train, seed=1), features(unseen, seed=2), features(seen_test, seed=3)
    half = len(seen_test) // 2
    arrays = {
        "train": first,
        "train_label": np.array(train),
        "ztest": second,
        "z_label": np.array(unseen),
        "gtest": np.concatenate([third[:half], second[::-1], third[half:]]),
        "g_label": np.array([*seen_test[:half], *unseen[::-1], *seen_test[half:]], dtype=np.int64),
    }
    arrays["gtest_out"] = np.zeros((len(arrays["gtest"]), 60), np.float32)
    return write_folder(folder, arrays | changes)


def write_synse_val(folder: Path, train: list[int], held_out: list[int], others: list[int], /, **changes: Any) -> Path:
    """``shift_val_<U>_r/`` of 60 classes."""
    arrays = {
        "train": features(train, seed=1),
        "train_label": np.array(train),
        "ztest": features(held_out, seed=2),
        "z_label": np.array(held_out),
        "ztest_out": np.zeros((len(held_out), 60), np.float32),
        "val": features(others, seed=3),
        "val_label": np.array(others),
        "val_out": np.zeros((len(others), 60), np.float32),
    }
    return write_folder(folder, arrays | changes)


def write_flora(path: Path, train: list[int], unseen: list[int], seen_test: list[int], /, **changes: Any) -> Path:
    """``ntu60_seen55_unseen5.npz``."""
    second, third = features(unseen, seed=2), features(seen_test, seed=3)
    arrays = {
        "train_data": features(train, seed=1),
        "train_label": np.array(train),
        "zsl_data": second,
        "zsl_label": np.array(unseen),
        "gzsl_data": np.concatenate([second, third]),
        "gzsl_label": np.array([*unseen, *seen_test]),
    }
    return write_npz(path, arrays | changes)


def write_own(path: Path, labels: list[int], trained_on: list[int], /, **changes: Any) -> Path:
    """Our own layout with all optional arrays; every other clip is a training clip."""
    count = len(labels)
    random = np.random.default_rng(5)
    arrays = {
        "pooled": features(labels, seed=4),
        "joints": random.normal(size=(count, 25, 8)).astype(np.float16),
        "frames": random.normal(size=(count, 13, 8)).astype(np.float16),
        "masked": random.normal(size=(count, 2, 8)).astype(np.float32),
        "logits": random.normal(size=(count, 60)).astype(np.float32),
        "label": np.array(labels),
        "names": np.array([f"clip {row}" for row in range(count)]),
        "trained_on": np.array(trained_on, dtype=np.int64),
        "part.xsub": np.arange(count) % 2 == 0,
        "backbone": np.array("mine"),
    }
    return write_npz(path, arrays | changes)


def write_npz(path: Path, arrays: dict[str, Any]) -> Path:
    """An archive of the arrays that are not None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
