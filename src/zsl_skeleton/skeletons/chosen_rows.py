"""Some rows of large arrays, without a copy of what nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.files import Array

Integers = NDArray[np.int64]

_BLOCK = 2**25


class ChosenRows(Mapping[str, Array]):
    """The same rows of several arrays; an array's rows are copied when it is first asked for, and then kept.

    Args:
        arrays: each with N rows, perhaps on the disk.
        rows: int64 [n], indices below N.
    """

    def __init__(self, arrays: Mapping[str, Array], rows: Integers) -> None:
        self._arrays, self._rows = arrays, rows
        if isinstance(arrays, ChosenRows):  # rows of rows are rows: nothing in between is copied
            self._arrays, self._rows = arrays._arrays, arrays._rows[rows]
        self._copies: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._copies:
            self._copies[name] = self._arrays[name][self._rows]
        return self._copies[name]

    def __contains__(self, name: object) -> bool:
        return name in self._arrays  # the inherited one copies the rows to see whether it can

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def followed_by(self, other: ChosenRows) -> ChosenRows | None:
        """These rows and behind them the ``other``'s, if both are rows of the same arrays."""
        if self._arrays is not other._arrays:
            return None
        return ChosenRows(self._arrays, np.concatenate([self._rows, other._rows]))


def broken_rows(array: Array) -> NDArray[np.bool_]:
    """Which rows of ``array`` [N, ...] hold NaN or infinity, bool [N]; the array is read block by block."""
    found = np.zeros(len(array), dtype=bool)
    step = max(1, _BLOCK // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        found[start : start + step] = ~np.isfinite(block).reshape(len(block), -1).all(axis=1)
    return found
