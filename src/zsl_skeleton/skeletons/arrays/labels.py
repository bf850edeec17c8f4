"""Class labels as other people store them: 0-based whole numbers, one per clip, or one-hot rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.stored import StoredArray

Integers = NDArray[np.int64]

MAX_CLASSES = 100_000


def read_labels(stored: StoredArray, count: int) -> Integers:
    """0-based labels, int64 [N], of an array [N] or [N, 1] of whole numbers.

    Args:
        stored: the array.
        count: N, the clips that the labels belong to.

    Raises:
        InputError: another shape, no whole numbers, or a number that cannot be a class.
    """
    if stored.shape not in ((count,), (count, 1)) or stored.dtype.kind not in "iu":
        mend = "save array.astype('int64') once you know that nothing is lost" if stored.dtype.kind == "f" else ""
        raise InputError(
            f"{stored.source} holds {stored.dtype} of shape {list(stored.shape)}",
            why=f"expected {count} whole numbers, the class of each clip",
            mend=mend,
        )
    labels = stored.read().reshape(-1)
    wrong = (labels < 0) | (labels >= MAX_CLASSES)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"{stored.source}: the label of clip {row} is {labels[row]}", why="labels count from 0")
    return np.asarray(labels, dtype=np.int64)


def read_one_hot(stored: StoredArray, count: int) -> Integers:
    """0-based labels, int64 [N], of rows [N, C] that hold a single 1 and zeros.

    Raises:
        InputError: another shape, or a row is not one-hot; the message names the first.
    """
    if len(stored.shape) != 2 or stored.shape[0] != count or stored.shape[1] < 2 or stored.dtype.kind not in "biuf":
        raise InputError(
            f"{stored.source} holds {stored.dtype} of shape {list(stored.shape)}",
            why=f"expected {count} one-hot rows, a column per class",
        )
    rows = stored.read()
    wrong = (np.count_nonzero(rows, axis=1) != 1) | ((rows == 1).sum(axis=1) != 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{stored.source}: row {row} is not one-hot",
            why=f"it has {np.count_nonzero(rows[row])} entries that are not 0, and sums to {rows[row].sum():g}",
        )
    return np.asarray(rows.argmax(axis=1), dtype=np.int64)
