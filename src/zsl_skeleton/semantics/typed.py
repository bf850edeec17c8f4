"""The command that is running, as it was typed: what an error tells to run again keeps every option."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_PROGRAMS = ("zsl-semantics", "zsl-train")
_MODULES = "zsl_skeleton_cli"


def typed_command(otherwise: str, *, without: str = "", more: str = "") -> str:
    """The command line of this process, if one of the project's commands runs, else ``otherwise``.

    Args:
        otherwise: what a program that uses the library is told.
        without: a flag that is left out.
        more: an option to add: a flag where it is missing, a value in any case (the last one counts).
    """
    started = Path(sys.argv[0])
    name = f"zsl-{started.stem}" if started.parent.name == _MODULES else started.name  # python -m
    if name not in _PROGRAMS:
        return otherwise
    words = [name, *(word for word in sys.argv[1:] if word != without)]
    added = shlex.split(more)
    return shlex.join(words if len(added) == 1 and added[0] in words else [*words, *added])
