"""DeViSE: a linear map into the text space, trained to rank the right class first, read out by the nearest text.

Frome et al., "DeViSE: A Deep Visual-Semantic Embedding Model", NIPS 2013. Belief: a clip must not *meet* the text of
its class, as in a regression, but only come closer to it than to the texts of the other classes. For a clip x of class
y, the class texts t_c of unit length and a matrix M,

    v(j) = max(0, margin - sim(xM, t_y) + sim(xM, t_j)) for every other seen class j,      score(x, c) = cos(xM, t_c)

and the loss of a clip is the sum of its violations v(j). The paper adds the other classes in random order and stops at
the first violation: that is one of the violating classes, drawn uniformly, which is how ``reduction: one`` computes it.
sim is the dot product; its margin can also be met by a longer xM alone, which the cosine (ours) rules out.

Deviations: the paper trains through the visual network afterwards and optimises by Adagrad; here the features stay
fixed, as for all methods, and the optimiser is the loop's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.linear import LinearConfig, LinearMethod


class DeViSEConfig(LinearConfig):
    """Configuration of :class:`DeViSE`."""

    standardise: bool = Field(False, description="ours: training clips' zero mean, unit deviation per dimension")
    centre: bool = Field(False, description="ours: subtract the training classes' mean text from every class text")
    margin: float = Field(0.1, gt=0, description="of the ranking (paper: 0.1)")
    similarity: Literal["dot", "cosine"] = Field("dot", description="in the loss; paper: dot; ours: cosine")
    reduction: Literal["one", "sum", "mean"] = Field(
        "one",
        description="of a clip's violations; paper: one at random (its formula: sum); ours: mean over classes",
    )
    initial: Literal["default", "zero"] = Field("default", description="M at the start; default: PyTorch's for a layer")

    @model_validator(mode="after")
    def _zero_has_a_direction(self) -> Self:
        if self.similarity == "cosine" and self.initial == "zero":
            raise ValueError("initial=zero has no cosine; choose initial=default or similarity=dot")
        return self


class DeViSE(LinearMethod):
    """See the module's docstring."""

    Config = DeViSEConfig
    config: DeViSEConfig

    def __init__(self, config: DeViSEConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.map = nn.Linear(sizes.visual[config.input], sizes.text, bias=False)
        if config.initial == "zero":
            nn.init.zeros_(self.map.weight)

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Statistics of the training clips and classes."""
        return self.statistics(batch)[0]

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``choice`` [B] in [0, 1): which of its violating classes a clip learns from."""
        if self.config.reduction != "one":
            return {}
        return {"choice": torch.rand(len(labels), generator=generator, device=labels.device)}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean over clips of the reduced violations, and the share of the clips with at least one."""
        embedded = self.embed(batch.features)
        if self.config.similarity == "cosine":
            embedded = F.normalize(embedded, dim=-1)
        similarity = embedded @ F.normalize(self.centred(batch.text), dim=-1).T
        violation = violations(similarity, batch.labels, self.config.margin)
        violated = (violation > 0).any(1).to(violation.dtype).mean()
        if self.config.reduction == "one":
            violation = one_violation(violation, batch.draws["choice"])
        else:
            others = max(1, violation.shape[1] - 1) if self.config.reduction == "mean" else 1
            violation = violation.sum(1) / others
        return {"loss": violation.mean(), "violated": violated}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """Class texts [C, E] of unit length."""
        return {"text": F.normalize(self.centred(text), dim=-1)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Cosine [N, C] between the embedded clips and the candidate texts."""
        return F.normalize(self.embed(features), dim=-1) @ state["text"].T

    def embed(self, features: Mapping[str, Tensor]) -> Tensor:
        """xM [B, E]: the clips in the text space."""
        embedded: Tensor = self.map(self.visual(features))
        return embedded


def violations(similarity: Tensor, labels: Tensor, margin: float) -> Tensor:
    """max(0, margin - similarity to the own class + similarity to each other class) [B, C]; 0 at the own class."""
    own = similarity.gather(1, labels[:, None])
    return F.relu(margin - own + similarity).scatter(1, labels[:, None], 0.0)


def one_violation(violation: Tensor, choice: Tensor) -> Tensor:
    """For each row of ``violation`` [B, C] the positive entry that ``choice`` [B] in [0, 1) points to; else 0. [B]."""
    positive = violation > 0
    count = positive.sum(1)
    wanted = torch.minimum((choice * count).long() + 1, count)
    column = (positive.cumsum(1) >= wanted[:, None]).to(torch.uint8).argmax(1)
    return violation.gather(1, column[:, None]).squeeze(1)
