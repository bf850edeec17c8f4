"""What decided: the descriptions, joints and frames behind a prediction, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.methods.base import ClassText
from zsl_skeleton.prediction.opening import Opened
from zsl_skeleton.prediction.wording import Worded
from zsl_skeleton.skeletons.layouts import JOINTS as LAYOUTS
from zsl_skeleton.skeletons.layouts import NTU

CHOSEN, JOINTS, FRAMES = "chosen", "joints", "frames"
"""What methods show: weights [N, C, H, texts] of descriptions, attention [N, steps, V] and [N, steps, T]."""
_MOST = 3


@dataclass(frozen=True)
class Explanation:
    """Why a clip got its likeliest name: kind (``descriptions``, ``joints``, ``frames``, ...) -> (what, weight).

    Weights lie in [0, 1], the heaviest first.
    """

    parts: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {kind: [{"what": what, "weight": weight} for what, weight in rows] for kind, rows in self.parts.items()}

    def lines(self) -> list[str]:
        """Lines for people; without the weight where it is all of it."""
        return [
            f"{kind}: " + "; ".join(what if weight == 1 else f"{what} ({weight:.2f})" for what, weight in rows)
            for kind, rows in self.parts.items()
        ]


@dataclass(frozen=True)
class Question:
    """Predictions to be explained: the export, the clips' features, the candidates' vectors and texts, and [N, C]."""

    export: Opened
    features: Mapping[str, Tensor]
    text: ClassText
    words: Worded
    probabilities: NDArray[np.float64]


def explained(question: Question) -> tuple[Explanation, ...]:
    """An explanation of every clip: what :meth:`Method.explain` shows of its likeliest class, in words.

    Of a method that shows nothing it is the text that the class was known by.
    """
    method, seed = question.export.method, question.export.manifest.method.seed
    device = next(iter(question.text.slots.values())).device
    with torch.no_grad():
        state = method.prepare(question.text, torch.Generator(device).manual_seed(seed))
        shown = {name: value.cpu().numpy() for name, value in method.explain(question.features, state).items()}
    named = question.probabilities.argmax(1)
    return tuple(_of_clip(question, shown, row, int(column)) for row, column in enumerate(named))


def _of_clip(question: Question, shown: Mapping[str, NDArray[Any]], row: int, column: int) -> Explanation:
    parts = {}
    if CHOSEN in shown:
        parts["descriptions"] = _heaviest(shown[CHOSEN][row, column].mean(0), _texts(question, column))
    if JOINTS in shown:
        parts["joints"] = _heaviest(shown[JOINTS][row].mean(0), LAYOUTS[NTU])
    if FRAMES in shown:
        weights = shown[FRAMES][row].mean(0)
        parts["frames"] = _heaviest(weights, [_moment(index, len(weights)) for index in range(len(weights))])
    if not parts:
        slots = question.export.manifest.slots
        texts = [question.words.texts[slot][column] for slot in slots if slot in question.words.texts]
        firsts = dict.fromkeys(found[0] for found in texts if found)
        parts["known by"] = tuple((text, 1.0) for text in firsts)[:_MOST]
    return Explanation(parts)


def _heaviest(weights: NDArray[Any], names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-weights, kind="stable")[:_MOST]
    named = [(names[i] if i < len(names) else f"number {i}", float(weights[i])) for i in order]
    return tuple((name, weight) for name, weight in named if weight > 0)


def _texts(question: Question, column: int) -> Sequence[str]:
    """The descriptions that the first slot of the method holds of a class."""
    rows = question.words.texts.get(question.export.manifest.slots[0], [])
    return rows[column] if rows else ()


def _moment(index: int, count: int) -> str:
    """Which part of the clip a frame of the backbone stands for."""
    return f"{100 * index // count} to {100 * (index + 1) // count} % of the clip"
