"""Writing many files: side by side, resumed, extended, and refused where there is no room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.synthesis.ntu_files import NtuFilesConfig, write_ntu_files

PUBLISHED = NtuFilesConfig(plan="published", limit=70)


@pytest.fixture(scope="module")
def ntu() -> Dataset:
    return load_dataset("ntu60")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_processes_side_by_side_write_the_same_and_a_higher_limit_adds(tmp_path: Path, ntu: Dataset) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    fewer = write_ntu_files(alone, ntu, PUBLISHED.model_copy(update={"limit": 3}))
    before = content(alone)
    assert (fewer.recordings, fewer.made) == (3, 3)
    assert fewer.bytes == sum(len(data) for name, data in before.items() if name.endswith(".skeleton"))
    more = write_ntu_files(alone, ntu, PUBLISHED)
    assert (more.recordings, more.made) == (70, 67)
    assert content(alone).items() >= before.items()
    assert write_ntu_files(together, ntu, PUBLISHED, jobs=2).made == 70
    assert content(together) == content(alone)
    assert write_ntu_files(together, ntu, PUBLISHED, jobs=2).made == 0


def test_a_disk_that_is_too_small_is_named_before_anything_is_made(
    tmp_path: Path, ntu: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2 << 20, 1 << 20, 1 << 20))
    with pytest.raises(InputError, match="too little space") as caught:
        write_ntu_files(tmp_path / "raw", ntu, PUBLISHED)
    assert "--limit" in caught.value.mend
    assert "1.0 MiB are free" in capsys.readouterr().err
    assert list((tmp_path / "raw").glob("*.skeleton")) == []
