"""Comparison with a digest: what a golden file keeps of a tensor that is too large for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def assert_digest(tensor: Tensor, digest: NDArray[np.float64], rel: float, name: str = "") -> None:
    """``digest``: sum, sum of absolute values, Euclidean norm, and 24 entries at equal distances."""
    x = tensor.detach().double().numpy().ravel()
    norm = digest[2]
    assert abs(x.sum() - digest[0]) <= rel * digest[1], name
    assert abs(np.abs(x).sum() - digest[1]) <= rel * digest[1], name
    assert abs(np.linalg.norm(x) - norm) <= rel * norm, name
    picked = x[np.linspace(0, x.size - 1, 24).astype(np.int64)]
    assert np.abs(picked - digest[3:]).max() <= rel * 3 * norm / np.sqrt(x.size), name
