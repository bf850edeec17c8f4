"""What the linear baselines share: one visual input, one text per class, and the training data's statistics of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassText, Method, MethodConfig, Sizes

_CONSTANT = 1e-6


class LinearConfig(MethodConfig):
    """Options of every linear baseline."""

    text: tuple[str, ...] = Field(
        ("codebook", "motion"),
        min_length=1,
        description="text slots; a class's text is the mean of their means (as MLA's; papers: attributes, word vector)",
    )
    input: Literal["pooled"] = Field("pooled", description="visual input, raw joints included (our choice)")
    standardise: bool = Field(True, description="ours: training clips' zero mean, unit deviation per dimension")
    centre: bool = Field(True, description="ours: subtract the training classes' mean text from every class text")

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """The slots that are averaged."""
        return self.text

    @property
    def needed_inputs(self) -> tuple[str, ...]:
        """The one visual input."""
        return (self.input,)


class LinearMethod(Method):
    """Base of the linear baselines: clips x [N, V] and class texts [C, E], shifted and scaled by the options."""

    config: LinearConfig
    visual_mean: Tensor
    visual_scale: Tensor
    text_mean: Tensor

    def __init__(self, config: LinearConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.config = config
        register_statistics(self, sizes.visual[config.input], sizes.text)

    def statistics(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The three buffers of all training clips, 0 and 1 where an option is off; x and the centred texts by them."""
        x, text = batch.features[self.config.input], batch.text.mean_over(self.slots)
        mean, scale = torch.zeros_like(self.visual_mean), torch.ones_like(self.visual_scale)
        if self.config.standardise:
            mean, scale = column_statistics(x)
        centre = text.mean(0) if self.config.centre else torch.zeros_like(self.text_mean)
        return {"visual_mean": mean, "visual_scale": scale, "text_mean": centre}, (x - mean) / scale, text - centre

    def visual(self, features: Mapping[str, Tensor]) -> Tensor:
        """x [N, V] of the visual input."""
        return (features[self.config.input] - self.visual_mean) / self.visual_scale

    def centred(self, text: ClassText) -> Tensor:
        """Centred class texts [C, E]."""
        return text.mean_over(self.slots) - self.text_mean


def register_statistics(method: Method, visual: int, *text: int) -> None:
    """The buffers ``visual_mean``, ``visual_scale`` [visual] and ``text_mean`` [text], which change nothing as yet."""
    method.register_buffer("visual_mean", torch.zeros(visual))
    method.register_buffer("visual_scale", torch.ones(visual))
    method.register_buffer("text_mean", torch.zeros(text))


def column_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation [D] of the rows of ``x`` [N, D]; the deviation of a constant column is 1."""
    deviation, mean = torch.std_mean(x.double(), dim=0, correction=0)
    return mean.to(x.dtype), torch.where(deviation > _CONSTANT, deviation, 1.0).to(x.dtype)
