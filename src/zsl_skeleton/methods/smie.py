"""SMIE: how much a motion says about a sentence, measured by a critic.

"Zero-shot Skeleton-based Action Recognition via Mutual Information Estimation and Maximization", ACM MM 2023, pp.
5302-5310, arXiv 2308.03950. Belief: motion and sentence share information, which can be measured without a common space
decided beforehand. So there is no projection and no cosine: one network T reads both and says whether they belong
together. With the clip feature v, the unit text l of a class, and sp(z) = log(1 + e^z):

    v^ = LN(v), without learnable parameters           T(v, l) = MLP([v, l]), two hidden layers, ReLU
    I0 = - mean_i sp(-T(v^_i, l_{y_i})) - mean_i sp(T(v^_{i+1}, l_{y_i}))        loss = -I0 + w max(0, beta - (I0 - I1))

The negative of a pair is the next clip of the batch, cyclic. I1 is I0 with v'^, of a masked view, in the positive term
(see ``backbones/masked_views.py``): a clip seen in full must say more than one robbed of its liveliest frames. The
negative terms of I0 and I1 are the same, so I0 - I1 = mean sp(-T(v'^)) - mean sp(-T(v^)), and three passes of the
critic suffice. A clip's class is the argmax of -sp(-T(v, l)).

Views come from a bank of extracted ones (``temporal: views``, one drawn per step for the whole batch) or, as in the
official code, from the clips through the frozen backbone with fresh frames in every step (``clips``); pre-extracted
features without frames do without (``off``). T's first layer is applied as W_v v + W_l l, W_l l once per class. The
deviations, all off in ``paper``, are the options marked "ours" or "mended".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt, field_validator
from torch import Tensor, nn

from zsl_skeleton.backbones.masked_views import FRACTION, draw_positions, mask_size, masked_view
from zsl_skeleton.errors import InputError
from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.shared import PooledMethod, SharedConfig, dropout_factors

_CHUNK = 2**24  # floats of the critic's first layer that scoring holds at once
_MANY = 2**31 - 1


class SMIEConfig(SharedConfig):
    """Configuration of :class:`SMIE`; the defaults are the official code's values."""

    text: tuple[str, ...] = Field(
        ("label",),
        min_length=1,
        description="text slots; a class's text is the mean of their means. Official: label, or action",
    )
    texts: Literal["mean", "sample"] = Field(
        "mean", description="training text of a pair; official: there is but one; ours: sample one of the class's"
    )
    temporal: Literal["off", "views", "clips"] = Field(
        "views", description="masked view: none (official pooled track), extracted, or from the clips (official main)"
    )
    mask_fraction: float = Field(FRACTION, ge=0, lt=0.5, description="m / T for temporal: clips (official: 15 / 50)")
    beta: float = Field(0.1, description="by how much I0 should exceed I1 (official code)")
    hinge_weight: float = Field(0.5, ge=0, description="of the temporal constraint (official code)")
    hidden: tuple[PositiveInt, PositiveInt] = Field((1024, 512), description="widths of the critic (official code)")
    test_layernorm: bool = Field(False, description="official: v is normalised in training only; mended: at test too")
    mask_same_class_negatives: bool = Field(
        False, description="mended: a neighbour of the same class is no negative; official: it is one"
    )
    text_scale: PositiveFloat | Literal["sqrt-dim"] = Field(1.0, description="of l; official: 1; mended: sqrt-dim")
    test_link: Literal["logsigmoid", "raw"] = Field(
        "logsigmoid", description="score of a class: -sp(-T) (official) or T; the order is the same"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="ours: on v^, the same for a clip and its view; official: none")

    @field_validator("temporal", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        return "off" if value is False else value  # as YAML reads an unquoted off

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """The slots that are averaged."""
        return self.text

    @property
    def needed_inputs(self) -> tuple[str, ...]:
        """Pooled features, and where the masked views come from."""
        source = {"off": (), "views": ("masked",), "clips": ("clips",)}
        return ("pooled", *source[self.temporal])


class SMIE(PooledMethod):
    """See the module's docstring."""

    Config = SMIEConfig
    config: SMIEConfig

    def __init__(self, config: SMIEConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes, (sizes.text,))
        self.inputs = ("pooled",)  # all that scoring reads: the views matter in training only
        visual, text, (wide, narrow) = sizes.visual["pooled"], sizes.text, config.hidden
        self.text_scale = math.sqrt(text) if config.text_scale == "sqrt-dim" else config.text_scale
        # Both halves of one linear layer over [v, l], initialised as PyTorch initialises that layer.
        self.first_visual, self.first_text = nn.Linear(visual, wide), nn.Linear(text, wide, bias=False)
        bound = 1 / math.sqrt(visual + text)
        for parameter in (*self.first_visual.parameters(), *self.first_text.parameters()):
            nn.init.uniform_(parameter, -bound, bound)
        self.middle, self.last = nn.Linear(wide, narrow), nn.Linear(narrow, 1)

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """What the options need of: ``view`` [1], ``positions`` [T - 2m], ``text`` [B] in [0, 1), ``keep`` [B, V]."""
        drawn, device, size = dict[str, Tensor](), labels.device, len(labels)
        if self.config.temporal == "views":
            drawn["view"] = torch.randint(_MANY, (1,), generator=generator, device=device)
        if self.config.temporal == "clips":
            frames = self.sizes.visual["clips"]
            drawn["positions"] = draw_positions(frames, mask_size(frames, self.config.mask_fraction), generator)
        if self.config.texts == "sample":
            drawn["text"] = torch.rand(size, generator=generator, device=device)
        if self.config.dropout:
            shape = size, self.sizes.visual["pooled"]
            drawn["keep"] = dropout_factors(self.config.dropout, shape, generator, device)
        return drawn

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """-I0, plus the hinge of the temporal constraint; ``information`` is I0, ``gap`` I0 - I1."""
        clips, size = [batch.features["pooled"]], len(batch.labels)
        if self.config.temporal != "off":
            clips.append(self._masked(batch))
        v = [self.encode(clip) * batch.draws.get("keep", 1) for clip in clips]
        full, *masked = torch.split(self.first_visual(torch.cat(v)), size)
        text = self._first_text(batch)
        hidden = torch.cat([part + text for part in (full, *masked, full.roll(-1, dims=0))])
        t = torch.split(self._tail(hidden), size)
        positive, negative = F.softplus(-t[0]).mean(), self._negative(F.softplus(t[-1]), batch.labels)
        information = -positive - negative
        if not masked:
            return {"loss": -information, "information": information}
        gap = F.softplus(-t[1]).mean() - positive
        loss = self.config.hinge_weight * F.relu(self.config.beta - gap) - information
        return {"loss": loss, "information": information, "gap": gap}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """W_l l [C, wide] of every class."""
        return {"projected": self._project(text.mean_over(self.slots)), **self.linear_texts(text, generator)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """-sp(-T) or T, [N, C]."""
        step = max(1, _CHUNK // (len(state["projected"]) * self.config.hidden[0]))
        t = torch.cat([self.logits(v, state) for v in torch.split(features["pooled"], step)])
        t = self.add_linear(t, features, state)
        return F.logsigmoid(t) if self.config.test_link == "logsigmoid" else t

    def logits(self, v: Tensor, state: ClassState) -> Tensor:
        """T [N, C] of the clips ``v`` [N, V] and the candidate classes, as at test."""
        visual = self.first_visual(self.encode(v, normalise=self.config.test_layernorm))
        return self._tail(visual[:, None] + state["projected"])

    def encode(self, v: Tensor, *, normalise: bool = True) -> Tensor:
        """v^ [B, V] of visual features [B, V]; without ``normalise`` only what the option ``visual`` does."""
        x = self.visual_input(v)
        return F.layer_norm(x, (self.sizes.visual["pooled"],)) if normalise else x

    def _masked(self, batch: Batch) -> Tensor:
        """Features [B, V] of the masked views of one step."""
        if self.config.temporal == "views":
            views = batch.features["masked"]
            return views.index_select(1, batch.draws["view"] % views.shape[1]).squeeze(1)
        if batch.encode is None:
            raise InputError(
                "temporal: clips needs the backbone that made the features",
                why="the clips came without it",
                mend="train with extracted views: --set temporal=views",
            )
        return batch.encode(masked_view(batch.features["clips"], batch.draws["positions"]))

    def _negative(self, softplus: Tensor, labels: Tensor) -> Tensor:
        """Mean over the pairs that count as negatives; 0 if none does."""
        if not self.config.mask_same_class_negatives:
            return softplus.mean()
        real = (labels != labels.roll(-1)).to(softplus.dtype)
        return (softplus * real).sum() / real.sum().clamp(min=1)

    def _first_text(self, batch: Batch) -> Tensor:
        """W_l l_{y_i} [B, wide]."""
        if self.config.texts == "sample":
            return self._project(sampled_text(self._all_texts(batch.text), batch.labels, batch.draws["text"]))
        # `embedding` is the one gather whose backward pass is both fast and deterministic on the CPU.
        return F.embedding(batch.labels, self._project(batch.text.mean_over(self.slots)))

    def _project(self, text: Tensor) -> Tensor:
        """W_l of class texts [C, D], centred and scaled."""
        if self.config.centre_text:
            text = text - self.text_mean
        projected: Tensor = self.first_text(self.text_scale * F.normalize(text, dim=-1))
        return projected

    def _all_texts(self, text: ClassText) -> tuple[Tensor, Tensor]:
        """Texts [C, K, D] of all the slots, one after the other, and their mask [C, K]."""
        slots = self.config.text
        if len(slots) == 1:
            return text.slots[slots[0]], text.masks[slots[0]]
        return torch.cat([text.slots[s] for s in slots], 1), torch.cat([text.masks[s] for s in slots], 1)

    def _tail(self, hidden: Tensor) -> Tensor:
        """The critic after its first layer, [..., wide] -> T [...]; overwrites ``hidden``."""
        t: Tensor = self.last(self.middle(hidden.relu_()).relu_())
        return t.squeeze(-1)


def sampled_text(texts: tuple[Tensor, Tensor], labels: Tensor, chance: Tensor) -> Tensor:
    """One text [B, D] of each label's class, equally likely among those the mask [C, K] says are there.

    ``texts`` = rows [C, K, D] and mask, ``labels`` int64 [B], ``chance`` [B] in [0, 1).
    """
    rows, mask = texts
    count = mask.sum(1)[labels]
    nth = torch.minimum((chance * count).long(), count - 1)
    present_first = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
    return rows[labels, present_first[labels, nth]]
