"""What is looked at before any reader opens a path: whether anything lies there, how much, and who may read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.stored import npz_arrays
from zsl_skeleton.skeletons.readers import READERS, open_reader
from zsl_skeleton.skeletons.sources import ARCHIVE

ARCHIVE_OF_ARRAYS = ".npz"
MOST_OTHERS = 120_000
"""Files of other kinds below a folder of recordings; NTU-120's 114,480 videos may lie beside its skeletons."""
NAME_IT = "name the folder that holds the recordings; formats: zsl-data list"


def check_filled(path: Path) -> None:
    """Make sure that there is something to read.

    Raises:
        InputError: a file is empty or an archive of arrays cannot be opened; a folder holds no file or cannot be
            listed.
    """
    if path.is_dir():
        if next(_files(path), None) is None:
            raise InputError(f"the folder {path} is empty", mend=NAME_IT)
        return
    again = f"fetch or write it again, then: zsl-data inspect {quote(str(path))}"
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path} is empty", why="it has 0 bytes", mend=again)
    fault = _fault(path) if path.suffix.lower() == ARCHIVE_OF_ARRAYS else ""
    if fault:
        raise InputError(f"{path} is no readable archive", why=fault, mend=again)


def readers_for(path: Path) -> tuple[str, ...]:
    """Names of the readers whose ending occurs at or below a path; of all where a zip archive may hold any.

    Raises:
        InputError: as :func:`check_filled`, or the folder holds far too many files of other kinds; the search ends
            at once.
    """
    check_filled(path)
    suffixes = {name: open_reader(name).suffix for name in READERS}
    known, found, others = {*suffixes.values(), ARCHIVE}, set[str](), 0
    for _, name in _files(path):
        ending = _ending(name)
        found.add(ending)
        others += ending not in known
        if others > MOST_OTHERS:
            raise InputError(
                f"{path} holds too many other files to be a folder of recordings",
                why=f"more than {MOST_OTHERS} have endings that no format has; the search ended there",
                mend=NAME_IT,
            )
    return tuple(name for name, suffix in suffixes.items() if suffix in found or ARCHIVE in found)


def unreadable(folder: Path) -> dict[str, str]:
    """Path below ``folder`` -> what is wrong with it, of archives of arrays that cannot be opened."""
    if not folder.is_dir():
        return {}
    archives = sorted(Path(parent, name) for parent, name in _files(folder) if _ending(name) == ARCHIVE_OF_ARRAYS)
    faults = {path.relative_to(folder).as_posix(): _fault(path) for path in archives}
    return {name: fault for name, fault in faults.items() if fault}


def _fault(path: Path) -> str:
    """Why an archive of arrays cannot be opened; empty if it can."""
    try:
        npz_arrays(path)
    except InputError as error:
        empty = path.is_file() and not path.stat().st_size
        return "it is empty" if empty else error.why or error.what
    return ""


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of every file at or below a path."""
    if not path.is_dir():
        yield str(path.parent), path.name
        return

    def refuse(error: OSError) -> None:
        raise InputError(f"the folder {error.filename} cannot be listed", why=error.strerror or str(error)) from error

    for folder, _, names in os.walk(path, onerror=refuse):
        yield from ((folder, name) for name in names)


def _ending(name: str) -> str:
    """As readers see it, in lower case; a path for each of a hundred thousand files would be felt."""
    before, _, ending = name.rpartition(".")
    return f".{ending}".lower() if before else ""
