"""The embedding cache: a vector once computed is looked up by content, by any process, for ever.

Nothing is ever pickled or unpickled: diskcache would do both, hence the ``Disk`` below (CVE-2025-69872).
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import diskcache
import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.text.class_embeddings import EncoderCard

_RAW, _TEXT = 1, 3  # diskcache's modes of a value kept in the database and in a text file
_WAIT = 60.0  # seconds that one process lets another one finish writing


class VectorCache(Protocol):
    """What the encoding needs of a cache."""

    def get(self, key: str) -> NDArray[np.float32] | None:
        """The vector [D] stored under ``key``; None if there is none."""

    def set(self, key: str, vector: NDArray[np.float32]) -> None:
        """Store a vector [D]."""

    def close(self) -> None:
        """Release the files."""


def vector_key(encoder: EncoderCard, text: str) -> str:
    """Cache key: hash of everything that decides the vector of a text, and of nothing else."""
    return sha256_text(canonical_json([encoder.name, encoder.revision, encoder.pooling, encoder.normalise, text]))


def open_vector_cache(folder: Path) -> VectorCache:
    """Open or create the cache in ``folder``; several processes may share it.

    Raises:
        InputError: the folder holds something else, or a damaged cache.
    """
    return _DiskVectors(folder)


class _TextDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys and text values only; anything else would be a pickle and is refused, on writing and on reading."""

    def put(self, key: Any) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError(f"cache keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        if not raw or not isinstance(key, str):
            raise _RefusedError("a key is not text")
        return key

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        if read or not isinstance(value, str):
            raise TypeError(f"cache values are JSON text, not {type(value).__name__}")
        return super().store(value, read, key)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> str:
        if mode not in (_RAW, _TEXT) or (mode == _RAW and not isinstance(value, str)):
            raise _RefusedError("a value is not text")
        return str(super().fetch(mode, filename, value, read))


class _RefusedError(Exception):
    """Something in the cache was not written by this module."""


class _DiskVectors:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._mendable():
            self._cache = diskcache.Cache(str(folder), disk=_TextDisk, eviction_policy="none", timeout=_WAIT)

    def get(self, key: str) -> NDArray[np.float32] | None:
        with self._mendable():
            text = self._cache.get(key)
            return None if text is None else _decode(text)

    def set(self, key: str, vector: NDArray[np.float32]) -> None:
        with self._mendable():
            self._cache.set(key, _encode(vector))

    def close(self) -> None:
        self._cache.close()

    @contextmanager
    def _mendable(self) -> Iterator[None]:
        try:
            yield
        except (_RefusedError, sqlite3.Error, OSError) as error:
            why = str(error) or type(error).__name__
            mend = f"delete the folder {self._folder} (it is filled again by itself)"
            raise InputError(f"the embedding cache {self._folder} cannot be used", why=why, mend=mend) from error


def _encode(vector: NDArray[np.float32]) -> str:
    data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    return json.dumps({"dim": int(vector.size), "float32": base64.b64encode(data).decode()})


def _decode(text: str) -> NDArray[np.float32]:
    try:
        entry = json.loads(text)
        vector = np.frombuffer(base64.b64decode(entry["float32"], validate=True), dtype="<f4")
        if vector.size != entry["dim"]:
            raise ValueError(f"{vector.size} numbers instead of {entry['dim']}")
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise _RefusedError(f"an entry is not a vector ({error})") from error
    return vector.astype(np.float32)
