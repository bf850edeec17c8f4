"""Studies as jobs: submitit's local executor, and a real Slurm; a preempted job is requeued and goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.slurm_cluster import slurm
from studies.toy_studies import STEPWISE
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.studies.launching import launch
from zsl_skeleton.studies.options import LaunchOptions
from zsl_skeleton.studies.plan import Planner
from zsl_testing import command_line, environment

LONG = {**STEPWISE, "set": {**STEPWISE["set"], "epochs": 600}}  # type: ignore[dict-item]
PATIENCE = 180


def test_without_submitit_it_names_the_extra(planner: Callable[..., Planner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError) as error:
        launch(planner({"methods": "ridge"}).plan(), LaunchOptions(launcher="slurm"), None, ["zsl-train"])
    assert error.value.mend == "pip install 'zsl-skeleton[slurm]'"


def test_without_slurm_it_says_what_is_missing(
    planner: Callable[..., Planner], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="could not be submitted to slurm") as error:
        launch(planner({"methods": "ridge"}).plan(), LaunchOptions(launcher="slurm"), None, ["zsl-train"])
    assert "srun" in error.value.why
    monkeypatch.undo()
    with pytest.raises((UsageError, InputError)):
        options = LaunchOptions(launcher="slurm", slurm=["account"])
        launch(planner({"methods": "ridge"}).plan(), options, None, ["zsl-train"])


@pytest.mark.slow
def test_the_local_executor_requeues_a_job_that_is_asked_to_stop(root: Path, written: Callable[..., Path]) -> None:
    pytest.importorskip("submitit")
    file = written({"methods": "ridge", "seeds": [0, 1]}, {"methods": LONG})
    process = _submit(root, file, "--launcher", "local-executor", "--shards", "1", "--jobs", "1")
    folder = root / "studies" / "toy" / "jobs"
    _until(lambda: list((root / "runs").glob(".devise-*/work/*.safetensors")), process)
    (submitted,) = folder.glob("*_submitted.pkl")
    controller = int(submitted.name.split("_")[0])  # the job's id is the process that controls it
    try:
        os.kill(controller, signal.SIGTERM)
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(controller, signal.SIGKILL)
    assert process.returncode == 0, errors
    _check(output, folder, starts=2)


@pytest.mark.slow
def test_a_real_slurm_requeues_a_preempted_job(root: Path, written: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    file = written({"methods": "ridge", "seeds": [0, 1]}, {"methods": LONG})
    folder = root / "studies" / "toy" / "jobs"
    with slurm(tmp_path / "slurm") as variables:
        options = ("--launcher", "slurm", "--partition", "test", "--gpus", "0", "--cpus", "1", "--shards", "2")
        process = _submit(root, file, *options, **variables)
        _until(lambda: list((root / "runs").glob(".devise-*/work/*.safetensors")), process)
        command = ["squeue", "-h", "-t", "RUNNING", "-o", "%i"]
        running = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
        # The job of the long run; the other one may have ended.
        jobs = [
            name for name in running.stdout.split() if "begins: devise" in (folder / f"{name}_0_log.err").read_text()
        ]
        assert len(jobs) == 1
        subprocess.run(["scancel", "--signal=TERM", *jobs], env=os.environ | variables, check=True)
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    _check(output, folder, starts=3)


def _submit(root: Path, file: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    more = ("--wait", "--checkpoint-seconds", "0.5", "--device", "cpu", "--format", "json")
    return subprocess.Popen(
        command_line("zsl-train", "study", str(file), *options, *more),
        env=environment(root, **variables),
        cwd=root.parent,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail(f"it did not begin: {process.communicate()[1]}")
        time.sleep(0.05)


def _check(output: str, folder: Path, *, starts: int) -> None:
    """All runs are there, and the long one was begun twice: once after it had been asked to stop."""
    document = json.loads(output)
    assert {run["state"] for run in document["plan"]["runs"]} == {"finished"}
    logs = "".join(path.read_text() for path in sorted(folder.glob("*.err")))
    assert logs.count("begins: devise") == 2
    assert logs.count("asked to stop") == 1
    told = "".join(path.read_text() for path in sorted(folder.glob("*.out")))
    assert told.count("Starting with JobEnvironment") == starts
    assert "Requeued job" in told
