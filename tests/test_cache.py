from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import diskcache
import pytest

import zsl_skeleton.cache
from zsl_skeleton.cache import TextDisk, open_text_cache
from zsl_skeleton.errors import InputError

WRITER = """
import sys
from pathlib import Path
from zsl_skeleton.cache import open_text_cache
cache = open_text_cache(Path(sys.argv[1]), "test cache")
for number in range(int(sys.argv[3])):
    cache.set(f"{sys.argv[2]}-{number}", "text " * number)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def _writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_texts_are_kept_listed_and_forgotten(tmp_path: Path) -> None:
    texts = {"b": "ä\n\0\t", "a": "", "long": "x" * 3_000_000}
    with closing(open_text_cache(tmp_path / "new" / "cache", "test cache")) as cache:
        for key, text in texts.items():
            cache.set(key, text)
        cache.set("b", texts["b"] + "!")
        cache.delete("nothing")
    with closing(open_text_cache(tmp_path / "new" / "cache", "test cache")) as cache:
        assert list(cache.keys()) == ["a", "b", "long"]
        assert cache.get("long") == texts["long"]
        assert cache.get("b") == "ä\n\0\t!"
        cache.delete("b")
        assert cache.get("b") is None
        assert list(cache.keys()) == ["a", "long"]
    # Nothing lies outside the database: an entry is there as a whole or not at all.
    assert {path.name.partition("-")[0] for path in (tmp_path / "new" / "cache").rglob("*")} == {"cache.db"}


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    workers = [_writer(tmp_path, name, 500) for name in "ab"]
    for worker in workers:
        worker.communicate(timeout=100)
    assert [worker.returncode for worker in workers] == [0, 0]
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        assert set(cache.keys()) == {f"{name}-{number}" for name in "ab" for number in range(500)}
        assert all(cache.get(f"{name}-{number}") == "text " * number for name in "ab" for number in range(500))


def test_a_killed_writer_leaves_all_that_it_reported(tmp_path: Path) -> None:
    worker = _writer(tmp_path, "a", 100_000)
    assert worker.stdout is not None
    reported = [int(worker.stdout.readline()) for _ in range(60)]
    worker.send_signal(signal.SIGKILL)
    reported += [int(line) for line in worker.stdout.read().split()]
    worker.wait(timeout=20)
    worker.stdout.close()
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        assert [number for number in reported if cache.get(f"a-{number}") != "text " * number] == []
        cache.set("after", "it goes on")
        assert cache.get("after") == "it goes on"


def test_nothing_but_text_is_written(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path), disk=TextDisk) as strict:
        for value in ({"a": 1}, 1.5, b"bytes", None):
            with pytest.raises(TypeError, match="JSON text"):
                strict.set("key", value)
        with pytest.raises(TypeError, match="keys are text"):
            strict.set(("a", "tuple"), "text")
        assert len(strict) == 0


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("exploded",)

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("value", [_Bomb(), 3, b"bytes", "long text in a file " * 9999], ids=lambda v: type(v).__name__)
def test_a_planted_value_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    monkeypatch.chdir(tmp_path)
    with diskcache.Cache(str(tmp_path / "cache")) as foreign:
        foreign.set("key", value)
    with closing(open_text_cache(tmp_path / "cache", "response cache")) as cache:
        with pytest.raises(InputError, match=r"response cache .* cannot be used") as caught:
            cache.get("key")
        assert "not text" in caught.value.why
        assert f"delete the folder {tmp_path / 'cache'}" in caught.value.mend
    assert not (tmp_path / "exploded").exists()


def test_a_planted_key_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with diskcache.Cache(str(tmp_path / "cache")) as foreign:
        foreign.set(_Bomb(), "text")
    cache = open_text_cache(tmp_path / "cache", "test cache")
    with closing(cache), pytest.raises(InputError, match="cannot be used"):
        list(cache.keys())
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("damage", ["no database", "cut", "overwritten"])
def test_a_damaged_database_names_the_folder_to_delete(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "cache.db"
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        for number in range(300):
            cache.set(str(number), "text" * 100)
    whole = path.read_bytes()
    middle = len(whole) // 2
    contents = {
        "no database": b"not a database" * 1000,
        "cut": whole[:middle],
        "overwritten": whole[:4096] + b"\xff" * (len(whole) - 4096),
    }
    path.write_bytes(contents[damage])
    with pytest.raises(InputError, match="cannot be used") as caught:
        _read_all(tmp_path)
    assert f"rm -r {tmp_path}" in caught.value.mend


def _read_all(folder: Path) -> None:
    with closing(open_text_cache(folder, "test cache")) as cache:
        for number in range(300):
            cache.get(str(number))
        list(cache.keys())


def test_a_full_disk_is_called_so_and_costs_nothing(tmp_path: Path) -> None:
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        cache.set("before", "kept")
        _limit(cache, 8)
        with pytest.raises(InputError, match="the disk is full") as caught:
            for number in range(50):
                cache.set(str(number), "x" * 5000)
        assert "df -h" in caught.value.mend
        assert "rm" not in caught.value.mend
        # The connection was opened anew, without the limit: room was made.
        cache.set("after", "stored")
        assert cache.get("before") == "kept"
        assert cache.get("after") == "stored"


def _limit(cache: object, pages: int) -> None:
    connection: sqlite3.Connection = cache._cache._con  # type: ignore[attr-defined]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot be written") as caught:
            open_text_cache(folder, "test cache")
        assert "--artifacts" in caught.value.mend
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_database_that_may_only_be_read(tmp_path: Path) -> None:
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        cache.set("key", "text")
        connection: sqlite3.Connection = cache._cache._con  # type: ignore[attr-defined]
        connection.execute("PRAGMA query_only = 1")
        with pytest.raises(InputError, match="cannot be written") as caught:
            cache.set("key", "other")
        assert "rm" not in caught.value.mend
        assert cache.get("key") == "text"


def test_a_lock_that_is_never_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zsl_skeleton.cache, "_WAIT", 0.1)
    with closing(open_text_cache(tmp_path, "test cache")) as cache:
        other = sqlite3.connect(tmp_path / "cache.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match="is locked") as caught:
            cache.set("key", "text")
        assert "another process" in caught.value.why
        other.execute("ROLLBACK")
        other.close()
        cache.set("key", "text")
        assert cache.get("key") == "text"


def test_nothing_is_evicted(tmp_path: Path) -> None:
    open_text_cache(tmp_path, "test cache").close()
    with diskcache.Cache(str(tmp_path), disk=TextDisk) as settings:
        assert settings.eviction_policy == "none"
