"""What the methods trained in steps share beside their papers: three options, all off in ``paper``.

``visual: standardise`` gives every visual dimension mean 0 and deviation 1 over the training clips. ``centre_text``
subtracts what the training classes' texts have in common. ``linear_weight`` adds the cosine of the closed-form ridge to
the scores at test: what a linear map knows already need not be learned from few clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Method, MethodConfig, Sizes
from zsl_skeleton.methods.linear import column_statistics, register_statistics
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig


class SharedConfig(MethodConfig):
    """The options; the defaults are the official codes'."""

    visual: Literal["raw", "standardise"] = Field("raw", description="official: raw; ours: training clips' statistics")
    centre_text: bool = Field(False, description="ours: subtract the training classes' mean text; official: off")
    linear_weight: float = Field(
        0.0, ge=0, description="ours: at test, add linear_weight * cosine of the closed-form ridge; official: 0"
    )


class SharedMethod(Method):
    """Adds the ridge; a subclass says what else :meth:`statistics` finds on the training clips."""

    config: SharedConfig
    linear_input: ClassVar[str] = "pooled"
    """Visual input of the ridge; where it has an axis between clips and dimensions, the mean over that axis."""

    def __init__(self, config: SharedConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.config = config
        pooled = replace(sizes, visual={"pooled": sizes.visual[self.linear_input]})
        ridge = RidgeConfig.model_validate({"text": self.slots})
        self.linear = Ridge(ridge, pooled) if config.linear_weight else None

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Statistics of the training clips and classes, as far as the options ask for them, and the ridge."""
        state = self.statistics(batch)
        if self.linear:
            solved = self.linear.solve(replace(batch, features=self._pooled(batch.features)))
            state |= {f"linear.{name}": value for name, value in solved.items()}
        return state

    def statistics(self, batch: Batch) -> dict[str, Tensor]:
        """State of ``visual`` and ``centre_text``."""
        raise NotImplementedError

    def linear_texts(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """What :meth:`add_linear` needs of :meth:`prepare`."""
        return {"linear": self.linear.prepare(text, generator)["text"]} if self.linear else {}

    def add_linear(self, scores: Tensor, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """``scores`` [..., N, C], plus the weighted cosines of the clips and classes if the option asks for them."""
        if not self.linear:
            return scores
        cosine = self.linear.scores(self._pooled(features), {"text": state["linear"]})
        return scores + self.config.linear_weight * cosine

    def _pooled(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        value = features[self.linear_input]
        return {"pooled": value if value.ndim == 2 else value.mean(1)}


class PooledMethod(SharedMethod):
    """Reads pooled features and holds their statistics and those of the texts."""

    visual_mean: Tensor
    visual_scale: Tensor
    text_mean: Tensor

    def __init__(self, config: SharedConfig, sizes: Sizes, text: tuple[int, ...]) -> None:
        super().__init__(config, sizes)
        register_statistics(self, sizes.visual["pooled"], *text)

    def statistics(self, batch: Batch) -> dict[str, Tensor]:
        """State of ``visual`` and ``centre_text``."""
        state = dict[str, Tensor]()
        if self.config.visual == "standardise":
            state["visual_mean"], state["visual_scale"] = column_statistics(batch.features["pooled"])
        if self.config.centre_text:
            state["text_mean"] = self.text_centre(batch.text)
        return state

    def text_centre(self, text: ClassText) -> Tensor:
        """What ``centre_text`` subtracts, from the training classes' texts."""
        return text.mean_over(self.slots).mean(0)

    def visual_input(self, v: Tensor) -> Tensor:
        """x [N, V]: the pooled features [N, V], standardised if the options say so."""
        return (v - self.visual_mean) / self.visual_scale if self.config.visual == "standardise" else v


def dropout_factors(rate: float, shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Independent factors of ``shape``: 0 with probability ``rate``, else 1 / (1 - rate)."""
    chance = torch.rand(shape, generator=generator, device=device)
    return (chance >= rate) / (1 - rate)


def headwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``x`` [H, P, in] @ ``weight`` [H, in, out] + ``bias`` [H, P or 1, out], for H heads.

    Where a processor's threads cannot share the heads out evenly, one head after the other, each on all threads: in a
    batched product three heads on two threads take as long as four.
    """
    if x.device.type != "cpu" or len(x) % torch.get_num_threads() == 0:
        return torch.baddbmm(bias, x, weight)
    product: Tensor = _Headwise.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return product


class _Headwise(torch.autograd.Function):
    """:func:`headwise` one head after the other, and its gradients in the same manner."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shared_bias = bias.shape[1] == 1
        return _products(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), (of_x, of_weight, _) = ctx.saved_tensors, ctx.needs_input_grad
        bias = grad.sum(1, keepdim=True) if ctx.shared_bias else grad
        return _products(grad, weight.mT) if of_x else None, _products(x.mT, grad) if of_weight else None, bias


def _products(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    out = left.new_empty(*left.shape[:2], right.shape[2])
    for head, (a, b) in enumerate(zip(left, right, strict=True)):
        if bias is None:
            torch.mm(a, b, out=out[head])
        else:
            torch.addmm(bias[head], a, b, out=out[head])
    return out
