"""How right predictions are, where the class of the recordings is known from elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, unknown_name
from zsl_skeleton.evaluation.metrics import zero_shot_metrics
from zsl_skeleton.files import read_text
from zsl_skeleton.prediction.predictions import Predictions
from zsl_skeleton.prediction.temperature import calibration_error
from zsl_skeleton.semantics.words import same_key


@dataclass(frozen=True)
class Truth:
    """What is known about the class of clips.

    Args:
        dataset: its labels are what the recordings carry; None: they say nothing.
        clips: clip name -> class name.
        renamed: class name of ``dataset``, or its number, -> the name among the candidates.
    """

    dataset: Dataset | None = None
    clips: Mapping[str, str] | None = None
    renamed: Mapping[str, str] | None = None

    def name(self, clip: str, label: int) -> str | None:
        """The name of a clip's class; None where nobody knows it."""
        if self.clips is not None:
            return self.clips.get(clip)
        if self.dataset is None or not 0 <= label < len(self.dataset.classes):
            return None
        name = self.dataset.class_names[label]
        renamed = {same_key(old): new for old, new in (self.renamed or {}).items()}
        return renamed.get(same_key(name), renamed.get(str(label), name))


@dataclass(frozen=True)
class Measured:
    """How right predictions are; shares in [0, 1].

    ``left_out`` clips are of no candidate class, or nobody knows of which. ``calibration_error`` is the expected
    calibration error of the likeliest names. ``per_class``: candidate -> (clips, accuracy).
    """

    accuracy: float
    mean_class_accuracy: float
    chance: float
    clips: int
    left_out: int
    calibration_error: float
    confidence: float
    per_class: Mapping[str, tuple[int, float | None]]

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        rows = [{"name": name, "clips": n, "accuracy": share} for name, (n, share) in self.per_class.items()]
        return vars(self) | {"per_class": rows}

    def render(self) -> str:
        """Lines for people."""
        left = f"; {self.left_out} clips of other or unknown classes are left out" if self.left_out else ""
        lines = [
            f"accuracy             {100 * self.accuracy:5.1f} %   ({self.clips} clips{left})",
            f"mean class accuracy  {100 * self.mean_class_accuracy:5.1f} %",
            f"chance               {100 * self.chance:5.1f} %   ({len(self.per_class)} classes)",
            f"calibration error    {100 * self.calibration_error:5.1f} %   (mean confidence "
            f"{100 * self.confidence:.1f} %)",
        ]
        width = max(map(len, self.per_class))
        for name, (clips, share) in self.per_class.items():
            shown = "    -  " if share is None else f"{100 * share:5.1f} %"
            lines.append(f"  {name:<{width}}  {shown}  {clips:5d} clips")
        return "\n".join(lines)


def measure(predictions: Predictions, truth: Truth) -> Measured:
    """Compare predictions with what is known.

    Raises:
        InputError: no clip is known to be of a candidate class.
    """
    column = {same_key(name): index for index, name in enumerate(predictions.names)}
    labels = predictions.labels if len(predictions.labels) else np.full(len(predictions), -1)
    named = [truth.name(clip, int(label)) for clip, label in zip(predictions.ids, labels, strict=True)]
    known = np.array([-1 if name is None else column.get(same_key(name), -1) for name in named], dtype=np.int64)
    counted = known >= 0
    if not counted.any():
        others = list(dict.fromkeys(name for name in named if name is not None))[:5]
        raise InputError(
            "no clip is known to show one of the classes",
            why=f"the clips show {', '.join(others) or 'nothing that is known'}; candidates: "
            + ", ".join(predictions.names),
            mend="say which name means which class: --truth FILE.csv with the columns label,class or clip,class",
        )
    chances, right = predictions.probabilities[counted], known[counted]
    metrics = zero_shot_metrics(chances.astype(np.float32), right)
    return Measured(
        accuracy=metrics.accuracy,
        mean_class_accuracy=metrics.mean_class_accuracy,
        chance=metrics.chance,
        clips=int(counted.sum()),
        left_out=int((~counted).sum()),
        calibration_error=calibration_error(chances.max(1), chances.argmax(1) == right),
        confidence=float(chances.max(1).mean()),
        per_class=dict(zip(predictions.names, zip(metrics.clips, metrics.per_class, strict=True), strict=True)),
    )


def read_truth(path: Path, dataset: Dataset | None) -> Truth:
    """The truth in a table: columns ``clip,class``, or ``label,class`` with names or numbers of the data set's classes.

    Raises:
        InputError: the file is no such table, or a label is no class of the data set.
        UsageError: a class of the data set is misspelt.
    """
    rows = _rows(path)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if sorted(header) not in (["class", "clip"], ["class", "label"]):
        raise InputError(
            f"{path} is no table of classes", why=f"its columns are {header}", mend="use clip,class or label,class"
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise InputError(f"{path}, row {number} has {len(row)} cells instead of 2")
    found = [dict(zip(header, (cell.strip() for cell in row), strict=True)) for row in rows[1:]]
    if "clip" in header:
        return Truth(dataset, clips={row["clip"]: row["class"] for row in found})
    if dataset is None:
        raise InputError(f"{path} speaks of labels, but of which data set?", mend="add --labels-from DATASET")
    known = {same_key(name) for name in dataset.class_names} | {str(i) for i in range(len(dataset.classes))}
    if strange := [row["label"] for row in found if same_key(row["label"]) not in known]:
        raise unknown_name(f"class of {dataset.name}", strange[0], dataset.class_names)
    return Truth(dataset, renamed={row["label"]: row["class"] for row in found})


def _rows(path: Path) -> Sequence[Sequence[str]]:
    try:
        reader = csv.reader(io.StringIO(read_text(path).removeprefix("\ufeff"), newline=""), strict=True)
        return [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path} is not a table", why=str(error)) from error
