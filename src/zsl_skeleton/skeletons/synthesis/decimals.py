"""Tables of numbers as text, all of them at once: several times faster than formatting one number at a time.

A number becomes three pieces that are looked up: sign and whole part, point and four decimals, four more decimals and
the separator. A piece is eight bytes, filled up with zero bytes that are deleted in the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pieces = NDArray[np.uint64]

LIMIT = 10_000.0
"""Numbers must be smaller than this in magnitude."""
MOST_DECIMALS = 8
_HALF = 10_000  # four digits


def _pieces(texts: Sequence[str]) -> Pieces:
    return np.frombuffer(b"".join(text.encode().ljust(8, b"\0") for text in texts), dtype=np.uint64)


_FOURS = [f"{number:04}" for number in range(_HALF)]
# Decimals end with their last digit that is not 0: the first table is for a piece that ends there.
_ENDING = [digits.rstrip("0") for digits in _FOURS]
_WHOLE = _pieces([f"{sign}{number}" for sign in ("", "-") for number in range(_HALF)])
_FIRST = _pieces(["" if not ending else f".{ending}" for ending in _ENDING] + [f".{digits}" for digits in _FOURS])
_LAST = _pieces([f"{ending}{separator}" for separator in (" ", "\n") for ending in _ENDING])


def table_text(numbers: Floats, decimals: Sequence[int]) -> bytes:
    """One line per row, blanks between the numbers, no zeros at the end of decimals.

    Args:
        numbers: [R, C], finite, smaller than ``LIMIT`` in magnitude.
        decimals: to how many each of the C columns is rounded, 0 to 8.

    Raises:
        ValueError: a number is too large or not finite.
    """
    scale = 10.0 ** np.asarray(decimals)
    scaled = np.rint(np.abs(numbers) * scale)
    if not (scaled < LIMIT * scale).all():
        raise ValueError(f"numbers must be finite and smaller than {LIMIT:g}")
    whole = np.floor(scaled / scale)
    rest = ((scaled - whole * scale) * (10.0**MOST_DECIMALS / scale)).astype(np.uint32)
    first = rest // np.uint32(_HALF)
    last = rest - first * np.uint32(_HALF)
    pieces = np.empty((*numbers.shape, 3), dtype=np.uint64)
    pieces[:, :, 0] = _WHOLE[whole.astype(np.uint32) + np.uint32(_HALF) * ((numbers < 0.0) & (scaled > 0.0))]
    pieces[:, :, 1] = _FIRST[first + np.uint32(_HALF) * (last > 0)]
    last[:, -1] += np.uint32(_HALF)  # the row ends here
    pieces[:, :, 2] = _LAST[last]
    return pieces.tobytes().translate(None, b"\0")
