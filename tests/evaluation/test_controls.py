"""Controls."""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.controls import shuffled_rows


@pytest.mark.parametrize("classes", [2, 3, 27, 120])
def test_nobody_keeps_its_own_text(classes: int) -> None:
    for seed in range(20):
        rows = shuffled_rows(classes, seed)
        assert sorted(rows) == list(range(classes))
        assert not (rows == np.arange(classes)).any()
    assert (shuffled_rows(classes, 1) == shuffled_rows(classes, 1)).all()


def test_all_shuffles_are_equally_likely() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(900):
        rows = tuple(int(row) for row in shuffled_rows(4, seed))
        counts[rows] = counts.get(rows, 0) + 1
    assert len(counts) == 9  # derangements of four
    assert max(counts.values()) < 160


def test_one_class_cannot_be_shuffled() -> None:
    with pytest.raises(InputError, match="cannot be shuffled"):
        shuffled_rows(1, 0)
