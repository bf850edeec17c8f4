"""Scores of clips against candidate classes: one batched pass without gradients."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from zsl_skeleton.methods.base import ClassText, Method

_CLIPS_PER_PASS = 4096


def class_scores(method: Method, features: Mapping[str, Tensor], text: ClassText, seed: int = 0) -> Tensor:
    """[N, C] of ``method`` for N clips (each visual input with N rows) and the C classes of ``text``.

    ``seed`` is for methods that draw when they prepare for candidate classes.
    """
    training = method.training
    method.eval()
    with torch.no_grad():
        device = next(iter(text.slots.values())).device
        state = method.prepare(text, torch.Generator(device).manual_seed(seed))
    with torch.inference_mode():
        parts = zip(*(torch.split(features[name], _CLIPS_PER_PASS) for name in method.inputs), strict=True)
        scores = [method.scores(dict(zip(method.inputs, part, strict=True)), state) for part in parts]
    method.train(training)
    return torch.cat(scores)


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Share of the clips whose highest score is at their label (int64 [N], column of ``scores``)."""
    return float((scores.argmax(1) == labels).float().mean())
