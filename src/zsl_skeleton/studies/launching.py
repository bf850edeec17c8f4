"""Hands a study to a cluster through submitit: an array of jobs, each of which works on its part of the runs.

A job that is preempted or runs out of time (SIGTERM, SIGUSR1, SIGUSR2) saves a checkpoint and is requeued; requeued, it
goes on there. submitit carries the call to the job in a file that it writes and reads itself.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zsl_skeleton import interruption
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.progress import say
from zsl_skeleton.studies.crew import work_together
from zsl_skeleton.studies.options import LaunchOptions
from zsl_skeleton.studies.plan import StudyPlan
from zsl_skeleton.studies.telling import Teller
from zsl_skeleton.studies.work import Work

_REQUEUES = 1000
"""Times that a job may run out of time before it is given up."""
_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class StudyJob:
    """What a job does.

    Args:
        work: its part of the runs.
        jobs: processes.
        threads: processors that the job has; None: as the machine says.
        command: as which its runs are made, as cards tell.
    """

    work: Work
    jobs: int
    threads: int | None
    command: tuple[str, ...]

    def __call__(self) -> None:
        """Work; asked to stop, save a checkpoint and let submitit requeue the job."""
        import torch

        sys.argv = list(self.command)
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        requeue = signal.getsignal(signal.SIGUSR2)
        interruption.install()
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGTERM))
        try:
            work_together(self.work, self.jobs, Teller(dict.fromkeys(run.id for run in self.work.runs), self.jobs))
        except interruption.Interrupted:
            say("asked to stop: what is finished is kept, the job is requeued")
            # A requeued job is asked to stop once more, while it ends.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGUSR2, requeue)
            signal.raise_signal(signal.SIGUSR2)

    def checkpoint(self) -> Any:
        """What submitit requeues: the same job, which finds its checkpoints in the store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def launch(plan: StudyPlan, options: LaunchOptions, jobs: int | None, command: Sequence[str]) -> list[Any]:
    """Submit what is left of a plan; the jobs, as submitit has them.

    Args:
        plan: the plan.
        options: where, and what every job gets.
        jobs: processes of a job; None: one on a GPU, else one per processor.
        command: the words of the command that asked for it.

    Raises:
        InputError: submitit or the cluster is missing, or the cluster refuses the jobs.
        UsageError: an option is not possible.
    """
    submitit = _submitit()
    left, count = plan.left, min(options.shards, len(plan.left))
    world, failed = replace(plan.world, root=plan.world.root.resolve()), (plan.folder / "failed").resolve()
    shares = [Work(world, left[start::count], failed, time.time()) for start in range(count)]
    threads = options.cpus if options.launcher == "slurm" else None
    processes = jobs or (1 if options.gpus else threads) or 1
    work = [StudyJob(share, min(processes, len(share.runs)), threads, tuple(command)) for share in shares]
    folder = plan.folder.resolve() / "jobs"
    try:
        executor = _executor(submitit, folder, plan.file.study.name, options)
        with executor.batch():
            found = [executor.submit(job) for job in work]
    except (RuntimeError, ValueError, OSError) as error:
        why = " ".join(str(error).split())
        mend = "run it where sbatch works; mind --partition and --gpus 0; or leave out --launcher to run it here"
        raise InputError(f"the jobs could not be submitted to {options.launcher}", why=why, mend=mend) from error
    say(f"{count} jobs for {len(left)} runs: {', '.join(job.job_id for job in found)}; their output lies in {folder}")
    return found


def wait_for(jobs: Sequence[Any], plan: StudyPlan, *, slurm: bool) -> None:
    """Wait until every job of ``plan`` has ended, and say how many runs are finished.

    Raises:
        Interrupted: a signal asked to stop waiting; the jobs go on.
    """
    paths = [one.path for one in plan.runs if one.path]
    told = -1
    while True:
        queued = _queued([job.job_id for job in jobs]) if slurm else None
        ended = all(job.done() or (queued is not None and job.job_id not in queued) for job in jobs)
        finished = sum((path / "card.json").is_file() for path in paths)
        if finished != told:
            say(f"[{finished}/{len(plan.runs)}] runs are finished")
            told = finished
        if ended:
            return
        time.sleep(_POLL_SECONDS)


def _queued(ids: Sequence[str]) -> set[str] | None:
    """Those that Slurm still holds, whether or not it keeps accounts; None: it does not answer just now."""
    command = ["squeue", "-h", "-r", "-o", "%i", "-j", ",".join(ids)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode and "Invalid job id" not in result.stderr:
        return None
    return set(result.stdout.split())


def _executor(submitit: Any, folder: Path, name: str, options: LaunchOptions) -> Any:
    if options.launcher == "local-executor":
        executor = submitit.LocalExecutor(folder=folder, max_num_timeout=_REQUEUES)
        executor.update_parameters(timeout_min=options.time)
        return executor
    executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=_REQUEUES)
    parameters: dict[str, Any] = {"job_name": name, "time": options.time, "cpus_per_task": options.cpus}
    parameters |= {"partition": options.partition} if options.partition else {}
    parameters |= {"gpus_per_node": options.gpus} if options.gpus else {}
    parameters |= {"mem": f"{options.memory_gb}GB"} if options.memory_gb else {}
    executor.update_parameters(**parameters, additional_parameters={"requeue": True, **_more(options.slurm)})
    return executor


def _more(texts: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--slurm {text!r} is no option of sbatch", mend="write --slurm account=NAME")
        found[key.strip().removeprefix("--")] = value.strip()
    return found


def _submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        mend = "pip install 'zsl-skeleton[slurm]'"
        raise InputError("jobs are submitted through submitit, which is not installed", mend=mend) from error
    logging.getLogger("submitit").setLevel(logging.ERROR)  # it would write to stdout, where results go
    return submitit
