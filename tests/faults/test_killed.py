"""Killed with SIGKILL at several moments and started again, a command ends in the same bytes as an unbroken one."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from zsl_testing import command_line, contents, environment, run_command

pytestmark = pytest.mark.slow

SMALL = ("--dataset", "demo", "--split", "random-1")
STAGES = {
    "synthesize": ("skeletons", ("zsl-data", "synthesize", "--subjects", "3", "--repetitions", "1")),
    "pretrain": ("backbones", ("zsl-data", "pretrain", *SMALL, "--epochs", "2")),
    "extract": ("features", ("zsl-data", "extract", *SMALL, "--weights", "demo-random-1-st-gcn")),
    "generate": ("banks", ("zsl-semantics", "generate", "--dataset", "demo")),
    "encode": ("embeddings", ("zsl-semantics", "encode", "--dataset", "demo", "--encoder", "hashing")),
    "train": (
        "runs",
        (
            *("zsl-train", "--method", "mla", *SMALL, "--features", "demo-random-1-st-gcn", "--encoder", "hashing"),
            *("--set", "epochs=4", "--set", "max_k=10", "--set", "warmup=1", "--set", "batch=32"),
        ),
    ),
}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of all stages, each made without a break."""
    artifacts = tmp_path_factory.mktemp("unbroken") / "artifacts"
    for _, arguments in STAGES.values():
        result = run_command(*arguments, artifacts=artifacts)
        assert result.returncode == 0, result.stderr
    return artifacts


@pytest.mark.parametrize("stage", STAGES)
def test_killed_and_started_again(unbroken: Path, tmp_path: Path, stage: str) -> None:
    folder, arguments = STAGES[stage]
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    for other in unbroken.iterdir():
        if other.name != folder:
            (artifacts / other.name).symlink_to(other)
    expected = next((unbroken / folder).glob("[!.]*"))
    # The work takes different times on different machines: each kill comes a bit later into it than the last.
    kills = sum(_kill_after(arguments, artifacts, folder, delay) for delay in (0.0, 0.05, 0.15, 0.4, 1.0))
    assert kills >= 2
    result = run_command(*arguments, artifacts=artifacts)
    assert result.returncode == 0, result.stderr
    assert [p.name for p in (artifacts / folder).glob("[!.]*")] == [expected.name]
    assert contents(artifacts / folder / expected.name) == contents(expected)


def _kill_after(arguments: tuple[str, ...], artifacts: Path, folder: str, delay: float) -> bool:
    """Start a command, kill it ``delay`` seconds after it began to write its artifact; False if it was faster."""
    before = _traces(artifacts / folder)
    process = subprocess.Popen(
        command_line(*arguments, *(["--checkpoint-seconds", "0"] if folder in ("backbones", "runs") else [])),
        env=environment(artifacts),
        cwd=artifacts.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and _traces(artifacts / folder) == before:
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _traces(folder: Path) -> dict[str, int]:
    """Every file of a stage and when it was written."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        try:
            found[str(path)] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return found
