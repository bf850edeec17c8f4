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

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.linear import LinearConfig, LinearMethod


class RidgeConfig(LinearConfig):
    """Configuration of :class:`Ridge`."""

    penalty: float = Field(1.0, gt=0, description="lambda, in units of the kernel x x' / D (found on seen classes)")


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


class Ridge(LinearMethod):
    """See the module's docstring."""

    Config = RidgeConfig
    closed_form = True
    config: RidgeConfig
    weight: Tensor

    def __init__(self, config: RidgeConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weight", torch.zeros(sizes.visual[config.input], sizes.text))

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """The whole state, from all training clips."""
        state, x, text = self.statistics(batch)
        return {"weight": ridge_weights(x, text[batch.labels], self.config.penalty), **state}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """Centred class texts [C, E] of unit length."""
        return {"text": F.normalize(self.centred(text), dim=-1)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Cosine [N, C] between the regressed and the candidate text."""
        return F.normalize(self.visual(features) @ self.weight, dim=-1) @ state["text"].T
