"""Holds many dialogues at a time, and ends them in good order when the user or the backend gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from zsl_skeleton.errors import ZslError
from zsl_skeleton.interruption import deferred, requested
from zsl_skeleton.progress import say, track
from zsl_skeleton.semantics.backends import Answer, Request, UnusableAnswerError, Writer
from zsl_skeleton.semantics.bank import Description
from zsl_skeleton.semantics.dialogue import Dialogue

T = TypeVar("T")
Keep = Callable[[str, int, list[Description]], None]
"""Takes the rows of one family (its name) and one class (its index)."""

_LOOK = 0.2  # seconds between two looks whether the user wants to stop


class _StoppedError(Exception):
    """No further request is sent."""


@dataclass
class Desk:
    """Hands requests to a writer until somebody wants to stop; then what is under way is waited for, nothing new sent.

    An answer that has been paid for is worth waiting for: it goes into the cache and is not asked for again.
    """

    writer: Writer
    error: ZslError | None = None

    async def ask(self, request: Request) -> Answer:
        """The writer's answer.

        Raises:
            UnusableAnswerError: this request has none.
        """
        if self.error or requested():
            raise _StoppedError
        try:
            return await self.writer.answer(request)
        except UnusableAnswerError:
            raise
        except ZslError as error:
            self.error = self.error or error
            raise _StoppedError from error


def hold(dialogues: Iterable[Dialogue], desk: Desk, label: str, keep: Keep) -> None:
    """Hold all dialogues, as many at a time as the backend takes, in their order; ``keep`` gets those that end.

    Works inside a running event loop (a notebook), too.

    Raises:
        BackendError: the backend gave up; what was answered before has been kept.
        Interrupted: the user did.
    """
    with deferred():
        _run(_all(list(dialogues), desk, label, keep))
    if desk.error:
        raise desk.error


async def _all(dialogues: list[Dialogue], desk: Desk, label: str, keep: Keep) -> None:
    gate = asyncio.Semaphore(desk.writer.concurrency)

    async def one(dialogue: Dialogue) -> None:
        async with gate:
            try:
                keep(dialogue.family.name, dialogue.action.index, await dialogue.run())
            except _StoppedError:
                return

    watch = asyncio.create_task(_watch())
    tasks = [asyncio.create_task(one(dialogue)) for dialogue in dialogues]
    try:
        for finished in track(asyncio.as_completed(tasks), label, total=len(tasks)):
            await finished
    finally:
        watch.cancel()
        for task in tasks:
            task.cancel()
        # Waited for, so that what goes wrong in the others (the disk is full for all) is not printed one by one.
        await asyncio.gather(*tasks, return_exceptions=True)
        await desk.writer.close()


async def _watch() -> None:
    while not requested():
        await asyncio.sleep(_LOOK)
    say("stopping: waiting for the answers under way; press Ctrl-C again to drop them")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        running = False
    else:
        running = True
    if not running:  # not inside the handler: its error would be the context of all that goes wrong in there
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
