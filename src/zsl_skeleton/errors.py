"""The one family of errors: *what* happened, *why*, and *the command that mends it*.

The commands render these without a traceback; everything else that escapes is a bug (exit code 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar

_LISTED = 12  # names that are listed although a close one was found


class ZslError(Exception):
    """Base of every error that the project raises on purpose.

    Args:
        what: what happened, one sentence that names the file, class or option.
        why: the reason, when it is known.
        mend: the command or edit that mends it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments would be lost when the error crosses a process boundary.
        return _rebuild, (type(self), self.what, self.why, self.mend)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines.append(f"  why:  {self.why}")
        if self.mend:
            lines.append(f"  mend: {self.mend}")
        return "\n".join(lines)


def _rebuild(cls: type[ZslError], what: str, why: str, mend: str) -> ZslError:
    return cls(what, why=why, mend=mend)


class UsageError(ZslError):
    """The command was asked for something that does not exist (exit 2)."""

    exit_code = 2


class InputError(ZslError):
    """An input or artifact is missing, broken or does not match (exit 3)."""

    exit_code = 3


class BackendError(ZslError):
    """A language-model backend failed (exit 4)."""

    exit_code = 4


class QualityError(ZslError):
    """A quality gate was not passed; what passed it is kept (exit 5)."""

    exit_code = 5


def some_of(reasons: Sequence[str], most: int) -> str:
    """The first ``most`` reasons on one line, and how many more there are."""
    more = len(reasons) - most
    return "; ".join([*reasons[:most], *([f"and {more} more"] if more > 0 else [])])


def unknown_name(kind: str, name: str, known: Iterable[str], *, mend: str = "") -> UsageError:
    """Error for a name that is not in a table, with a did-you-mean and the list (a long one only if nothing is close).

    Args:
        kind: what was looked up, e.g. ``"dataset"``.
        name: the name as the user wrote it.
        known: all valid names.
        mend: overrides the default mending line.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    told = f"{len(names)} names are known" if close and len(names) > _LISTED else f"known: {', '.join(names) or 'none'}"
    return UsageError(
        f"unknown {kind} {name!r}.{hint}",
        why=told,
        mend=mend or (f"write {close[0]!r} instead" if close else f"choose a {kind} from the list above"),
    )
