"""The bytes of arrays where they lie: in a file, or stored or deflated in an archive."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.sources import Source

Array = NDArray[Any]

_DEFLATE = 1100  # no compressed byte stands for more than 1032
_BROKEN = (
    OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, IndexError, struct.error, RecursionError,
    MemoryError, OverflowError, RuntimeError, zipfile.BadZipFile, zlib.error,
    zipfile.LargeZipFile, tokenize.TokenError,
)  # fmt: skip


def extent(source: Source) -> tuple[int | None, int]:
    """Where the bytes of a file or member begin in ``source.path`` (None: compressed), and how many they are.

    Raises:
        InputError: it cannot be read, is encrypted, or promises more than there can be.
    """
    with reading(source):
        check_file(source.path)
        if not source.member:
            return 0, source.path.stat().st_size
        with zipfile.ZipFile(source.path) as archive, source.path.open("rb") as stream:
            member = archive.getinfo(source.member)
            if member.flag_bits & 1:
                raise InputError(f"{source} is encrypted", mend="unpack the archive with its password")
            if member.compress_type == zipfile.ZIP_DEFLATED:
                if member.file_size > member.compress_size * _DEFLATE + 64:
                    raise InputError(f"{source} is damaged", why="it promises more than its compressed bytes can hold")
                return None, member.file_size
            if member.compress_type != zipfile.ZIP_STORED:
                raise InputError(f"{source} is compressed in a way that numpy does not write", mend="unpack it")
            stream.seek(member.header_offset)
            head = stream.read(30)
            if head[:4] != b"PK\x03\x04" or len(head) < 30 or member.compress_size != member.file_size:
                raise InputError(f"{source} is damaged", why="the archive contradicts itself")
            place = member.header_offset + 30 + sum(struct.unpack("<HH", head[26:]))
            available = source.path.stat().st_size - place
            if available < member.file_size:
                raise InputError(f"{source} is truncated", why=f"{available} of {member.file_size} bytes are there")
            return place, member.file_size


def check_file(path: Path, mend: str = "") -> None:
    """Make sure that a path is a file; ``mend`` is what to do if it is not.

    Raises:
        InputError: it is not.
    """
    if not path.is_file():  # to open a pipe would be to wait for ever
        raise InputError(f"{path} {'is not a regular file' if path.exists() else 'does not exist'}", mend=mend)


def opened(source: Source) -> IO[bytes]:
    """The decompressed bytes of a file or member; the archive is closed with the stream."""
    if not source.member:
        return source.path.open("rb")
    with zipfile.ZipFile(source.path) as archive:
        return archive.open(source.member)


@contextmanager
def open_bytes(source: Source) -> Iterator[IO[bytes]]:
    """:func:`opened`, and closed again."""
    stream = opened(source)
    try:
        yield stream
    finally:
        stream.close()


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Turn everything that damaged bytes can lead to into an error that names the array."""
    try:
        yield
    except _BROKEN as error:
        raise InputError(f"{source} cannot be read as plain arrays", why=str(error) or type(error).__name__) from error


def fill(stream: IO[bytes], array: Array) -> None:
    """Read the numbers of a new array, in the order in which it keeps them."""
    if not array.size:
        return
    view, done = array.reshape(-1, order="A").view(np.uint8), 0
    while done < len(view):
        block = stream.read(min(len(view) - done, 1 << 20))
        if not block:
            raise EOFError(f"it ends {len(view) - done} bytes early")
        view[done : done + len(block)] = np.frombuffer(block, np.uint8)
        done += len(block)


def skip(stream: IO[bytes], count: int) -> None:
    """Read so many bytes and forget them."""
    while count > 0:
        block = stream.read(min(count, 1 << 20))
        if not block:
            raise EOFError(f"it ends {count} bytes early")
        count -= len(block)
