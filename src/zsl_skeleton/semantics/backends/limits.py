"""Requests and tokens per minute, and how long to wait before a failed call is sent again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

_MINUTE = 60.0

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class RateLimit:
    """Spaces calls so that the limits hold in every minute, not only on average.

    Every call books its moment when it asks, so calls go out in the order in which they asked, however many wait. No
    burst is saved up: servers count by the second, too.

    Args:
        requests_per_minute: None: no limit.
        tokens_per_minute: prompt and answer together; None: no limit.
        spacing: seconds between two calls at least, whatever the limits.
        clock, sleep: replaced in tests.
    """

    def __init__(
        self,
        requests_per_minute: float | None,
        tokens_per_minute: float | None,
        spacing: float = 0.0,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._per_request = max(spacing, _MINUTE / requests_per_minute if requests_per_minute else 0.0)
        self._per_token = _MINUTE / tokens_per_minute if tokens_per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._requests_free = self._tokens_free = self._paused_until = clock()

    async def wait(self, tokens: int) -> None:
        """Return when a call of about so many tokens may be sent.

        A call of more tokens than the limit is sent, too, but what comes after it waits the longer.
        """
        now = self._clock()
        start = max(now, self._requests_free, self._tokens_free)
        self._requests_free = start + self._per_request
        self._tokens_free = start + tokens * self._per_token
        # The server may ask for a pause while we wait already.
        while (remaining := max(start, self._paused_until) - self._clock()) > 0:
            await self._sleep(remaining)

    def correct(self, estimated: int, counted: int) -> None:
        """Book what a call really took instead of what :meth:`wait` was told; later calls come sooner or later."""
        self._tokens_free += (counted - estimated) * self._per_token

    def pause(self, seconds: float) -> None:
        """Send nothing for so long, because the server asks for it."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)


@dataclass(frozen=True)
class Backoff:
    """How often and after how long a failed call is sent again: exponential, with jitter.

    Args:
        retries: most repetitions of one call.
        first: seconds before the first repetition; each further one waits twice as long.
        longest: seconds that no wait exceeds unless the server asks for it.
        patience: longest wait in seconds that a server may ask for.
        random: between 0 and 1; replaced in tests.
    """

    retries: int = 5
    first: float = 0.5
    longest: float = 20.0
    patience: float = 300.0
    random: Callable[[], float] = field(default=random.random, repr=False)

    def delay(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait before repetition ``attempt`` (from 0), not shorter than the server ``asked`` for."""
        # Jitter, so that calls that failed together do not come back together.
        own = min(self.longest, self.first * 2.0**attempt) * (0.5 + 0.5 * self.random())
        return own if asked is None else asked + own * 0.1
