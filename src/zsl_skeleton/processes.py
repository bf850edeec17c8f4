"""The same work on many items, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from zsl_skeleton.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def usual_jobs() -> int:
    """As many processes as there are cores for this one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def mapped(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, *, least: int = 1, at_once: int = 1
) -> Iterator[Result]:
    """The results of ``work`` in the order of the items. Whatever ends the iteration ends the processes too, after what
    they have under way.

    Args:
        work: picklable; handed to every process once, so that it may keep something from item to item.
        items: picklable.
        jobs: most processes; with one, this process does the work.
        least: items that make up for the start of a process; with fewer per process there are fewer processes.
        at_once: items that a process is given at a time.

    Raises:
        InputError: a process was killed.
    """
    jobs = min(jobs, len(items) // least)
    if jobs <= 1:
        yield from map(work, items)
        return
    # Not forked: a fork of a process whose libraries run threads may wait for ever.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=(work,))
    try:
        yield from pool.map(_work, items, chunksize=at_once)
    except BrokenProcessPool as error:
        raise InputError(
            "one of the processes that work side by side was ended from outside",
            why="perhaps there was too little memory for all of them",
            mend="run the same command again with --jobs 1: it continues where it stopped",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


class _State:
    work: Callable[[Any], Any]


def _begin(work: Callable[[Any], Any]) -> None:
    _State.work = work
    # Ctrl-C reaches every process of a terminal; the one that started the others asks them to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    when_parent_ends(lambda: os._exit(1))


def when_parent_ends(action: Callable[[], object]) -> None:
    """Let this process act when the one that started it has ended: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        action()

    threading.Thread(target=wait, daemon=True).start()


def _work(item: Any) -> Any:
    return _State.work(item)
