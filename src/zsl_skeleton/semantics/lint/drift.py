"""Style drift: does the way of writing change somewhere in the list of classes, as it does between batches?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.semantics.lint.across import Row
from zsl_skeleton.semantics.lint.model import Finding, Spot
from zsl_skeleton.semantics.lint.rules import finding
from zsl_skeleton.semantics.lint.single import Reading

SURE = 3.7
"""Smallest |z| of the rank test. Over all cuts of up to 120 classes that do not differ, it stays below in 99.5 % of
lists (simulated)."""
SHARE = 0.25
"""Smallest difference between two shares of texts that is reported."""
RATIO = 1.25
"""Smallest ratio of two mean numbers of words that is reported."""
_SMALLEST = 5  # classes in a group

_READER = frozenset({"you", "your", "yours", "yourself"})


@dataclass(frozen=True)
class Measure:
    """A number per text; shares are means of 0 and 1."""

    what: str
    of: Callable[[Reading], float]
    share: bool = True


def _feels(reading: Reading) -> float:
    return float(bool(reading.about("affect") or reading.about("intention")))


MEASURES = (
    Measure("begin with a capital", lambda reading: float(reading.text[:1].isupper())),
    Measure("end with a full stop", lambda reading: float(reading.text.endswith("."))),
    Measure("speak to the reader (you, your)", lambda reading: float(not _READER.isdisjoint(reading.words))),
    Measure("speak of feelings or intentions", _feels),
    Measure("words on average", lambda reading: float(len(reading.words)), share=False),
)


def style_drift(rows: Sequence[Row], persons: Mapping[int, int]) -> Iterator[Finding]:
    """For every slot and measure, the cut of the list of classes at which the two sides differ most, if they do a lot.

    Classes of one and of two people are compared among themselves: naming two people takes more words.

    Args:
        rows: the texts.
        persons: class index -> how many people act; 1 where a class is not listed.
    """
    slots: dict[str, dict[int, list[Reading]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.spot.class_index is not None and row.family != "label":
            slots[row.slot][row.spot.class_index].append(row.reading)
    for slot, classes in slots.items():
        indices = sorted(classes)
        groups = np.array([persons.get(index, 1) for index in indices])
        for measure in MEASURES:
            if slot.startswith("body-parts") and not measure.share:
                continue  # a part that moves takes more words than one at rest
            values = np.array([np.mean([measure.of(reading) for reading in classes[index]]) for index in indices])
            if message := _change(measure, values, groups, indices):
                yield finding("style-drift", message, Spot(slot=slot))


def _change(measure: Measure, values: NDArray[np.float64], groups: NDArray[np.int64], indices: list[int]) -> str:
    level = values.copy()
    for group in np.unique(groups):
        level[groups == group] -= np.median(values[groups == group])
    cut, z = strongest_cut(level)
    if abs(z) < SURE:
        return ""
    before, after = (float(np.mean(side)) for side in (values[:cut], values[cut:]))
    adjusted = float(np.mean(level[cut:]) - np.mean(level[:cut]))
    if measure.share:
        strong = min(abs(after - before), abs(adjusted)) >= SHARE
        shown = f"{before:.0%} against {after:.0%} {measure.what}"
    else:
        base = float(np.mean(values)) - abs(adjusted) / 2
        strong = base > 0 and min(max(before, after) / min(before, after), 1 + abs(adjusted) / base) >= RATIO
        shown = f"{before:.1f} against {after:.1f} {measure.what}"
    sides = f"classes {indices[0]}-{indices[cut - 1]} against {indices[cut]}-{indices[-1]}"
    return f"{sides}: {shown}; write all classes in one style" if strong else ""


def strongest_cut(values: NDArray[np.float64]) -> tuple[int, float]:
    """Where to cut a list [n] so that the two sides differ most, and by how much.

    Returns:
        The number of values on the left side and the z value of the Mann-Whitney test, corrected for ties; ``(0, 0.0)``
        for lists too short to be cut and for equal values.
    """
    n = len(values)
    if n < 2 * _SMALLEST:
        return 0, 0.0
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    left = np.arange(_SMALLEST, n - _SMALLEST + 1)
    spread = (n + 1) - float((counts**3 - counts).sum()) / (n * (n - 1))
    deviation = np.sqrt(left * (n - left) / 12 * max(spread, 0.0))
    excess = np.cumsum(ranks)[left - 1] - left * (n + 1) / 2
    z = np.divide(excess, deviation, out=np.zeros(len(left)), where=deviation > 0)
    best = int(np.argmax(np.abs(z)))
    return int(left[best]), float(z[best])
