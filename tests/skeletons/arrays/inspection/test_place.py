from __future__ import annotations

from pathlib import Path

import pytest

from skeletons.arrays.written_arrays import write_ctr_gcn
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.inspection import place
from zsl_skeleton.skeletons.arrays.inspection.path import inspect_path
from zsl_skeleton.skeletons.readers import READERS


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    for name in ("empty.npz", "empty.pkl", "empty.bin"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=f"{name} is empty"):
            inspect_path(tmp_path / name)


def test_unreadable_archives_are_named_and_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="nothing in a known layout") as caught:
        inspect_path(tmp_path)
    assert "empty.npz (it is empty)" in caught.value.why
    assert "text.npz (File is not a zip file)" in caught.value.why
    write_ctr_gcn(tmp_path / "NTU60_CS.npz", [0, 1], [1])
    found = inspect_path(tmp_path)
    assert (found.layout, found.problem, found.counts[0].found) == ("ctr-gcn", "", 3)
    assert all(any(name in remark for remark in found.remarks) for name in ("empty.npz", "text.npz"))


def test_recordings_beside_an_unreadable_archive(tmp_path: Path, write_msr: object) -> None:
    recording = write_msr("a01_s01_e01")  # type: ignore[operator]
    (recording.parent / "empty.npz").touch()
    found = inspect_path(recording.parent)
    assert found.layout == "msr-action3d"
    assert any("empty.npz (it is empty)" in remark for remark in found.remarks)


def test_the_search_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOST_OTHERS", 3)
    for number in range(4):
        (tmp_path / f"{number}.py").touch()
    with pytest.raises(
        InputError, match="more than 3 have endings that no format has; the search ended there"
    ) as caught:
        inspect_path(tmp_path)
    assert caught.value.mend.startswith("name the folder that holds the recordings")


def test_only_readers_of_the_endings_there_are_asked(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "S001C001P001R001A001.SKELETON").touch()
    assert place.readers_for(tmp_path) == ("ntu",)
    (tmp_path / "more.zip").touch()
    assert place.readers_for(tmp_path) == tuple(READERS)


@pytest.mark.parametrize("name", ["x.bin", "x.csv"])
def test_other_files_get_a_mend_that_helps(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1,2\n")
    with pytest.raises(InputError, match="nothing in a known layout") as caught:
        inspect_path(tmp_path / name)
    assert caught.value.mend == place.NAME_IT
