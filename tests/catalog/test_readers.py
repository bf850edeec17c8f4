"""Data sets name readers that exist."""

from __future__ import annotations

import pytest

from zsl_skeleton.catalog import dataset_names, load_dataset
from zsl_skeleton.skeletons.readers import READERS


@pytest.mark.parametrize("name", dataset_names())
def test_the_reader_is_registered(name: str) -> None:
    assert load_dataset(name).reader in {None, *READERS}
