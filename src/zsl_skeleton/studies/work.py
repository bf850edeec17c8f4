"""Works on the runs of a study, beside others that do the same: what another process is at is passed over."""

from __future__ import annotations

import contextlib
import errno
import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from zsl_skeleton.artifacts import BusyError, Recipe, Store
from zsl_skeleton.errors import ZslError
from zsl_skeleton.studies.failures import Failures
from zsl_skeleton.studies.finding import Finder
from zsl_skeleton.studies.grid import StudyRun, World
from zsl_skeleton.training.train import train

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Event:
    """What happened to a run.

    Args:
        run: the run.
        kind: ``elsewhere``: another process made it (or failed at it) meanwhile; ``said``: while its inputs were looked
            for or made.
        seconds: since the run was begun.
        text: the accuracy, why it failed, or what was said.
    """

    run: StudyRun
    kind: Literal["said", "begun", "finished", "failed", "elsewhere"]
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Work:
    """What a process has to do.

    Args:
        world: where.
        runs: the runs, in the order in which they are tried.
        failed: folder of failures.
        since: seconds since 1970; what failed after that is not tried again.
    """

    world: World
    runs: tuple[StudyRun, ...]
    failed: Path
    since: float


def work_on(work: Work, tell: Callable[[Event], None]) -> None:
    """Make the runs of ``work`` until every one is finished or has failed, by this process or another one.

    A run, or an input, that another process makes is passed over and looked at again later. A failed run is recorded,
    and the rest goes on.

    Raises:
        Interrupted: a signal asked to stop; the run under way saved a checkpoint.
        OSError: the disk is full, so nothing can be made.
    """
    worker = _Worker(work, tell)
    left, pause = list(work.runs), 0.1
    while left:
        busy = worker.attempt_all(left)
        if len(busy) == len(left):
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            pause = 0.1
        left = busy


class _Worker:
    def __init__(self, work: Work, tell: Callable[[Event], None]) -> None:
        self._since = work.since
        self._store = Store(work.world.root, wait=False)
        self._finder = Finder(self._store, work.world)
        self._failures = Failures(work.failed)
        self._tell = tell

    def attempt_all(self, runs: Sequence[StudyRun]) -> list[StudyRun]:
        """Those of ``runs`` that others are at, or at what they need."""
        busy, waiting = [], set()
        for run in runs:
            needs = self._finder.needs(run)
            if needs in waiting:
                busy.append(run)
                continue
            recipe = self._recipe(run)
            if recipe is None:
                waiting.add(needs)
            if recipe is None or (isinstance(recipe, Recipe) and not self._attempt(run, recipe)):
                busy.append(run)
        return busy

    def _recipe(self, run: StudyRun) -> Recipe | Event | None:
        """The recipe, its inputs made; None: another process makes them; an event: there will be none."""
        failure = self._failures.of(run)
        if failure and failure.at >= self._since:
            return self._told(Event(run, "elsewhere"))
        started = time.monotonic()
        try:
            with contextlib.redirect_stderr(_Said(sys.stderr, lambda line: self._tell(Event(run, "said", text=line)))):
                return self._finder.recipe(run)
        except BusyError:
            return None
        except Exception as error:
            return self._failed(run, error, started)

    def _attempt(self, run: StudyRun, recipe: Recipe) -> bool:
        """Whether the run is done with; False: another process is at it."""
        started = time.monotonic()
        if self._store.finished(recipe):
            self._told(Event(run, "elsewhere"))
        elif self._store.busy(recipe):
            return False
        else:
            self._tell(Event(run, "begun"))
            try:
                made = train(self._store, self._finder.task(run), run.config)
            except BusyError:
                return False
            except Exception as error:
                self._failed(run, error, started)
                return True
            accuracy = f"{100 * made.card.summary['accuracy']:.1f} %"
            self._told(Event(run, "finished", time.monotonic() - started, accuracy))
        self._failures.forget(run)
        return True

    def _failed(self, run: StudyRun, error: Exception, started: float) -> Event:
        """Record it; on a full disk, where everything would fail, stop."""
        if isinstance(error, OSError) and error.errno in _FULL:
            raise error
        self._failures.record(run, error)
        what = error.what if isinstance(error, ZslError) else f"{type(error).__name__}: {error}"
        return self._told(Event(run, "failed", time.monotonic() - started, what))

    def _told(self, event: Event) -> Event:
        self._tell(event)
        return event


class _Said(io.TextIOBase):
    """Stands in for stderr: lines are handed on, bars are drawn where they would have been."""

    def __init__(self, beneath: TextIO, hear: Callable[[str], None]) -> None:
        self._beneath, self._hear = beneath, hear

    def write(self, text: str) -> int:
        """A whole line is heard, the rest passes."""
        if text.endswith("\n") and text[:-1].isprintable():
            self._hear(text[:-1])
        else:
            self._beneath.write(text)
        return len(text)

    def flush(self) -> None:
        """What passed is flushed."""
        self._beneath.flush()

    def isatty(self) -> bool:
        """Whether bars can be drawn."""
        return self._beneath.isatty()
