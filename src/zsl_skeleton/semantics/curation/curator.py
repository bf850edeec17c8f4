"""Who changes texts, and by which rules."""

from __future__ import annotations

import getpass
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Curator:
    """A person at work on a bank.

    Args:
        by: the name that stands in the history.
        prompts: folder of prompt families, whose word limits and rules are applied; None: the packaged one.
        insist: breaking a family's rules (naming the class, say) is a warning instead of a refusal.
        reason: why, for the history.
        rehearses: changes are checked against any bank, also a generated one, and nothing is written.
    """

    by: str
    prompts: Path | None = None
    insist: bool = False
    reason: str = ""
    rehearses: bool = False


def person_name(explicit: str | None = None) -> str:
    """The name given with ``--by``, else git's ``user.name``, else the user's login."""
    if explicit and explicit.strip():
        return explicit.strip()
    try:
        found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False).stdout
    except OSError:  # no git on this machine
        found = ""
    if found.strip():
        return found.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
