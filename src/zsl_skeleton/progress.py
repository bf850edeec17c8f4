"""Progress for long work: a bar on a terminal, silence elsewhere. Everything goes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")


class _HasPath(Protocol):
    @property
    def path(self) -> Path: ...


Chosen = TypeVar("Chosen", bound=_HasPath)


class _State:
    silent = False


def silence() -> None:
    """Show no more bars: this process works beside others that share the terminal."""
    _State.silent = True


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` while a bar called ``label`` shows how far it got (``total`` items, if known)."""
    if _State.silent or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=label, total=total, console=Console(stderr=True), transient=True)


def say(message: str) -> None:
    """One line for people, on stderr (stdout is for results)."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def chosen(role: str, artifact: Chosen, remark: str = "") -> Chosen:
    """Say which artifact plays a role that the user left open, and hand it on."""
    say(f"{role + ':':<12}{artifact.path}{remark}")
    return artifact
