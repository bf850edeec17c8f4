from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from zsl_testing import run_command


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """Run a command with an empty artifacts folder."""
    return lambda *arguments, **variables: run_command(*arguments, artifacts=tmp_path / "artifacts", **variables)
