"""ESZSL, "embarrassingly simple zero-shot learning": a bilinear form between motion and text, in closed form.

Romera-Paredes and Torr, ICML 2015. Belief: a clip x and a class text s fit each other by one bilinear score x' V s,
and two ridge penalties, one per side, are all the learning needed. With the training clips X [N, D], the seen classes'
texts S [C, E] and Y [N, C] = +1 at a clip's class and -1 elsewhere,

    V = (X'X + gamma I)^-1  X' Y S  (S'S + lambda I)^-1,      score(x, c) = x' V s_c

which minimises |X V S' - Y|^2 + gamma |V S'|^2 + lambda |X V|^2 + gamma lambda |V|^2. No iteration and no random number
is involved. Both factors have the form A (A'A + p I)^-1 = (AA' + p I)^-1 A, so each side is solved over the smaller of
its two equal systems: clips or dimensions, classes or text dimensions. Beside `ridge` it shows what is gained by
telling the classes apart (Y) instead of meeting their texts.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.linear import LinearConfig, LinearMethod

_SMALLEST = 1e-12  # keeps a relative penalty positive where all rows are zero


class ESZSLConfig(LinearConfig):
    """Configuration of :class:`ESZSL`."""

    gamma: PositiveFloat = Field(1.0, description="penalty of the visual side; paper: by validation in 1e-3..1e3")
    lam: PositiveFloat = Field(1.0, description="lambda, penalty of the text side; paper: by validation in 1e-3..1e3")
    relative: bool = Field(
        True, description="penalties in units of the rows' mean squared length (ours: as ridge's); paper: off"
    )
    unit: bool = Field(True, description="bring a class's text, after centring, to unit length; ours")


def smoothed(rows: Tensor, penalty: float, *, relative: bool) -> Tensor:
    """A (A'A + p I)^-1 for A = ``rows`` [N, D], in float64, over the smaller of the two systems; [N, D].

    p is ``penalty``, with ``relative`` times the mean squared length of the rows.
    """
    a = rows.double()
    n, d = a.shape
    p = penalty * (a.square().sum() / n).clamp(min=_SMALLEST) if relative else penalty
    gram = a @ a.T if n <= d else a.T @ a
    gram.diagonal().add_(p)
    solved: Tensor = torch.linalg.solve(gram, a if n <= d else a.T)
    return solved if n <= d else solved.T


def bilinear_weights(x: Tensor, labels: Tensor, text: Tensor, config: ESZSLConfig) -> Tensor:
    """V [D, E] from clips ``x`` [N, D], their ``labels`` int64 [N] and the class texts [C, E]."""
    y = 2 * F.one_hot(labels, len(text)).double() - 1
    visual = smoothed(x, config.gamma, relative=config.relative)
    weights: Tensor = (visual.T @ y) @ smoothed(text, config.lam, relative=config.relative)
    return weights.to(x.dtype)


class ESZSL(LinearMethod):
    """See the module's docstring."""

    Config = ESZSLConfig
    closed_form = True
    config: ESZSLConfig
    weight: Tensor

    def __init__(self, config: ESZSLConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("weight", torch.zeros(sizes.visual[config.input], sizes.text))

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """The whole state, from all training clips."""
        state, x, text = self.statistics(batch)
        return {"weight": bilinear_weights(x, batch.labels, self._signature(text), self.config), **state}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """V s_c [C, D] of the candidate classes."""
        return {"classifier": self._signature(self.centred(text)) @ self.weight.T}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """x' V s_c, [N, C]."""
        return self.visual(features) @ state["classifier"].T

    def _signature(self, centred: Tensor) -> Tensor:
        return F.normalize(centred, dim=-1) if self.config.unit else centred
