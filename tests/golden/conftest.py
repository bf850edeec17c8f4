"""Golden files: numbers made by the authors' own code. ``ZSL_GOLDEN_DIR`` names another folder of the same format."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]

GOLDEN_DIR = Path(os.environ.get("ZSL_GOLDEN_DIR") or Path(__file__).parent)


def det(shape: Sequence[int], seed: int, name: str, spec: dict[str, Any]) -> NDArray[np.float32]:
    """A tensor that is not stored but generated from a seed and its name."""
    uniform = np.random.default_rng([seed, zlib.crc32(name.encode())]).random(tuple(shape))
    x = (spec.get("offset", 0.0) + spec.get("scale", 1.0) * (2 * uniform - 1)).astype(np.float32)
    if spec.get("post") == "relu":
        x = np.maximum(x, 0)
    if spec.get("post") == "unit":
        x = (x / np.sqrt((x.astype(float) ** 2).sum(-1, keepdims=True))).astype(np.float32)
    return x


@pytest.fixture(scope="session")
def golden() -> Load:
    """``golden("smie_stgcn") -> (cfg, arrays)``: stored and generated tensors of one golden file."""

    def load(name: str) -> tuple[dict[str, Any], Arrays]:
        with np.load(GOLDEN_DIR / f"{name}.npz", allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        meta = json.loads(str(arrays.pop("meta")))
        for key, spec in meta["gen"].items():
            arrays[key] = det(spec["shape"], meta["seed"], key, spec)
        return meta["cfg"], arrays

    return load


@pytest.fixture(scope="session", autouse=True)
def generated_tensors_are_as_published() -> None:
    """The published control value of the generator: a drift here would make every golden test meaningless."""
    control = det((3,), 1, "a", {})
    np.testing.assert_allclose(control, [0.56781590, 0.33705792, -0.94472140], atol=5e-9)
