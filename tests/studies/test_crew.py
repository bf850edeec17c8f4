"""Several processes at one study: what is said when one of them ends before its time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from zsl_skeleton.errors import InputError, ZslError
from zsl_skeleton.studies.crew import _broken_off, work_together
from zsl_skeleton.studies.plan import Planner
from zsl_skeleton.studies.telling import Teller, duration
from zsl_skeleton.studies.work import Event, Work


def test_a_process_that_is_killed_is_said_so(planner: Callable[..., Planner]) -> None:
    plan = planner({"methods": "ridge", "seeds": "0..5"}).plan()
    work = Work(plan.world, plan.left, plan.folder / "failed", 0)

    def kill(event: Event) -> None:
        for child in _children():
            os.kill(child, signal.SIGKILL)

    with pytest.raises(InputError, match="was killed") as error:
        work_together(work, 2, kill)
    assert "SIGKILL" in error.value.why


def test_an_error_of_a_process_is_the_error_of_all(planner: Callable[..., Planner]) -> None:
    plan = planner({"methods": "ridge"}).plan()
    nowhere = plan.world.root / "file"
    nowhere.write_text("")
    with pytest.raises(OSError, match=r"Not a directory"):
        work_together(Work(plan.world, plan.left, nowhere, 0), 2, lambda _: None)
    assert type(_broken_off([1], 2)) is ZslError


def test_what_is_said_of_a_study(planner: Callable[..., Planner], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (one.run for one in planner({"methods": "ridge", "seeds": [0, 1]}).plan().runs)
    teller = Teller({first.id: 100.0, second.id: 300.0}, jobs=2)
    with teller.bars():
        for event in (
            Event(first, "said", text="features:   x"),
            Event(second, "said", text="features:   x"),
            Event(first, "begun"),
            Event(first, "finished", 90.0, "50.0 %"),
            Event(second, "failed", 3.0, "no clips"),
        ):
            teller(event)
    lines = capsys.readouterr().err.splitlines()
    assert [line.replace(first.name, "A").replace(second.name, "B") for line in lines] == [
        "features:   x",
        "[0/2] begins: A, about 2 min",
        "[1/2] A: 50.0 %, 90 s; about 2 min left",
        "[2/2] B: FAILED: no clips, 3.0 s",
    ]
    assert [duration(seconds) for seconds in (0.01, 3, 59.6, 100, 6000, 12345)] == [
        "0 s", "3.0 s", "60 s", "2 min", "1 h 40 min", "3 h 26 min",
    ]  # fmt: skip


def _children() -> list[int]:
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid]
