"""The one place that opens a cache on disk: text under text keys, shared by processes, for ever.

diskcache pickles whatever is no plain value, and unpickles whatever it finds in the folder (CVE-2025-69872). The
``TextDisk`` below does neither: anything but text is refused, when it is written and when it is read, so a cache that
somebody else filled cannot run code here.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import diskcache

from zsl_skeleton.errors import InputError

_RAW = 1  # diskcache's mode of a value kept in the database itself
_WAIT = 60.0  # seconds that one process lets another one finish writing
_SCARCE = 1 << 20  # bytes; sqlite reports some failures of a full disk as plain I/O errors
_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class TextCache(Protocol):
    """Texts by key. Every method raises InputError where the cache is damaged, full, locked or not writable."""

    def get(self, key: str) -> str | None:
        """The text stored under ``key``; None if there is none."""
        ...

    def set(self, key: str, text: str) -> None:
        """Store a text, whole or not at all."""
        ...

    def keys(self) -> Iterator[str]:
        """All keys in ascending order."""
        ...

    def delete(self, key: str) -> None:
        """Forget ``key``; nothing happens if it is unknown."""
        ...

    def close(self) -> None:
        """Release the files."""
        ...


def open_text_cache(folder: Path, what: str) -> TextCache:
    """Open or create the cache in ``folder``; several processes may share it.

    Args:
        folder: holds nothing else.
        what: names the cache in errors, e.g. ``"embedding cache"``.

    Raises:
        InputError: the folder cannot be written, holds something else, or a damaged cache.
    """
    return _DiskTexts(folder, what)


def damaged_cache(folder: Path, what: str, why: str) -> InputError:
    """The error for a cache with content that it should not have; names the folder to delete."""
    mend = f"delete the folder {folder} (it is filled again by itself): rm -r {folder}"
    return InputError(f"the {what} {folder} cannot be used", why=why, mend=mend)


class TextDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys and text values, all in the database; anything else would be a pickle or a file and is refused."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Database form of a key.

        Raises:
            TypeError: it is not text.
        """
        if not isinstance(key, str):
            raise TypeError(f"cache keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        """Key from its database form."""
        if not raw or not isinstance(key, str):
            raise _RefusedError("a key is not text")
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> tuple[int, int, None, str]:
        """Size, mode, file and database form of a value.

        Raises:
            TypeError: it is not text.
        """
        if read or not isinstance(value, str):
            raise TypeError(f"cache values are JSON text, not {type(value).__name__}")
        return 0, _RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> str:
        """Value from its database form."""
        if mode != _RAW or filename is not None or not isinstance(value, str):
            raise _RefusedError("a value is not text")
        return value


class _RefusedError(Exception):
    """Something in the cache was not written by this module."""


class _DiskTexts:
    def __init__(self, folder: Path, what: str) -> None:
        self._folder = folder
        self._what = what
        self._cache: Any = None
        with self._explained():
            self._cache = diskcache.Cache(str(folder), disk=TextDisk, eviction_policy="none", timeout=_WAIT)

    def get(self, key: str) -> str | None:
        with self._explained():
            found: str | None = self._cache.get(key)
            return found

    def set(self, key: str, text: str) -> None:
        with self._explained():
            self._cache.set(key, text)

    def keys(self) -> Iterator[str]:
        with self._explained():
            yield from self._cache.iterkeys()

    def delete(self, key: str) -> None:
        with self._explained():
            self._cache.delete(key)

    def close(self) -> None:
        self._cache.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (_RefusedError, diskcache.Timeout, sqlite3.Error, OSError) as error:
            if self._cache is not None:
                self._cache.close()  # a commit that failed leaves the connection inside its transaction
            raise self._error(error) from error

    def _error(self, error: BaseException) -> InputError:
        cause = _first_cause(error)
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        name, why = f"the {self._what} {self._folder}", str(cause) or type(cause).__name__
        if self._is_full(cause, code):
            mend = f"make room (df -h {self._folder}), then run the same command; all that was stored is kept"
            return InputError(f"{name} cannot be written: the disk is full", why=why, mend=mend)
        if isinstance(cause, OSError) or code in _FORBIDDEN:
            mend = f"make it a folder that you may write to (ls -ld {self._folder}), or name another with --artifacts"
            return InputError(f"{name} cannot be written", why=why, mend=mend)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            why = f"another process has been writing to it for more than {_WAIT:.0f} seconds ({why})"
            return InputError(f"{name} is locked", why=why, mend="wait for the other command, or end it")
        return damaged_cache(self._folder, self._what, why)

    def _is_full(self, cause: BaseException, code: int) -> bool:
        if isinstance(cause, OSError):
            return cause.errno in (errno.ENOSPC, errno.EDQUOT)
        if code == sqlite3.SQLITE_IOERR:
            return shutil.disk_usage(self._folder).free < _SCARCE
        return code == sqlite3.SQLITE_FULL


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong first: diskcache hides it behind ``Timeout``, or behind a rollback that failed in turn."""
    while isinstance(error.__context__, sqlite3.Error | OSError):
        error = error.__context__
    return error
