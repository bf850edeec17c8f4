"""How the classes of a data set lie to each other in the space of a text encoder, and how that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.catalog import Split

_SHOWN = 10
_NOISE = 1e-6  # a cosine's change below this is rounding
Vectors = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Class embeddings of one slot: [C, K, D] and the mask [C, K]."""


@dataclass(frozen=True)
class PairShift:
    """Two classes, their cosine before and after, and which side of the split each is on (``""`` without a split)."""

    first: int
    second: int
    before: float
    after: float
    sides: str

    @property
    def change(self) -> float:
        """Above 0: they came closer."""
        return self.after - self.before


@dataclass(frozen=True)
class SlotShift:
    """How the mean vectors of the classes moved in one slot.

    Args:
        classes: number of classes with a text on both sides; the others are left out.
        mean_cosine: mean cosine of all pairs of classes, before and after.
        correlation: Pearson correlation of the cosines of all pairs, before against after; NaN below three pairs.
        by_sides: ``seen-seen``, ``seen-unseen``, ``unseen-unseen`` -> mean change of cosine.
        closer, apart: the pairs that moved most, the largest change first.
        moved: class -> cosine between its vectors before and after, the smallest first.
    """

    classes: int
    mean_cosine: tuple[float, float]
    correlation: float
    by_sides: dict[str, float]
    closer: tuple[PairShift, ...]
    apart: tuple[PairShift, ...]
    moved: dict[int, float]

    def as_json(self, class_names: Sequence[str]) -> dict[str, Any]:
        """JSON values; classes by name."""

        def pairs(shifts: Sequence[PairShift]) -> list[dict[str, Any]]:
            names = [(class_names[shift.first], class_names[shift.second]) for shift in shifts]
            return [
                asdict(shift) | {"names": list(pair), "change": shift.change}
                for shift, pair in zip(shifts, names, strict=True)
            ]

        return {
            "classes": self.classes,
            "mean_cosine": {"before": self.mean_cosine[0], "after": self.mean_cosine[1]},
            "correlation": None if np.isnan(self.correlation) else self.correlation,
            "by_sides": self.by_sides,
            "closer": pairs(self.closer),
            "apart": pairs(self.apart),
            "moved": [{"class": i, "name": class_names[i], "cosine": cosine} for i, cosine in self.moved.items()],
        }

    def render(self, class_names: Sequence[str]) -> Iterator[str]:
        """Lines for people."""
        before, after = self.mean_cosine
        yield f"mean cosine of class pairs {before:.3f} -> {after:.3f}; correlation of the pairs {self.correlation:.3f}"
        if self.by_sides:
            yield "mean change: " + ", ".join(f"{sides} {change:+.3f}" for sides, change in self.by_sides.items())
        for title, shifts in (("closer", self.closer), ("apart", self.apart)):
            for shift in shifts:
                names = f"{class_names[shift.first]} / {class_names[shift.second]}"
                yield f"{title:>6}: {shift.before:.3f} -> {shift.after:.3f}  {names}  {shift.sides}".rstrip()


def slot_shift(before: Vectors, after: Vectors, split: Split | None, shown: int = _SHOWN) -> SlotShift:
    """Compare two embeddings of the same classes in one slot.

    Args:
        before, after: vectors and masks; K may differ, C and D may not.
        split: tells seen from unseen classes.
        shown: how many pairs and classes are listed.
    """
    means = [_class_vectors(*side) for side in (before, after)]
    there = np.flatnonzero(before[1].any(axis=1) & after[1].any(axis=1))
    rows, columns = np.triu_indices(len(there), 1)
    unseen = set(split.unseen) if split else set()
    cosines = [(vectors[there] @ vectors[there].T)[rows, columns] for vectors in means]
    pairs = [
        PairShift(int(a), int(b), float(x), float(y), _sides(int(a), int(b), unseen) if split else "")
        for a, b, x, y in zip(there[rows], there[columns], *cosines, strict=True)
    ]
    # By change, then by class: equal changes keep an order of their own.
    ordered = sorted(pairs, key=lambda pair: (-pair.change, pair.first, pair.second))
    own = {int(c): float(means[0][c] @ means[1][c]) for c in there}
    return SlotShift(
        classes=len(there),
        mean_cosine=(_mean(pair.before for pair in pairs), _mean(pair.after for pair in pairs)),
        correlation=_correlation(*cosines),
        by_sides={
            sides: _mean(pair.change for pair in pairs if pair.sides == sides)
            for sides in sorted({pair.sides for pair in pairs} - {""})
        },
        closer=tuple(pair for pair in ordered[:shown] if pair.change > _NOISE),
        apart=tuple(pair for pair in ordered[::-1][:shown] if pair.change < -_NOISE),
        moved=dict(sorted(own.items(), key=lambda item: (item[1], item[0]))[:shown]),
    )


def _class_vectors(vectors: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean vector of every class at length 1, [C, D]; zero where a class has no text."""
    weights = mask[..., None].astype(np.float64)
    means = (vectors * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.where(lengths > 0, lengths, 1))


def _sides(first: int, second: int, unseen: set[int]) -> str:
    return "-".join(sorted("unseen" if index in unseen else "seen" for index in (first, second)))


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else 0.0


def _correlation(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    if len(before) < 3 or not before.std() or not after.std():
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])
