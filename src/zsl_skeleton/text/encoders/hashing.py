"""``hashing``: an encoder without weights, for tests and machines without a model.

Words, word pairs and the character 3- to 5-grams of each word are hashed to signed positions of a 256-d vector (feature
hashing, Weinberger et al., ICML 2009), weighted by 1 + log(count), and normalised. Texts that share words or stems come
out similar; it knows nothing of meaning.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+")
_DIM = 256
# A word is told mainly by itself; its pieces (about ten) only help to find its relatives.
_WEIGHTS = {"word": 1.0, "pair": 0.5, "piece": 0.25}


class Hashing:
    """Deterministic hashed n-grams: the same vectors on every machine and in every process.

    Args:
        device, dtype: taken as by the other encoders and not used; there is nothing to speed up.
    """

    name = "hashing"
    revision = "1"
    dim = _DIM
    max_tokens = None
    pooling = "sum"
    device = "cpu"

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        pass

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, 256] of length 1; a text without a letter or digit becomes the zero vector."""
        return np.stack([_vector(text) for text in texts]) if texts else np.zeros((0, _DIM), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words per text."""
        return [len(_words(text)) for text in texts]


def _vector(text: str) -> NDArray[np.float32]:
    vector = np.zeros(_DIM)
    for (kind, feature), count in Counter(_features(_words(text))).items():
        position, sign = _place(kind, feature)
        vector[position] += sign * _WEIGHTS[kind] * (1 + math.log(count))
    length = math.sqrt(math.fsum(vector * vector))
    return (vector / length if length else vector).astype(np.float32)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _features(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        yield "word", word
        padded = f"<{word}>"
        for size in (3, 4, 5):
            for start in range(len(padded) - size + 1):
                yield "piece", padded[start : start + size]
    for first, second in itertools.pairwise(words):
        yield "pair", f"{first} {second}"


@functools.lru_cache(maxsize=1 << 16)
def _place(kind: str, feature: str) -> tuple[int, int]:
    # hash() is salted per process; this is not.
    number = int.from_bytes(hashlib.blake2b(f"{kind}:{feature}".encode(), digest_size=8).digest(), "little")
    return number % _DIM, 1 if number >> 63 else -1
