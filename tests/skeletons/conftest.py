"""Small folders of recordings in the formats that the readers know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.catalog import Dataset

WriteMsr = Callable[..., Path]


@pytest.fixture
def write_msr(tmp_path: Path) -> WriteMsr:
    """``write_msr("a01_s01_e01", joints=None) -> path``: one MSR-Action3D file below ``tmp_path / "msr"``."""

    def write(name: str, joints: np.ndarray | None = None) -> Path:
        if joints is None:
            joints = np.random.default_rng(sum(map(ord, name))).normal(size=(8, 20, 3))
        lines = [f"{x:.6f} {y:.6f} {z:.6f} 1" for x, y, z in joints.reshape(-1, 3)]
        path = tmp_path / "msr" / f"{name}_skeleton3D.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def toy() -> Callable[..., Dataset]:
    """``toy(expected_clips=8, ...) -> Dataset``: two classes recorded in MSR-Action3D's format, two subjects."""

    def make(**changes: Any) -> Dataset:
        entry: Mapping[str, Any] = {
            "name": "toy",
            "title": "Toy",
            "synthetic": False,
            "layout": "kinect-v1",
            "fps": 30,
            "persons": 1,
            "reader": "msr-action3d",
            "classes": [{"index": i, "code": f"a{i + 1:02d}", "name": f"action {i + 1}"} for i in range(2)],
            "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1]}},
            "default_protocol": "xsub",
        }
        return Dataset.model_validate({**entry, **changes})

    return make
