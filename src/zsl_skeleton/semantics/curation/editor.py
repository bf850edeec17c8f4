"""Editing texts in the user's own editor, through a text file that names every text."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from zsl_skeleton.errors import InputError, UsageError, ZslError
from zsl_skeleton.files import read_text
from zsl_skeleton.semantics.bank import Description
from zsl_skeleton.semantics.curation.changes import Change, Outcome, apply
from zsl_skeleton.semantics.curation.curator import Curator
from zsl_skeleton.semantics.curation.folder import open_any, open_curated
from zsl_skeleton.semantics.curation.rules import Rules
from zsl_skeleton.semantics.curation.selection import Selection, select
from zsl_skeleton.semantics.typed import typed_command

_HEADING = re.compile(r"#: (\d+) \| (.*) \| (\S+) \| (\d+)\s*")
_EXPLANATION = """\
# Change the texts below, save, and close the editor. To change nothing, close it without saving.
# A line that begins with "#:" names the text below it (class, name, slot, number): leave it as it is.
# Other lines that begin with "#" are remarks. A text may be wrapped. A block that is deleted stays as it was.
"""


def edit_in_editor(folder: Path, selection: Selection, curator: Curator, editor: str | None = None) -> Outcome:
    """Open texts in ``editor`` (None: ``$VISUAL``, ``$EDITOR``, ``vi``) and apply what was changed.

    Raises:
        UsageError: the selection names no text, or the editor cannot be started.
        InputError: the editor failed, or a text is refused; what the user wrote is kept, and the error says where.
    """
    card, bank = open_any(folder) if curator.rehearses else open_curated(folder)
    rows, rules = select(bank, selection), Rules(card, curator.prompts)
    chosen = editor or os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not chosen and not (sys.stdin and sys.stdin.isatty()):
        # vi would wait for keys that nobody can press.
        raise UsageError("there is no terminal to edit in", mend="name a program with --editor, or use --text or --csv")
    if curator.rehearses:  # nobody writes twice: the texts are checked when they are there
        return Outcome(folder, ())
    handle, name = tempfile.mkstemp(prefix=f"{folder.name}-", suffix=".txt")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(written := _written(rows, rules))
    try:
        _open(path, chosen or "vi")
        outcome = apply(folder, lambda _: _changes(path, rows, curator), curator)
    except ZslError as error:
        if path.is_file() and path.read_bytes() == written.encode():
            path.unlink()
            raise
        file = shlex.join(["--file", str(path)])
        words = shlex.join(["zsl-semantics", "edit", "--dataset", bank.dataset, "--bank", str(folder)])
        command = typed_command(f"{words} {file}", more=file)
        raise InputError(
            f"{error.what}; what you wrote is kept in {path}",
            why=error.why,
            mend=f"mend that file, then: {command}",
        ) from error
    path.unlink(missing_ok=True)
    return outcome


def apply_file(folder: Path, path: Path, curator: Curator) -> Outcome:
    """Apply a file that an earlier edit left behind.

    Raises:
        InputError: the file is not understood, or a text is refused; nothing is changed.
    """
    return apply(folder, lambda bank: _changes(path, bank.descriptions, curator), curator)


def _changes(path: Path, rows: Sequence[Description], curator: Curator) -> list[Change]:
    return [
        Change(row, "edit", text, curator.reason, f"line {line}")
        for line, row, text in _read(path, rows)
        if text != " ".join(row.text.split())
    ]


def _written(rows: Iterable[Description], rules: Rules) -> str:
    blocks = [_EXPLANATION]
    for row in rows:
        asked = rules.asked(row)
        limits = f", {asked[1].words[0]} to {asked[1].words[1]} words" if asked else ""
        # A text of an imported bank may begin with "#" itself.
        text = f"\\{row.text}" if row.text.startswith(("#", "\\")) else row.text
        heading = f"#: {row.class_index} | {row.class_name} | {row.slot} | {row.index}"
        blocks.append(f"{heading}\n# {row.provenance.state}{limits}\n{text}\n")
    return "\n".join(blocks)


def _read(path: Path, rows: Iterable[Description]) -> list[tuple[int, Description, str]]:
    """Line number, row and text of every block.

    Raises:
        InputError: a block names no text of ``rows``, a text is named twice, or a line belongs to no text.
    """
    known = {row.place: row for row in rows}
    found: dict[tuple[int, str, int], tuple[int, list[str]]] = {}
    current: list[str] | None = None
    for number, line in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), start=1):
        line = line.strip()
        if line.startswith("#:"):
            match = _HEADING.fullmatch(line)
            place = (int(match[1]), match[3], int(match[4])) if match else None
            if match is None or place not in known or known[place].class_name != match[2]:
                raise InputError(f"{path}, line {number} names no text that was to be edited", why=line)
            if place in found:
                raise InputError(f"{path}, line {number} names a text a second time", why=line)
            current = []
            found[place] = (number, current)
        elif line and not line.startswith("#"):
            if current is None:
                raise InputError(
                    f"{path}, line {number} belongs to no text", why=f"no line above begins with #: {line!r}"
                )
            current.append(line.removeprefix("\\") if not current else line)
    return [(number, known[place], " ".join(" ".join(lines).split())) for place, (number, lines) in found.items()]


def _open(path: Path, editor: str) -> None:
    try:
        command = [*shlex.split(editor), os.fspath(path)]
        # stdout may be a pipe that waits for the result, and for nothing else.
        stdout = None if sys.stdout and sys.stdout.isatty() else subprocess.DEVNULL
        code = subprocess.run(command, check=False, stdout=stdout).returncode
    except (OSError, ValueError) as error:
        mend = "EDITOR=nano zsl-semantics edit ..., or use --csv FILE"
        raise UsageError(f"the editor {editor!r} cannot be started", why=str(error), mend=mend) from error
    if code:
        raise InputError(f"the editor {editor!r} ended with exit code {code}; nothing was changed")
