"""What a predictor says about clips: probabilities, the best names, and how that compares with what is known."""

from __future__ import annotations

import csv
import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.prediction.explaining import Explanation
from zsl_skeleton.skeletons.readers.base import Rejected

_WIDTH = 100


@dataclass(frozen=True)
class Named:
    """A class that a clip may show: its name, its probability in [0, 1] among the candidates, and the raw score."""

    name: str
    probability: float
    score: float


@dataclass(frozen=True)
class Predictions:
    """Predictions for N clips among C candidate classes.

    Args:
        names: the candidates.
        seen: bool [C], whether the method was trained on the class.
        probabilities: float64 [N, C], rows sum to 1.
        scores: float32 [N, C], as the method gives them.
        ids: names of the clips.
        top: how many names :meth:`best` gives.
        remarks: what the user should know: where texts come from, what the probabilities rest on.
        labels: class numbers that the recordings carried, int64 [N]; -1 where there is none.
        skipped: recordings that could not be used.
        explanations: one for every clip, if asked for and if the method gives any.
    """

    names: tuple[str, ...]
    seen: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    scores: NDArray[np.float32]
    ids: tuple[str, ...]
    top: int = 5
    remarks: tuple[str, ...] = ()
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    skipped: tuple[Rejected, ...] = ()
    explanations: tuple[Explanation, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> tuple[str, ...]:
        """The likeliest name of every clip."""
        return tuple(self.names[index] for index in self.probabilities.argmax(1))

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the likeliest name [N]."""
        found: NDArray[np.float64] = self.probabilities.max(1)
        return found

    def best(self, row: int) -> list[Named]:
        """The ``top`` likeliest names of a clip, likeliest first; of equal ones the first candidate."""
        order = np.argsort(-self.probabilities[row], kind="stable")[: self.top]
        chances, scores = self.probabilities[row], self.scores[row]
        return [Named(self.names[i], float(chances[i]), float(scores[i])) for i in order]

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        rows: list[dict[str, Any]] = []
        for row, name in enumerate(self.ids):
            explained = {"explanation": self.explanations[row].as_json()} if self.explanations else {}
            rows.append({"clip": name, "top": [vars(item) for item in self.best(row)]} | explained)
        candidates = [{"name": name, "seen": bool(seen)} for name, seen in zip(self.names, self.seen, strict=True)]
        skipped = [{"clip": item.id, "reason": item.reason} for item in self.skipped]
        return {"classes": candidates, "remarks": list(self.remarks), "clips": rows, "skipped": skipped}

    def as_csv(self) -> str:
        """A table: one line for every clip and rank, header first."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["clip", "rank", "class", "probability", "score"])
        for row, name in enumerate(self.ids):
            for rank, item in enumerate(self.best(row), start=1):
                writer.writerow([name, rank, item.name, f"{item.probability:.6f}", f"{item.score:.6g}"])
        return stream.getvalue()

    def render(self, most: int = 20) -> str:
        """Lines for people; at most ``most`` clips."""
        width = max((len(name) for name in self.ids[:most]), default=0)
        lines: list[str] = []
        for row, name in enumerate(self.ids[:most]):
            best = "   ".join(f"{item.name} {100 * item.probability:.1f} %" for item in self.best(row))
            lines.append(f"{name:<{width}}  {best}")
            if self.explanations:
                lines += [f"{'':<{width}}    {line}" for line in self.explanations[row].lines()]
        if len(self) > most:
            lines.append(f"and {len(self) - most} more clips (--csv or --json prints all)")
        if self.skipped:
            first = self.skipped[0]
            lines.append(f"{len(self.skipped)} recordings were skipped; the first, {first.id}: {first.reason}")
        notes = (textwrap.fill(f"note: {remark}", _WIDTH, subsequent_indent="      ") for remark in self.remarks)
        return "\n".join([*lines, *notes])
