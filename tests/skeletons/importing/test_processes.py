"""Imports by several processes, interrupted and killed ones."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reader_samples import ntu_text
from skeletons.importing.ntu_recordings import content
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.interruption import Interrupted
from zsl_skeleton.skeletons.importing import ImportOptions, import_recordings, processes, shards
from zsl_skeleton.skeletons.readers.ntu import NtuReader


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "CLIPS", 3)


@pytest.mark.usefixtures("small_shards")
def test_several_processes_give_the_bytes_of_one(ntu: Dataset, root: Path, tmp_path: Path) -> None:
    (root / "S001C001P009R001A001.skeleton").write_text(ntu_text([[], []]))
    one, two = (
        import_recordings(Store(tmp_path / str(jobs)), ntu, root, "ctr-64", ImportOptions(jobs=jobs)) for jobs in (1, 2)
    )
    assert content(one) == content(two)
    with pytest.raises(UsageError, match="0 processes"):
        import_recordings(Store(tmp_path), ntu, root, "ctr-64", ImportOptions(jobs=0))


@pytest.mark.usefixtures("small_shards")
def test_an_interrupted_import_reads_only_what_is_left(
    store: Store, ntu: Dataset, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = import_recordings(Store(tmp_path / "whole"), ntu, root, "ctr-64")
    read, seen = NtuReader.read, []

    def interrupted(self: NtuReader, ref: Any) -> Any:
        seen.append(ref.id)
        if len(seen) == 8:
            raise Interrupted(signal.SIGINT)
        return read(self, ref)

    monkeypatch.setattr(NtuReader, "read", interrupted)
    with pytest.raises(Interrupted):
        import_recordings(store, ntu, root, "ctr-64")
    assert store.all("skeletons") == []
    (work,) = (store.root / "skeletons").glob(".*.partial/work/clips")
    assert sorted(path.name for path in work.glob("*.safetensors")) == ["000000.safetensors", "000001.safetensors"]
    (work / "000001.safetensors").write_bytes(b"half")
    assert content(import_recordings(store, ntu, root, "ctr-64")) == content(whole)
    assert len(seen) == 8 + 9


def test_shards_of_other_recordings_are_not_taken(tmp_path: Path, root: Path) -> None:
    refs = NtuReader().scan(root).clips
    job = processes.ImportJob("ntu", {"bodies": "first"}, "hip-32", 60, 2, False, root)
    processes.make_shards(tmp_path / "work", job, refs[:4], 1)
    (path,) = processes.make_shards(tmp_path / "work", job, refs[1:5], 1)
    assert shards.covers(path, refs[1:5])
    assert not shards.covers(path, refs[:4])


PARALLEL = """
import sys
from pathlib import Path
from zsl_skeleton import interruption
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons import importing
from zsl_skeleton.skeletons.importing import processes

processes.CLIPS = 3
if __name__ == "__main__":
    interruption.install()
    store, root, options = Store(Path(sys.argv[1])), Path(sys.argv[2]), importing.ImportOptions(jobs=2)
    try:
        importing.import_recordings(store, load_dataset("ntu60"), root, "ctr-64", options)
    except interruption.Interrupted as error:
        sys.exit(error.exit_code)
    except InputError as error:
        sys.exit(str(error))
"""


def started(script: Path, store: Path, root: Path) -> subprocess.Popen[str]:
    """An import by two processes, in a group of their own."""
    script.write_text(PARALLEL)
    return subprocess.Popen(
        [sys.executable, str(script), str(store), str(root)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def marks(store: Path) -> list[Path]:
    return list(store.glob("skeletons/.*.partial/work/clips/reading-*"))


def wait_for(condition: Any, seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("way", ["worker", "parent", "interrupt"])
def test_killed_processes_are_named_leave_nobody_behind_and_lose_nothing(
    ntu: Dataset, root: Path, tmp_path: Path, way: str
) -> None:
    whole = import_recordings(Store(tmp_path / "whole"), ntu, root, "ctr-64")
    slow = "\n".join(["50000", *["0"] * 50_000]) + "\n"  # long to count
    for number in range(90):
        (root / f"S001C001P010R001A{number % 60 + 1:03}.skeleton").write_text(slow)
    store = tmp_path / "store"
    process = started(tmp_path / "script.py", store, root)
    try:
        wait_for(lambda: len(marks(store)) == 2)
        pids = [int(path.name.removeprefix("reading-")) for path in marks(store)]
        if way == "worker":
            os.kill(pids[0], signal.SIGKILL)
        elif way == "parent":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    finally:
        process.kill()
    assert process.returncode == {"worker": 1, "parent": -9, "interrupt": 130}[way]
    if way == "worker":
        assert re.search(r"was reading one of \S+/S001C\d{3}P\d{3}R001A\d{3}\.skeleton", errors)
        assert "--jobs 1" in errors
    for path in root.glob("S001C001P010*"):
        path.unlink()
    assert content(import_recordings(Store(store), ntu, root, "ctr-64")) == content(whole)
