"""Numeric arrays of MATLAB 5 files (MathWorks, "MAT-File Format", level 5), in plain Python.

Only what recordings need: real numbers, compressed or not. scipy's reader is not used because its compiled part can
crash the whole process on a damaged file.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.sources import Source

_HEADER = 128
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", _INT32: "i4", _UINT32: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_CLASSES = range(6, 16)  # double, single and the eight integers
_COMPLEX = 0x0800
_LARGEST = 1 << 30
"""Bytes that a compressed variable may unfold to: a thousand times a long clip."""


class _DamagedError(Exception):
    """The bytes are not what the format prescribes."""


@dataclass(frozen=True)
class _Element:
    kind: int
    content: bytes


def read_matrix(source: Source, variable: str) -> NDArray[Any]:
    """The real numeric array called ``variable``, of any number of dimensions.

    Raises:
        InputError: the file is no MATLAB 5 file, is damaged, or holds no such array.
    """
    try:
        content = source.read_bytes()
        if len(content) < _HEADER or content[126:128] not in (b"IM", b"MI"):
            raise _DamagedError("it has no MATLAB 5 header")
        order = "<" if content[126:128] == b"IM" else ">"
        for element in _elements(content[_HEADER:], order):
            if element.kind == _COMPRESSED:
                element = next(_elements(_unfold(element.content), order))
            name, array = _matrix(element, order, variable)
            if name == variable:
                return array
        raise _DamagedError(f"it holds no variable {variable}")
    except (_DamagedError, zlib.error, StopIteration) as error:
        raise InputError(f"{source} cannot be read as a MATLAB 5 file", why=str(error) or "it is truncated") from error


def _elements(content: bytes, order: str) -> Iterator[_Element]:
    """Split bytes into tagged elements; data is padded to 8 bytes, except where compressed or packed into the tag."""
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise _DamagedError("it is truncated")
        kind, size = struct.unpack_from(order + "II", content, at)
        start, step = at + 8, 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if kind >> 16:
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        if start + size > len(content) or (start == at + 4 and size > 4):
            raise _DamagedError("it is truncated")
        yield _Element(kind, content[start : start + size])
        at += step


def _unfold(content: bytes) -> bytes:
    stream = zlib.decompressobj()
    unfolded = stream.decompress(content, _LARGEST)
    if not stream.eof:
        raise _DamagedError("its compressed part is truncated or absurdly large")
    return unfolded


def _matrix(element: _Element, order: str, wanted: str) -> tuple[str, NDArray[Any]]:
    """Name and numbers of a matrix element; the numbers only if it is the wanted one."""
    if element.kind != _MATRIX:
        raise _DamagedError(f"element type {element.kind} is not a matrix")
    parts = _elements(element.content, order)
    flags = _numbers(next(parts), order)
    shape = _numbers(next(parts), order)
    name = next(parts).content.decode("latin-1")
    if name != wanted:
        return name, np.zeros(0)
    if flags.dtype.kind != "u" or not len(flags) or flags[0] & 0xFF not in _CLASSES or flags[0] & _COMPLEX:
        raise _DamagedError(f"{name} is not an array of real numbers")
    numbers = _numbers(next(parts), order)
    sizes = [int(size) for size in shape]
    if min(sizes, default=-1) < 0 or math.prod(sizes) != len(numbers):
        raise _DamagedError(f"{name} claims shape {sizes} but holds {len(numbers)} numbers")
    return name, numbers.reshape(sizes, order="F")


def _numbers(element: _Element, order: str) -> NDArray[Any]:
    if element.kind not in _NUMBERS:
        raise _DamagedError(f"element type {element.kind} does not hold numbers")
    dtype = np.dtype(_NUMBERS[element.kind]).newbyteorder("<" if order == "<" else ">")
    if len(element.content) % dtype.itemsize:
        raise _DamagedError("it is truncated")
    return np.frombuffer(element.content, dtype)
