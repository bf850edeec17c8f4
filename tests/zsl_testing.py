"""What several tests share: running the commands as a user does, comparing artifacts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def command_line(*arguments: str) -> list[str]:
    """The process behind ``zsl-data ...``, run by this interpreter."""
    module = {"zsl-data": "data", "zsl-semantics": "semantics", "zsl-train": "train"}[arguments[0]]
    return [sys.executable, "-m", f"zsl_skeleton_cli.{module}", *map(str, arguments[1:])]


def environment(artifacts: Path, **variables: str) -> dict[str, str]:
    """The environment of a command that keeps its artifacts in the given folder."""
    return {**os.environ, "ZSL_ARTIFACTS": str(artifacts), **variables}


def run_command(*arguments: str, artifacts: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an empty working folder."""
    where = {"env": environment(artifacts, **variables), "cwd": artifacts.parent}
    return subprocess.run(command_line(*arguments), capture_output=True, text=True, check=False, **where)


def contents(artifact: Path) -> dict[str, bytes]:
    """All files of an artifact; of the card, all but when, how long and by which command it was made."""
    files = {p.relative_to(artifact).as_posix(): p.read_bytes() for p in artifact.rglob("*") if p.is_file()}
    card = json.loads(files["card.json"])
    del card["made"]
    return {**files, "card.json": json.dumps(card).encode()}
