"""What the documentation of a layout's module tells about it: written once, for readers of code and of messages."""

from __future__ import annotations

import re
import sys

_ROW = re.compile(r"\| (`[^|]+`) *\| (.*?) *\|")


def told_by(kind: type) -> str:
    """What a layout is: the first line of its module's documentation."""
    return (sys.modules[kind.__module__].__doc__ or kind.__name__).splitlines()[0].replace("``", "")


def table_of(documentation: str | None) -> dict[str, str]:
    """Key -> content of a table in a module's documentation whose first column names keys of a file."""
    rows = (_ROW.match(line) for line in (documentation or "").splitlines())
    return {key: row[2].replace("`", "") for row in rows if row for key in re.findall(r"`([^`]+)`", row[1])}
