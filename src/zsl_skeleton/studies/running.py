"""Makes the runs of a plan: here, or as jobs of a cluster."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass

from zsl_skeleton.errors import UsageError, ZslError
from zsl_skeleton.progress import say
from zsl_skeleton.studies.crew import work_together
from zsl_skeleton.studies.failures import Failures, as_error
from zsl_skeleton.studies.options import LaunchOptions
from zsl_skeleton.studies.plan import StudyPlan
from zsl_skeleton.studies.plan_text import render_plan
from zsl_skeleton.studies.telling import Teller
from zsl_skeleton.studies.work import Work
from zsl_skeleton.training.parallel import jobs_for


@dataclass(frozen=True)
class Outcome:
    """What came of it: the error that tells which runs failed, if any; ids of the jobs that nobody waits for."""

    failed: ZslError | None = None
    jobs: tuple[str, ...] = ()


def make_runs(plan: StudyPlan, launch: LaunchOptions, jobs: int | None, command: Sequence[str]) -> Outcome:
    """Make what is left of a plan, saying so on stderr.

    Args:
        plan: the plan.
        launch: where the processes run.
        jobs: processes here, or in each job; None: as the device allows.
        command: words of the command that does the same again.

    Raises:
        Interrupted: a signal asked to stop; the same command continues.
        ZslError: the work itself could not be done, e.g. a process was killed or the cluster refuses.
    """
    left = plan.left
    here = launch.launcher == "here"
    processes = jobs or (jobs_for(plan.world.device, len(left), plan.features) if here else 1)
    say(render_plan(plan, processes if here else launch.shards) + "\n")
    if not left:
        return Outcome()
    since = time.time()
    if here:
        teller = Teller({one.run.id: one.seconds for one in plan.runs if one.state != "finished"}, processes)
        with teller.bars():
            work_together(Work(plan.world, left, plan.folder / "failed", since), processes, teller)
    else:
        from zsl_skeleton.studies.launching import launch as submit
        from zsl_skeleton.studies.launching import wait_for

        submitted = submit(plan, launch, jobs, command)
        if not launch.wait:
            return Outcome(jobs=tuple(job.job_id for job in submitted))
        wait_for(submitted, plan, slurm=launch.launcher == "slurm")
    found = [failure for run in left if (failure := Failures(plan.folder / "failed").of(run))]
    failed = [failure for failure in found if failure.at >= since]
    return Outcome(as_error(failed, shlex.join(command)) if failed else None)


def parse_shard(text: str) -> tuple[int, int]:
    """``"2/5"`` -> (2, 5).

    Raises:
        UsageError: it is no part of a whole.
    """
    part, slash, whole = text.partition("/")
    if slash and part.isdecimal() and whole.isdecimal() and 1 <= int(part) <= int(whole):
        return int(part), int(whole)
    raise UsageError(f"--shard {text!r} is no part of a whole", mend="write 1/4, 2/4, 3/4 or 4/4")
