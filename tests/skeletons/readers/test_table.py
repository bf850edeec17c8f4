"""Everything registered can be opened, and every reader in the folder is registered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import zsl_skeleton.skeletons.readers as package
from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.readers import READERS, open_reader


@pytest.mark.parametrize("name", READERS)
def test_every_reader_opens_and_finds_nothing_in_an_empty_folder(name: str, tmp_path: Path) -> None:
    reader = open_reader(name)
    assert reader.example.endswith(reader.suffix)
    listing = reader.scan(tmp_path)
    assert (listing.clips, listing.rejected) == ((), ())


def test_no_reader_escapes_the_table() -> None:
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__", "base", "matlab"}
    assert {entry.split(":")[0].rpartition(".")[2] for entry in READERS.values()} == modules


def test_unknown_reader() -> None:
    with pytest.raises(UsageError, match="unknown reader 'utd-mahd'"):
        open_reader("utd-mahd")


def test_listing_readers_imports_none_of_them() -> None:
    code = "import sys, zsl_skeleton.skeletons.readers; print([m for m in sys.modules if 'mhad' in m or 'precog' in m])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
