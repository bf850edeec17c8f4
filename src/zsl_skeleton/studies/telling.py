"""Says how a study goes: a line per run, and on a terminal a bar for the whole and for every run under way."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zsl_skeleton.progress import say
from zsl_skeleton.studies.work import Event

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Teller:
    """Hears of every event and counts.

    Args:
        seconds: id of every run that is left -> how long it may take, None where nothing tells.
        jobs: processes at work.
    """

    def __init__(self, seconds: Mapping[str, float | None], jobs: int) -> None:
        self._left, self._total, self._jobs = dict(seconds), len(seconds), jobs
        self._bars: Progress | None = None
        self._whole: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._heard: set[str] = set()

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Inside, bars are shown, if there is a terminal and no training shows its own."""
        if self._jobs == 1 or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        columns = BarColumn(bar_width=16), TimeElapsedColumn(), text
        with Progress(*columns, console=Console(stderr=True), transient=True) as self._bars:
            self._whole = self._bars.add_task(f"the study, {self._total} runs", total=self._total)
            yield
        self._bars = None

    def __call__(self, event: Event) -> None:
        """Say what happened."""
        run = event.run
        if event.kind == "said":
            if event.text not in self._heard:
                self._heard.add(event.text)
                self._say(event.text)
            return
        if event.kind == "begun":
            self._begin(event)
            return
        self._left.pop(run.id, None)
        if self._bars is not None and self._whole is not None:
            self._bars.update(self._whole, completed=self._done)
            if run.id in self._tasks:
                self._bars.remove_task(self._tasks.pop(run.id))
        if event.kind != "elsewhere":
            how = event.text if event.kind == "finished" else f"FAILED: {event.text}"
            self._say(f"[{self._done}/{self._total}] {run.name}: {how}, {duration(event.seconds)}{self._outlook()}")

    @property
    def _done(self) -> int:
        return self._total - len(self._left)

    def _begin(self, event: Event) -> None:
        expected = self._left.get(event.run.id)
        about = f", about {duration(expected)}" if expected is not None else ""
        if self._bars is None:
            self._say(f"[{self._done}/{self._total}] begins: {event.run.name}{about}")
        else:
            self._tasks[event.run.id] = self._bars.add_task(f"{event.run.name}{about}", total=None)

    def _outlook(self) -> str:
        known = [seconds for seconds in self._left.values() if seconds is not None]
        if not self._left or len(known) < len(self._left):
            return ""
        return f"; about {duration(sum(known) / self._jobs)} left"

    def _say(self, text: str) -> None:
        if self._bars is None:
            say(text)
        else:
            self._bars.console.print(text, markup=False, highlight=False)


def duration(seconds: float) -> str:
    """``8 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 9.5 or seconds < 0.05 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
