"""What several tests share: running the commands as a user does, comparing artifacts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from command_server import serve


def command_line(*arguments: str) -> list[str]:
    """The process behind ``zsl-data ...``, run by this interpreter."""
    return [sys.executable, "-m", _module(arguments[0]), *arguments[1:]]


def _module(command: str) -> str:
    return f"zsl_skeleton_cli.{command.removeprefix('zsl-')}"


def environment(artifacts: Path, **variables: str) -> dict[str, str]:
    """The environment of a command that keeps its artifacts in the given folder."""
    return {**os.environ, "ZSL_ARTIFACTS": str(artifacts), **variables}


def run_command(*arguments: str, artifacts: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an empty working folder."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "stdout"), Path(folder, "stderr")
        code = serve(
            {
                "module": _module(arguments[0]),
                "argv": list(arguments),
                "cwd": str(artifacts.parent),
                "env": environment(artifacts, **variables),
                "stdout": str(out),
                "stderr": str(err),
            }
        )
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def contents(artifact: Path) -> dict[str, bytes]:
    """All files of an artifact; of the card, all but when, how long and by which command it was made."""
    files = {p.relative_to(artifact).as_posix(): p.read_bytes() for p in artifact.rglob("*") if p.is_file()}
    card = json.loads(files["card.json"])
    del card["made"]
    return {**files, "card.json": json.dumps(card).encode()}
