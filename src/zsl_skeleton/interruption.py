"""Ctrl-C and SIGTERM: at once where nothing is lost, at the next safe point where a state must be saved first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """The process was asked to stop. Not an ``Exception``: no handler of errors may swallow it.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class _State:
    deferring = False
    pending: int | None = None


def install() -> None:
    """Turn SIGINT and SIGTERM into :class:`Interrupted` (called once, at the command's edge)."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if _State.deferring and _State.pending is None:
        _State.pending = number
        return
    # A second signal does not wait: the user means it.
    raise Interrupted(number)


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, a signal only sets what :func:`requested` answers; leaving raises it if nobody has."""
    _State.deferring = True
    try:
        yield
    finally:
        _State.deferring = False
    raise_if_requested()


def requested() -> bool:
    """Whether a signal waits for a safe point."""
    return _State.pending is not None


def raise_if_requested() -> None:
    """At a safe point: stop if a signal has come since :func:`deferred` was entered.

    Raises:
        Interrupted: it has.
    """
    number, _State.pending = _State.pending, None
    if number is not None:
        raise Interrupted(number)
