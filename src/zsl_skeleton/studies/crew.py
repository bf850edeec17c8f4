"""Works on a study with several processes, each with its share of the cores.

They need no scheduler: every one goes through the same list and takes what nobody is at. A run whose process is killed
is taken up by another one, from its last checkpoint; when the first process is killed, the others stop by themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from zsl_skeleton import interruption, progress
from zsl_skeleton.errors import InputError, ZslError
from zsl_skeleton.processes import when_parent_ends
from zsl_skeleton.studies.work import Event, Work, work_on

_PATIENCE = 60.0
"""Seconds for which a process that was asked to stop may save its checkpoint."""


@dataclass(frozen=True)
class _Member:
    process: SpawnProcess
    events: Connection


def work_together(work: Work, jobs: int, tell: Callable[[Event], None]) -> None:
    """:func:`work_on` by ``jobs`` processes; ``tell`` hears of all of them.

    Raises:
        Interrupted: a signal asked to stop; every run under way saved a checkpoint.
        InputError: a process was killed (out of memory, say), and so some runs are missing.
        ZslError: what a process raised.
    """
    if jobs == 1:
        work_on(work, tell)
        return
    spawn = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // jobs)
    crew: list[_Member] = []
    try:
        for _ in range(jobs):
            here, there = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_work, args=(work, threads, there))
            process.start()
            there.close()
            crew.append(_Member(process, here))
        errors, done = _listen(crew, tell)
    finally:
        _dismiss(crew)
    if errors:
        raise errors[0]
    broken = [member.process.exitcode for member in crew if member.process.exitcode]
    if broken and len(done) < len(work.runs):
        raise _broken_off(broken, jobs)


def _broken_off(codes: Sequence[int], jobs: int) -> ZslError:
    """What to say when runs are missing because a process ended before its time."""
    if any(code < 0 for code in codes):
        why = f"{len(codes)} of {jobs} were ended by {signal.Signals(-min(codes)).name}; perhaps memory ran out"
        return InputError("a process of the study was killed", why=why, mend="the same command continues; fewer --jobs")
    return ZslError("a process of the study broke off", why=f"exit code {codes[0]}; its own message stands above")


def _listen(crew: Sequence[_Member], tell: Callable[[Event], None]) -> tuple[list[Exception], set[str]]:
    """Hand on what the processes say until the last one has ended.

    Returns:
        The errors that they ended with, and the ids of the runs that are done with.
    """
    errors: list[Exception] = []
    done: set[str] = set()
    listened = [member.events for member in crew]
    while listened:
        ready = wait(listened)
        for events in [one for one in listened if one in ready]:
            try:
                message: Event | Exception = events.recv()
            except (EOFError, OSError):
                listened.remove(events)
                continue
            if isinstance(message, Exception):
                errors.append(message)
            elif message.kind in ("said", "begun"):
                tell(message)
            elif message.run.id not in done:
                # Every process goes through the whole list; how a run ended is said once.
                done.add(message.run.id)
                tell(message)
    return errors, done


def _dismiss(crew: Sequence[_Member]) -> None:
    for member in crew:
        if member.process.is_alive():
            member.process.terminate()
    for member in crew:
        member.process.join(_PATIENCE)
        if member.process.is_alive():
            member.process.kill()
            member.process.join()


def _work(work: Work, threads: int, events: Connection) -> None:
    """A process of the crew."""
    interruption.install()
    # Ctrl-C reaches every process of the terminal; the first one passes on that it means to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    when_parent_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))
    progress.silence()
    torch.set_num_threads(threads)
    try:
        work_on(work, events.send)
    except interruption.Interrupted as stop:
        raise SystemExit(stop.exit_code) from None
    except ZslError as error:
        events.send(error)
    except OSError as error:
        events.send(OSError(error.errno, error.strerror, error.filename))
