"""Rate limits and backoff against a clock that only the test moves."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any

import pytest

from zsl_skeleton.semantics.backends.limits import Backoff, RateLimit


class FakeClock:
    """Time passes only when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, future))
        await future

    async def run(self, *work: Coroutine[Any, Any, Any]) -> None:
        tasks = [asyncio.create_task(item) for item in work]
        while not all(task.done() for task in tasks):
            for _ in range(5):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, future = heapq.heappop(self._sleepers)
                future.set_result(None)
        await asyncio.gather(*tasks)


def _moments(limit: RateLimit, clock: FakeClock, tokens: list[int]) -> list[tuple[float, int]]:
    """When calls of so many tokens, all asked for at once, are let through: (seconds from now, number)."""
    passed: list[tuple[float, int]] = []
    start = clock.now

    async def call(number: int) -> None:
        await limit.wait(tokens[number])
        passed.append((clock.now - start, number))

    asyncio.run(clock.run(*(call(number) for number in range(len(tokens)))))
    return passed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_without_limits_nobody_waits(clock: FakeClock) -> None:
    passed = _moments(RateLimit(None, None, clock=clock, sleep=clock.sleep), clock, [1000] * 64)
    assert all(moment == 0 for moment, _ in passed)


@pytest.mark.parametrize("count", [8, 64])
def test_requests_go_out_in_order_and_evenly(clock: FakeClock, count: int) -> None:
    passed = _moments(RateLimit(120, None, clock=clock, sleep=clock.sleep), clock, [1] * count)
    assert [number for _, number in passed] == list(range(count))
    assert [moment for moment, _ in passed] == pytest.approx([n * 0.5 for n in range(count)])


def test_no_minute_holds_more_requests_than_allowed(clock: FakeClock) -> None:
    limit = RateLimit(30, None, clock=clock, sleep=clock.sleep)
    first = [moment for moment, _ in _moments(limit, clock, [1] * 64)]
    clock.now += 600  # an idle quarter of an hour saves nothing up
    second = [moment + clock.now for moment, _ in _moments(limit, clock, [1] * 64)]
    for moments in (first, second):
        assert all(sum(start <= moment < start + 60 - 1e-6 for moment in moments) <= 30 for start in moments)


def test_tokens_are_spread_over_the_minute(clock: FakeClock) -> None:
    passed = _moments(RateLimit(None, 6000, clock=clock, sleep=clock.sleep), clock, [100, 300, 100, 100])
    assert [moment for moment, _ in passed] == pytest.approx([0, 1, 4, 5])


def test_the_stricter_limit_decides(clock: FakeClock) -> None:
    passed = _moments(RateLimit(60, 6000, clock=clock, sleep=clock.sleep), clock, [10, 500, 10, 10])
    assert [moment for moment, _ in passed] == pytest.approx([0, 1, 6, 7])


def test_call_larger_than_the_limit_is_sent_all_the_same(clock: FakeClock) -> None:
    passed = _moments(RateLimit(None, 600, clock=clock, sleep=clock.sleep), clock, [1200, 10])
    assert [moment for moment, _ in passed] == pytest.approx([0, 120])


@pytest.mark.parametrize(("counted", "expected"), [(700, 7.0), (10, 0.1), (100, 1.0)])
def test_estimates_are_corrected(clock: FakeClock, counted: int, expected: float) -> None:
    limit = RateLimit(None, 6000, clock=clock, sleep=clock.sleep)
    _moments(limit, clock, [100])
    limit.correct(100, counted)
    assert _moments(limit, clock, [1])[0][0] == pytest.approx(expected)


def test_pause_holds_those_who_wait_already_and_those_who_come(clock: FakeClock) -> None:
    limit = RateLimit(60, None, clock=clock, sleep=clock.sleep)
    passed: list[float] = []
    start = clock.now

    async def call(delay: float) -> None:
        if delay:
            await clock.sleep(delay)
        await limit.wait(1)
        passed.append(clock.now - start)

    async def pause() -> None:
        await clock.sleep(0.5)
        limit.pause(10)
        limit.pause(2)  # a shorter one does not end the longer one

    asyncio.run(clock.run(call(0), call(0), call(0.7), pause()))
    assert passed == pytest.approx([0, 10.5, 10.5])


def test_backoff_doubles_up_to_a_bound_and_jitters_down_only() -> None:
    late = Backoff(first=0.5, longest=6.0, random=lambda: 1.0)
    early = Backoff(first=0.5, longest=6.0, random=lambda: 0.0)
    assert [late.delay(n) for n in range(6)] == [0.5, 1, 2, 4, 6, 6]
    assert [early.delay(n) for n in range(6)] == [0.25, 0.5, 1, 2, 3, 3]


def test_backoff_never_comes_before_the_server_allows() -> None:
    for draw in (0.0, 1.0):
        waiting = Backoff(random=lambda draw=draw: draw)  # type: ignore[misc]
        assert 30 <= waiting.delay(0, 30.0) <= 33
    assert Backoff(random=lambda: 0.0).delay(3, 0.0) > 0
