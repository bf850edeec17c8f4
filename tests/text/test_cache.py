from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import diskcache
import numpy as np
import pytest

from zsl_skeleton.cache import TextDisk
from zsl_skeleton.errors import InputError
from zsl_skeleton.text.cache import open_vector_cache, vector_key
from zsl_skeleton.text.class_embeddings import EncoderCard

CARD = EncoderCard(name="hashing", revision="1", pooling="sum", normalise=True)


def test_vectors_come_back_to_the_last_bit(tmp_path: Path) -> None:
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    vector[:3] = [0.0, -0.0, np.finfo(np.float32).tiny]
    cache = open_vector_cache(tmp_path)
    assert cache.get("a") is None
    cache.set("a", vector)
    cache.close()
    again = open_vector_cache(tmp_path)
    found = again.get("a")
    again.close()
    assert found is not None
    assert found.dtype == np.float32
    assert found.tobytes() == vector.tobytes()


def test_the_key_holds_what_decides_the_vector() -> None:
    keys = {
        vector_key(card, text)
        for text in ("arm", "leg")
        for card in (
            CARD,
            CARD.model_copy(update={"name": "minilm"}),
            CARD.model_copy(update={"revision": "2"}),
            CARD.model_copy(update={"pooling": "mean"}),
            CARD.model_copy(update={"normalise": False}),
        )
    }
    assert len(keys) == 10


def test_pickles_are_neither_written_nor_read(tmp_path: Path) -> None:
    strict = diskcache.Cache(str(tmp_path / "a"), disk=TextDisk)
    for value in ({"a": 1}, 1.5, b"bytes", None):
        with pytest.raises(TypeError, match="JSON text"):
            strict.set("key", value)
    with pytest.raises(TypeError, match="keys are text"):
        strict.set(("a", "tuple"), "text")
    strict.close()


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("value", [_Bomb(), 3, b"bytes"], ids=["pickle", "number", "bytes"])
def test_foreign_values_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    monkeypatch.chdir(tmp_path)
    with open_cache_of_another_program(tmp_path / "cache") as foreign:
        foreign.set("key", value)
    cache = open_vector_cache(tmp_path / "cache")
    with pytest.raises(InputError, match="cannot be used") as caught:
        cache.get("key")
    cache.close()
    assert "not text" in caught.value.why
    assert f"delete the folder {tmp_path / 'cache'}" in caught.value.mend
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("text", ["no json", "[]", '{"dim": 2, "float32": "AAAA"}', '{"dim": 1, "float32": "ää"}'])
def test_damaged_entries_are_reported(tmp_path: Path, text: str) -> None:
    with open_cache_of_another_program(tmp_path) as foreign:
        foreign.set("key", text)
    cache = open_vector_cache(tmp_path)
    with pytest.raises(InputError, match="cannot be used"):
        cache.get("key")
    cache.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(InputError, match="cannot be used"):
        open_vector_cache(tmp_path)


def test_nothing_is_evicted_beyond_the_default_limit(tmp_path: Path) -> None:
    cache = open_vector_cache(tmp_path)
    with diskcache.Cache(str(tmp_path), disk=TextDisk) as settings:
        assert settings.eviction_policy == "none"
    cache.close()


def test_two_processes_share_it(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from zsl_skeleton.text.cache import open_vector_cache\n"
        "cache = open_vector_cache(Path(sys.argv[1]))\n"
        "for i in range(150): cache.set(str(i), np.full(384, i, np.float32))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    workers = [subprocess.Popen(command) for _ in range(2)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    cache = open_vector_cache(tmp_path)
    for i in range(150):
        found = cache.get(str(i))
        assert found is not None
        assert (found == i).all()
    cache.close()


def open_cache_of_another_program(folder: Path) -> diskcache.Cache:
    return diskcache.Cache(str(folder))
