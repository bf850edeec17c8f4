"""A small folder of NTU's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from reader_samples import ntu_text
from skeletons.importing.ntu_recordings import A, B, name
from zsl_skeleton.catalog import Dataset, load_dataset


@pytest.fixture
def ntu() -> Dataset:
    return load_dataset("ntu60")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve files: one or two bodies, an empty frame in the second of each three."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(12):
        frames = [[A, B] if number % 3 == 0 else [A]] * 14
        frames[4] = [] if number % 3 == 1 else frames[4]
        (folder / f"{name(number)}.skeleton").write_text(ntu_text(frames, seed=number))
    return folder
