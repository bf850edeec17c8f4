"""What the numbers in the names of recordings tell about those that are missing."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterable, Sequence


def absent_names(present: Collection[str], never: Collection[str], lacking: int) -> tuple[str, ...]:
    """Names that the numbering suggests, when they account exactly for the ``lacking`` clips; else none.

    Recordings are numbered (action, subject, trial, ...). Some of the numbers come together in certain combinations
    only, for instance a set-up with those performers who came there; every such combination comes with all values of
    the other numbers. Where this holds but for what was never published, the gaps are the files that are missing.

    Args:
        present: names that are there.
        never: names that the numbering suggests but that do not count.
        lacking: how many are missing.
    """
    known = {*present, *never}
    if lacking <= 0 or len(shapes := {re.sub(r"\d+", "{}", name) for name in known}) != 1:
        return ()
    shape = shapes.pop()
    numbers = [tuple(re.findall(r"\d+", name)) for name in known]
    columns = [sorted(set(column)) for column in zip(*numbers, strict=True)]
    for size in range(len(columns)):
        for tied in itertools.combinations(range(len(columns)), size):
            together = {tuple(row[i] for i in tied) for row in numbers}
            free = [values if i not in tied else [""] for i, values in enumerate(columns)]
            if len(together) * math.prod(map(len, free)) != len(known) + lacking:
                continue
            gaps = {shape.format(*row) for row in _combined(together, tied, free)} - known
            if len(gaps) == lacking:
                return tuple(sorted(gaps))
    return ()


def _combined(
    together: Iterable[tuple[str, ...]], tied: tuple[int, ...], free: list[list[str]]
) -> Iterable[Sequence[str]]:
    """Every combination of the tied numbers with every value of the free ones."""
    for values in together:
        fixed = dict(zip(tied, values, strict=True))
        yield from itertools.product(*([fixed[i]] if i in fixed else values for i, values in enumerate(free)))
