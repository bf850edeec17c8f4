"""Arrays as they lie on disk: ``.npy`` files and the members of ``.npz`` and ``.zip`` archives.

Only the header is read at first. What is not compressed is memory-mapped where it lies, archives included; what is
compressed is read once, in order. Python objects are refused: nothing is ever unpickled.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.raw_bytes import check_file, extent, fill, open_bytes, opened, reading, skip
from zsl_skeleton.skeletons.sources import Source

Array = NDArray[Any]

NPY = ".npy"
MAX_ROW = 1 << 28
"""Bytes of one row (a clip of a million frames of two persons takes 600 MB as float32; published ones take 180 kB)."""
_VERSIONS = ((1, 0), (2, 0), (3, 0))


@dataclass(frozen=True)
class StoredArray:
    """An array that has not been read yet.

    Args:
        source: the file, or the archive and its member.
        shape: as the header says.
        dtype: plain numbers or text.
        column_major: whether the last axis comes first on disk.
        header: bytes before the first number, in the file or member.
        place: of the first number in ``source.path``; None where it is compressed.
    """

    source: Source
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    column_major: bool
    header: int
    place: int | None

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 0

    @property
    def row_bytes(self) -> int:
        """Bytes of ``array[i]``."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def read(self) -> Array:
        """The whole array: a read-only memory map, or a copy in memory where it is compressed.

        Raises:
            InputError: the file ends early or is damaged.
        """
        if self.place is not None:
            return self._map()
        with reading(self.source), open_bytes(self.source) as stream:
            stream.read(self.header)
            found: Array = np.empty(self.shape, self.dtype, "F" if self.column_major else "C")
            fill(stream, found)
        return found

    def rows(self) -> Rows:
        """Access to single rows, cheap when they are asked for in order."""
        return Rows(self)

    def _map(self) -> Array:
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        order: Any = "F" if self.column_major else "C"
        with reading(self.source):
            return np.memmap(self.source.path, self.dtype, "r", self.place or 0, self.shape, order)


class Rows:
    """Rows of a stored array. Of a compressed one only the row that was asked for is in memory."""

    def __init__(self, array: StoredArray) -> None:
        if array.row_bytes > MAX_ROW:
            raise InputError(f"{array.source}: a row takes {array.row_bytes} bytes", why="that is absurdly large")
        self.array = array
        self._mapped = array.read() if array.place is not None else None
        self._stream: IO[bytes] | None = None
        self._next = 0

    def __getitem__(self, row: int) -> Array:
        """Row 0..N-1.

        Raises:
            InputError: the file ends early or is damaged.
        """
        if self._mapped is not None:
            return np.asarray(self._mapped[row])
        with reading(self.array.source):
            if self._stream is None or row < self._next:
                self.close()
                self._stream = opened(self.array.source)
                skip(self._stream, self.array.header)
                self._next = 0
            skip(self._stream, (row - self._next) * self.array.row_bytes)
            found = np.empty(self.array.shape[1:], self.array.dtype)
            fill(self._stream, found)
            self._next = row + 1
        return found

    def close(self) -> None:
        """Give the file back."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def stored_array(source: Source) -> StoredArray:
    """Read the header of an array.

    Raises:
        InputError: it is no array of plain numbers or text, or its header promises more than there is.
    """
    place, size = extent(source)
    with reading(source), open_bytes(source) as stream:
        version = npy.read_magic(stream)
        if version not in _VERSIONS:
            raise InputError(f"{source} is no array", why=f"its format has version {version}")
        # numpy keeps the reader of version 3, which differs in the encoding of field names only, to itself.
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        with warnings.catch_warnings(action="ignore"):  # about headers that Python 2 wrote, or nobody
            shape, column_major, dtype = read(stream)
        header = stream.tell()
    if dtype.hasobject:
        raise InputError(
            f"{source} cannot be read as plain arrays", why="it holds pickled Python objects, never loaded"
        )
    if dtype.kind not in "biufU" or min(shape, default=0) < 0:
        raise InputError(f"{source} cannot be read as plain arrays", why=f"it holds {dtype} of shape {list(shape)}")
    promised = header + math.prod(shape) * dtype.itemsize
    if promised != size:
        why = f"its header promises {promised} bytes ({dtype}, shape {list(shape)}), there are {size}"
        raise InputError(f"{source} is truncated or damaged", why=why)
    compressed = place is None and column_major and len(shape) > 1
    if compressed:
        raise InputError(f"{source} is compressed column by column", mend="save np.ascontiguousarray(array) again")
    return StoredArray(source, tuple(shape), dtype, column_major, header, None if place is None else place + header)


def npz_arrays(path: Path) -> dict[str, Source]:
    """Name of an array -> where it lies, for the members of an ``.npz`` file, in file order.

    Raises:
        InputError: it is no archive.
    """
    check_file(path)
    with reading(Source(path)), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    doubled = {name for name in names if names.count(name) > 1} if len(names) < 10_000 else {"thousands of members"}
    if doubled:
        raise InputError(f"{path} is damaged", why=f"it holds {min(doubled)} more than once")
    return {name.removesuffix(NPY): Source(path, name) for name in names if name.endswith(NPY)}
