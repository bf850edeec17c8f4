"""The catalog's NTU-60 and one of its splits."""

from __future__ import annotations

import pytest

from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.skeletons.arrays.features.base import Reading


@pytest.fixture(scope="session")
def ntu60() -> Dataset:
    return load_dataset("ntu60")


@pytest.fixture(scope="session")
def reading(ntu60: Dataset) -> Reading:
    """NTU-60, SynSE's 55/5 split, cross-subject."""
    return Reading(ntu60, ntu60.split("synse-55-5"), ntu60.protocol("xsub"))
