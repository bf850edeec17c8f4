"""Memory that a training step frees stays with the process, for the next step.

glibc hands large freed blocks back to the kernel and asks for them again, zeroed, page by page. A training step frees
and asks for the same blocks every time: with two threads that took up to a quarter of a step.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_CHOSEN = "MALLOC_"  # prefix of the variables by which a user sets the same


def keep_pages() -> bool:
    """Ask the C library to keep what this process frees; whether it agreed.

    It does nothing where the library is not glibc or the environment already sets its allocator. The peak of the
    memory stays as it was: only what lies idle below it is kept.
    """
    if any(name.startswith(_CHOSEN) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))
