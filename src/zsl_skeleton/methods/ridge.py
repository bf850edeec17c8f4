"""Closed-form ridge regression from visual features to class text: the baseline that every method must beat.

Belief: motion and text are related linearly, so a clip is sent into the text space by one matrix and named after the
nearest class text. As kernel ridge with the linear kernel ``x x' / D`` it equals

    W = argmin  sum_i |x_i W - t_{y_i}|^2 / D + lambda |W|^2,      score(x, c) = cos(x W, t_c)

with x the (standardised) feature and t_c the mean of the class's texts, minus the mean over the training classes.
No iteration and no random number is involved. Romera-Paredes and Torr (ICML 2015) and Shigeto et al. (ECML 2015) are
the standard references for linear zero-shot regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Method, MethodConfig, Sizes

_CONSTANT = 1e-6


class RidgeConfig(MethodConfig):
    """Configuration of :class:`Ridge`."""

    text: tuple[str, ...] = Field(
        ("codebook", "motion"),
        min_length=1,
        description="text slots; a class's text is the mean of their means (as MLA's)",
    )
    input: Literal["pooled"] = Field("pooled", description="visual input, raw joints included (our choice)")
    penalty: float = Field(1.0, gt=0, description="lambda, in units of the kernel x x' / D (found on seen classes)")
    standardise: bool = Field(True, description="zero mean, unit deviation per dimension, from the training clips")
    centre: bool = Field(True, description="subtract the training classes' mean text from every class text")

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """The slots that are averaged."""
        return self.text

    @property
    def needed_inputs(self) -> tuple[str, ...]:
        """The one visual input."""
        return (self.input,)


def column_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation [D] of the rows of ``x`` [N, D]; the deviation of a constant column is 1."""
    deviation, mean = torch.std_mean(x.double(), dim=0, correction=0)
    return mean.to(x.dtype), torch.where(deviation > _CONSTANT, deviation, 1.0).to(x.dtype)


def ridge_weights(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    """W [D, E] of the linear ridge from ``x`` [N, D] to ``y`` [N, E], kernel ``x x' / D`` plus ``penalty``.

    Solved in float64 over the smaller of the two equivalent systems (N or D unknowns).
    """
    x64, y64 = x.double(), y.double()
    n, d = x.shape
    gram = (x64 @ x64.T if n <= d else x64.T @ x64) / d
    gram.diagonal().add_(penalty)
    solved = torch.linalg.solve(gram, y64 if n <= d else x64.T @ y64)
    weights: Tensor = (x64.T @ solved if n <= d else solved) / d
    return weights.to(x.dtype)


class Ridge(Method):
    """See the module's docstring."""

    Config = RidgeConfig
    closed_form = True
    weight: Tensor
    visual_mean: Tensor
    visual_scale: Tensor
    text_mean: Tensor

    def __init__(self, config: RidgeConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.config = config
        visual = sizes.visual[config.input]
        self.register_buffer("weight", torch.zeros(visual, sizes.text))
        self.register_buffer("visual_mean", torch.zeros(visual))
        self.register_buffer("visual_scale", torch.ones(visual))
        self.register_buffer("text_mean", torch.zeros(sizes.text))

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """The whole state, from all training clips."""
        x, text = batch.features[self.config.input], self._class_text(batch.text)
        mean, scale = torch.zeros_like(self.visual_mean), torch.ones_like(self.visual_scale)
        if self.config.standardise:
            mean, scale = column_statistics(x)
        centre = text.mean(0) if self.config.centre else torch.zeros_like(self.text_mean)
        weight = ridge_weights((x - mean) / scale, (text - centre)[batch.labels], self.config.penalty)
        return {"weight": weight, "visual_mean": mean, "visual_scale": scale, "text_mean": centre}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """Centred class texts [C, E] of unit length."""
        return {"text": F.normalize(self._class_text(text) - self.text_mean, dim=-1)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Cosine [N, C] between the regressed and the candidate text."""
        x = (features[self.config.input] - self.visual_mean) / self.visual_scale
        return F.normalize(x @ self.weight, dim=-1) @ state["text"].T

    def _class_text(self, text: ClassText) -> Tensor:
        return torch.stack([text.mean(slot) for slot in self.config.text]).mean(0)
