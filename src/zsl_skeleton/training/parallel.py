"""Several runs at once, each in a process of its own with its share of the cores.

The steps of a small method are too short to fill several cores; whole runs side by side do. On a GPU one process fills
the device, so runs follow each other there.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from zsl_skeleton import interruption, progress
from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.processes import when_parent_ends
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.device import choose_device
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import train

Work = tuple[Task, RunConfig]


def train_all(store: Store, work: Sequence[Work], jobs: int | None = None) -> list[Artifact]:
    """The runs of ``work``, in its order, ``jobs`` at a time (None: as :func:`jobs_for` says).

    Raises:
        ZslError: what a run raises; the others stop at their next checkpoint.
        Interrupted: a signal asked to stop; every run under way saved a checkpoint.
    """
    jobs = min(jobs or jobs_for(work[0][1].device, len(work), (task.features.path for task, _ in work)), len(work))
    if jobs == 1:
        return [_told(train(store, task, run), n, len(work)) for n, (task, run) in enumerate(work, 1)]
    threads = max(1, torch.get_num_threads() // jobs)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=(threads,)) as pool:
        try:
            futures = [pool.submit(_train, store, task, run) for task, run in work]
            for n, future in enumerate(as_completed(futures), 1):
                if finished := future.result():
                    _told(finished, n, len(work))
            found = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise
    interruption.raise_if_requested()
    return [artifact for artifact in found if artifact]


def _told(run: Artifact, number: int, total: int) -> Artifact:
    count = f"[{number}/{total}] " if total > 1 else ""
    progress.say(f"{count}run: {run.path} ({100 * run.card.summary['accuracy']:.1f} %)")
    return run


def jobs_for(device: str, runs: int, features: Iterable[Path]) -> int:
    """Processes for so many runs on the feature sets in these folders.

    One on a GPU, which one run fills; else as many as there are threads and runs, but few where the largest feature set
    is large, since each process holds its own and works on copies of it.
    """
    if choose_device(device).device.type != "cpu":
        return 1
    size = max((sum(file.stat().st_size for file in folder.iterdir()) for folder in set(features)), default=0)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(torch.get_num_threads(), runs, int(memory / 8 / (size + 1))))


def _begin(threads: int) -> None:
    interruption.install()
    when_parent_ends(lambda: os._exit(1))
    progress.silence()
    torch.set_num_threads(threads)


def _train(store: Store, task: Task, run: RunConfig) -> Artifact | None:
    try:
        return train(store, task, run)
    except interruption.Interrupted:
        # The process that was asked to stop says so; its children only save what they have.
        return None
