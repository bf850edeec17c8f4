"""The embedding cache: a vector once computed is looked up by content, by any process, for ever."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.cache import damaged_cache, open_text_cache
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.text.class_embeddings import EncoderCard

_WHAT = "embedding cache"


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
        InputError: the folder cannot be written, holds something else, or a damaged cache.
    """
    return _DiskVectors(folder)


class _DiskVectors:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts = open_text_cache(folder, _WHAT)

    def get(self, key: str) -> NDArray[np.float32] | None:
        text = self._texts.get(key)
        if text is None:
            return None
        try:
            return _decode(text)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise damaged_cache(self._folder, _WHAT, f"an entry is not a vector ({error})") from error

    def set(self, key: str, vector: NDArray[np.float32]) -> None:
        self._texts.set(key, _encode(vector))

    def close(self) -> None:
        self._texts.close()


def _encode(vector: NDArray[np.float32]) -> str:
    data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
    return json.dumps({"dim": int(vector.size), "float32": base64.b64encode(data).decode()})


def _decode(text: str) -> NDArray[np.float32]:
    entry = json.loads(text)
    vector = np.frombuffer(base64.b64decode(entry["float32"], validate=True), dtype="<f4")
    if vector.size != entry["dim"]:
        raise ValueError(f"{vector.size} numbers instead of {entry['dim']}")
    return vector.astype(np.float32)
