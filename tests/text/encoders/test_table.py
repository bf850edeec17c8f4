"""The table of encoders against the folder, and what all of them promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zsl_skeleton.errors import UsageError
from zsl_skeleton.text.encoders import ENCODERS, load_encoder


def test_every_file_is_registered(repository: Path) -> None:
    folder = repository / "src" / "zsl_skeleton" / "text" / "encoders"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {target.split(":")[0].rsplit(".", 1)[1] for target in ENCODERS.values()} == files


@pytest.mark.parametrize("name", ENCODERS)
def test_creating_one_is_cheap_and_tells_what_it_is(name: str) -> None:
    code = (
        f"import sys; from zsl_skeleton.text.encoders import load_encoder; e = load_encoder({name!r});"
        "print(e.name, bool(e.revision), e.dim > 0, bool(e.pooling), 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [name, "True", "True", "True", "False"]


def test_a_wrong_name() -> None:
    with pytest.raises(UsageError, match=r"unknown encoder 'minlm'.*Did you mean 'minilm'"):
        load_encoder("minlm")
