"""Copies a prompt family to its next version, for editing: a released version never changes."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_text, write_text
from zsl_skeleton.semantics.prompts import PromptFamily, load_families, load_family

_CARD = "card.yaml"
_VERSION_LINE = re.compile(r"^version:[ \t]*[\"']?(v[0-9]+)[\"']?[ \t]*(#.*)?$", re.MULTILINE)
_REMINDER = "# Copied from {old}: say in the notes what {new} asks differently and why, then delete this line."
_OLD_REMINDER = re.compile(r"^# Copied from v[0-9]+: .*\n", re.MULTILINE)


def new_version(prompts: Path, family: str, destination: Path | None = None) -> Path:
    """Folder of a new version of a prompt family: a copy of the newest one that names itself the next.

    Args:
        prompts: the folder of prompt families to copy from.
        family: its name (spelling is forgiven).
        destination: the user's own folder of prompt families, where the family goes with all its versions if it is not
            there yet; None: ``prompts`` itself.

    Raises:
        UsageError: no such family, or ``prompts`` belongs to the installed package.
        InputError: the family is not valid, or its next version exists already.
    """
    known = load_families(prompts, [family])
    name = next(iter(known))
    home = prompts if destination is None else destination
    if _installed(home) or not os.access(home if home.exists() else _existing(home), os.W_OK):
        raise UsageError(
            f"the prompts in {home} cannot be changed",
            why="they belong to the installed package" if _installed(home) else "the folder is not writable",
            mend=f"zsl-semantics new-version {name} --to DIR (a folder of your own)",
        )
    folder = home / name
    if not folder.exists():
        _copy(prompts / name, folder)
    newest = load_families(home, [name])[name]
    new = f"v{int(newest.card.version[1:]) + 1}"
    target = folder / new
    if target.exists():
        raise InputError(f"{target} exists already", why=f"it has no {_CARD}", mend=f"delete {target}, or finish it")
    _copy(newest.folder, target, _card(newest, new))
    load_family(target)
    return target


def _card(family: PromptFamily, new: str) -> str:
    """The card's text with the next version in it and a reminder below; comments and format stay."""
    old, path = family.card.version, family.folder / _CARD
    text = _OLD_REMINDER.sub("", read_text(path))
    if len(_VERSION_LINE.findall(text)) != 1:
        raise InputError(f"{path} has no line 'version: {old}' to change", mend=f"edit {path}")
    reminder = _REMINDER.format(old=old, new=new)
    return _VERSION_LINE.sub(lambda match: f"version: {new}\n{reminder}", text)


def _copy(source: Path, target: Path, card: str | None = None) -> None:
    """Copy a folder so that it appears whole or not at all."""
    # One level deeper than families and versions lie, so that the leftovers of a killed copy are not taken for one.
    growing = target.parent / ".partial"
    shutil.rmtree(growing, ignore_errors=True)
    shutil.copytree(source, growing / target.name, symlinks=True)
    if card is not None:
        write_text(growing / target.name / _CARD, card)
    (growing / target.name).rename(target)
    growing.rmdir()


def _installed(folder: Path) -> bool:
    package = Path(__file__).resolve().parents[1]
    return folder.resolve().is_relative_to(package)


def _existing(folder: Path) -> Path:
    return next(parent for parent in folder.resolve().parents if parent.exists())
