"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

# Tiny models on few cores: one thread each is fastest, and results do not depend on the machine's core count.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from zsl_skeleton.artifacts import Store

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty artifact store."""
    return Store(tmp_path / "artifacts")


@pytest.fixture(scope="session")
def real_data_dir() -> Path:
    """Folder of the real recordings; skips where there is none."""
    folder = Path(os.environ.get("ZSL_DATA_DIR") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real recordings in {folder} (set ZSL_DATA_DIR)")
    return folder
