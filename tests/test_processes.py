from __future__ import annotations

import multiprocessing
import os

import pytest

from counted_work import CountedWork
from zsl_skeleton.errors import InputError
from zsl_skeleton.processes import mapped, usual_jobs


def test_results_come_in_order_from_processes_that_keep_what_they_were_given() -> None:
    found = list(mapped(CountedWork(), range(20), 2))
    assert [item for item, _, _ in found] == list(range(20))
    per_process = {pid: max(calls for _, p, calls in found if p == pid) for _, pid, _ in found}
    assert os.getpid() not in per_process
    assert sum(per_process.values()) == 20


def test_little_work_is_done_here() -> None:
    for jobs, least in ((1, 1), (4, 20)):
        assert {pid for _, pid, _ in mapped(CountedWork(), range(20), jobs, least=least)} == {os.getpid()}
    assert list(mapped(CountedWork(), [], 4)) == []
    assert usual_jobs() >= 1


def test_a_killed_process_is_an_error_that_can_be_mended() -> None:
    with pytest.raises(InputError, match="ended from outside") as caught:
        list(mapped(CountedWork(), [1, 2, -1, 3, 4], 2))
    assert "--jobs 1" in caught.value.mend


def test_whoever_stops_listening_ends_the_processes() -> None:
    results = mapped(CountedWork(), range(10_000), 2, at_once=2)
    next(results)
    assert len(multiprocessing.active_children()) == 2
    results.close()
    assert multiprocessing.active_children() == []
