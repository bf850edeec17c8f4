"""A device that every machine has and that is not the CPU: ``meta``, whose tensors have shapes but no values.

A product, sum or concatenation of tensors there with tensors of the CPU fails as it would between a GPU and the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from zsl_skeleton.training.data import Clips

ELSEWHERE = torch.device("meta")
Tensors = Mapping[str, Tensor]


class ValuesFromHere(TorchFunctionMode):
    """Answers the questions that need values: labels 0..``classes``-1 occur equally often, what is listed is 0."""

    def __init__(self, classes: int = 1) -> None:
        super().__init__()
        self.classes = classes

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Stand in for what torch cannot do on ``meta``."""
        if args and isinstance(args[0], Tensor) and args[0].device == ELSEWHERE:
            values = args[0]
            if function is torch.Tensor.bincount:
                return torch.full((self.classes,), -(-len(values) // self.classes))
            if function is torch.unique:
                return torch.arange(self.classes, device=ELSEWHERE), torch.zeros_like(values)
            if function is torch.Tensor.tolist:
                return torch.zeros(values.shape).tolist()
        return function(*args, **kwargs or {})


def moved(tensors: Tensors, device: torch.device = ELSEWHERE) -> dict[str, Tensor]:
    """The same tensors on another device."""
    return {name: value.to(device) for name, value in tensors.items()}


def moved_clips(clips: Clips, device: torch.device = ELSEWHERE) -> Clips:
    """Clips and texts on another device."""
    features, labels, text = moved(clips.features, device), clips.labels.to(device), clips.text.to(device)
    return replace(clips, features=features, labels=labels, text=text)
