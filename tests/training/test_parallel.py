"""Several runs at once: the same results in the same order, errors and signals pass on."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_tensors
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.parallel import jobs_for, train_all
from zsl_skeleton.training.train import train

SMALL = ("hidden=[16,8]", "series=[1,3]", "epochs=3", "batch=16", "learning_rate=1e-3", "warmup=1")


def runs(*seeds: int) -> list[RunConfig]:
    return [RunConfig(method="mla", overrides=SMALL, seed=seed, device="cpu") for seed in seeds]


@pytest.mark.slow
def test_two_at_a_time_make_what_one_after_the_other_makes(store: Store, task: Task) -> None:
    together = train_all(store, [(task, run) for run in runs(2, 0, 1)], jobs=2)
    assert [artifact.card.config["seed"] for artifact in together] == [2, 0, 1]
    assert all(train(store, task, run).card.made == a.card.made for run, a in zip(runs(2, 0, 1), together, strict=True))
    weights = [read_tensors(artifact.path / "weights.safetensors")["project"] for artifact in together]
    assert not (weights[0] == weights[1]).all()


@pytest.mark.slow
def test_an_error_of_one_run_is_the_error_of_all(store: Store, task: Task) -> None:
    broken = replace(task, embeddings=task.features)
    with pytest.raises(InputError):
        train_all(store, [(broken, runs(0)[0]), (task, runs(1)[0])], jobs=2)


def test_no_more_processes_than_runs_threads_and_memory(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 4)
    folder = task.features.path
    assert [jobs_for("cpu", runs, [folder, folder]) for runs in (0, 1, 3, 9)] == [1, 1, 3, 4]
    assert jobs_for("cpu", 9, []) == 4
    with pytest.raises(UsageError):
        jobs_for("abacus", 3, [])
    with (folder / "large").open("wb") as stream:
        stream.truncate(2**38)
    assert jobs_for("cpu", 9, [folder]) == 1


_POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from zsl_skeleton.training.parallel import _begin
pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (1,))
print(pool.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system does not list processes in /proc")
def test_no_process_outlives_the_one_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _POOL], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path(f"/proc/{int(parent.stdout.readline())}")
        assert child.exists()
        parent.kill()
    until = time.monotonic() + 10
    while child.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not child.exists()
