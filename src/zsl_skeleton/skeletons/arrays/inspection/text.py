"""An inspected path as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from zsl_skeleton.skeletons.arrays.features.counts import PartCount
from zsl_skeleton.skeletons.arrays.inspection.capabilities import Capability
from zsl_skeleton.skeletons.arrays.inspection.found import ArrayLine, PathInspection

_WIDTH = 100
"""Columns of a line, where it is text; commands and the table of arrays are left whole."""


def render(found: PathInspection) -> str:
    """Layout, arrays, counts, remarks, methods, and the command that imports it."""
    of = " ".join(filter(None, (found.dataset, found.split, found.protocol)))
    lines = [f"{found.path}: {found.kind}, layout {found.layout}{f', of {of}' if of else ''}", f"  {found.what}"]
    lines += _arrays(found.arrays)
    after = "after zsl-data pretrain and extract" if found.kind == "clips" else "with these features"
    lines += _paragraph("clips:", map(_count, found.counts))
    lines += _paragraph("remarks:", found.remarks)
    lines += _paragraph(f"methods, {after}:", map(_method, found.methods))
    lines += _paragraph("cannot be imported as it is:", found.problem.splitlines())
    if found.command:
        lines += ["next:", f"  {found.command}"]
    return "\n".join(lines)


def _paragraph(title: str, entries: Iterable[str]) -> list[str]:
    """The entries below their title, with the ends of long ones further in; nothing without entries."""
    wrap = textwrap.TextWrapper(
        _WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )
    wrapped = [line for entry in entries for line in wrap.wrap(entry)]
    return [title, *wrapped] if wrapped else []


def _arrays(arrays: tuple[ArrayLine, ...]) -> list[str]:
    if not arrays:
        return []
    names = max(len(array.name) for array in arrays)
    shapes = max(len(_shape(array)) for array in arrays)
    return ["arrays:"] + [
        f"  {array.name:<{names}}  {_shape(array):<{shapes}}  {array.meaning or 'unknown: not read'}"
        for array in arrays
    ]


def _shape(array: ArrayLine) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _count(count: PartCount) -> str:
    if count.expected is None:
        return f"{count.name}: {count.found} (the catalog knows no number)"
    if count.expected == count.found:
        return f"{count.name}: {count.found}, as the catalog counts"
    return f"{count.name}: {count.found}, the catalog counts {count.expected}: {count.reason}"


def _method(line: Capability) -> str:
    if not line.missing:
        return f"{line.method}: can be trained ({', '.join(line.needs)})"
    if line.without:
        lacking = ", ".join(line.missing)
        return f"{line.method}: lacks {lacking}; can be trained with --set {line.without} ({line.about})"
    return f"{line.method}: cannot be trained, it needs {', '.join(line.missing)}"
