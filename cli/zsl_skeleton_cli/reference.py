"""The command reference, as the commands themselves tell it.

``python -m zsl_skeleton_cli.reference > cli/README.md`` writes it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

PROGRAMS = {
    name: f"zsl_skeleton_cli.{name.removeprefix('zsl-')}" for name in ("zsl-data", "zsl-semantics", "zsl-train")
}
_HEAD = """# Command reference

Written by `python -m zsl_skeleton_cli.reference > cli/README.md`; a test compares it with the commands.
Every command takes `--help`. Results go to stdout, progress and remarks to stderr; `--json` prints one document.
"""


def reference() -> str:
    """The reference of all programs as Markdown."""
    return "\n".join([_HEAD, *(line for name in PROGRAMS for line in _program(name))])


def _program(name: str) -> Iterator[str]:
    root: Any = get_command(importlib.import_module(PROGRAMS[name]).app)
    yield f"## {name}\n"
    yield f"{_one_line(root.help)}\n"
    # What the program does when no sub-command is named.
    if root.invoke_without_command:
        yield from _command(name, root)
    for word, command in root.commands.items():
        yield from _group(f"{name} {word}", command)


def _group(name: str, command: Any) -> Iterator[str]:
    if not getattr(command, "commands", None):
        yield from _command(name, command)
        return
    for word, inner in command.commands.items():
        yield from _group(f"{name} {word}", inner)


def _command(name: str, command: Any) -> Iterator[str]:
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    words = " ".join([name, *map(_metavar, arguments)])
    yield f"### `{words}`\n"
    yield f"{_one_line(command.help)}\n"
    options = [p for p in shown if p.param_type_name == "option"]
    if not options:
        return
    yield "| option | default | |\n| --- | --- | --- |"
    for option in options:
        flags = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
        yield f"| {flags} | {_default(option)} | {_one_line(option.help or '').replace('|', chr(92) + '|')} |"
    yield ""


def _metavar(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper() + ("..." if argument.nargs != 1 else "")
    return word if argument.required else f"[{word}]"


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.is_flag or option.default in (None, (), []) or callable(option.default):
        return ""
    return f"`{option.default}`"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(reference())
