"""Everything registered can be opened, and every reader in the folder is registered."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import zsl_skeleton.skeletons as package
from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.bodies import CHOICES
from zsl_skeleton.skeletons.readers import READERS, open_reader
from zsl_skeleton.skeletons.recipes import RECIPES


@pytest.mark.parametrize("name", READERS)
def test_every_reader_opens_and_finds_nothing_in_an_empty_folder(name: str, tmp_path: Path) -> None:
    reader = open_reader(name)
    assert reader.example.endswith(reader.suffix)
    assert reader.prepared is None or reader.prepared in RECIPES
    listing = reader.scan(tmp_path)
    assert (listing.clips, listing.rejected) == ((), ())


@pytest.mark.parametrize("name", [name for name in READERS if open_reader(name).chooses_bodies])
@pytest.mark.parametrize("choice", CHOICES)
def test_readers_that_choose_bodies_take_every_choice(name: str, choice: str) -> None:
    assert open_reader(name, bodies=choice).chooses_bodies


def test_no_reader_escapes_the_table() -> None:
    root = Path(package.__file__).parent
    reading = [path for folder in ("readers", "arrays") for path in (root / folder).rglob("*.py")]
    named = re.compile(r"^    (suffix, )?example = ", re.MULTILINE)
    defining = {path.stem for path in reading if named.search(path.read_text(encoding="utf-8"))}
    assert defining == {entry.split(":")[0].rpartition(".")[2] for entry in READERS.values()}


def test_unknown_reader() -> None:
    with pytest.raises(UsageError, match="unknown reader 'utd-mahd'"):
        open_reader("utd-mahd")


def test_listing_readers_imports_none_of_them() -> None:
    code = "import sys, zsl_skeleton.skeletons.readers; print([m for m in sys.modules if 'mhad' in m or 'precog' in m])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_reading_process_loads_nothing_heavy() -> None:
    code = "import sys, zsl_skeleton.skeletons.importing.processes; print({m.split('.')[0] for m in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pydantic", "scipy", "rich"} & set(eval(result.stdout))
