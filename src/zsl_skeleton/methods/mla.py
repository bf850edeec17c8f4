"""MLA, multi-level alignment: many descriptions per class, chosen by the clip.

"An Information Compensation Framework for Zero-Shot Skeleton-based Action Recognition" (InfoCPL), IEEE TMM 27 (2025)
4882-4894, arXiv 2406.00639. Belief: one sentence cannot carry a class, because clips of one action show different sides
of it. Every class has a codebook of descriptions; head h lets the clip choose the k_h that fit it best (1, 5, 10, ...),
adds the class's motion sentence, and a critic answers whether clip and composed text belong together. For clip feature
v, class c with descriptions d_n and motion sentence m, in each head:

    z = LN(W v + b)       a_n = rho <d_n, z> / sqrt(D)       q = sum_n softmax(a_n | a_n among the k largest) d_n + m
    t(v, c) = critic([z, q])                                  score(v, c) = sum over heads of log sigmoid(t(v, c))

rho = -1 in the first epochs (the *farthest* descriptions), +1 after them and at test. The loss is InfoNCE over clips:
the positive is (v_i, y_i), the negatives are other clips j scored against the class y_i, all with s = log(1 + e^t).

Computed, unlike in the official code, for the needed pairs only: one draw of ranks per head serves all anchors, so the
anchors of a class share their negatives and B + K * (classes in the batch) pairs suffice. The critic's first layer is
applied as W_z z + W_q q: W_z z once per clip, at test W_q d_n once per class. The motion sentence is the last text row,
with weight 1. Deviations, all off in ``paper``: the options marked "ours".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Method, MethodConfig, Sizes
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig, column_statistics

_LINKS = {"logsigmoid": F.logsigmoid, "softplus": F.softplus, "raw": torch.positive}
_CHUNK = 2**24  # floats of the critic's first layer that scoring holds at once


class MLAConfig(MethodConfig):
    """Configuration of :class:`MLA`; the defaults are the official code's values."""

    codebook: str = Field("codebook", description="slot of the descriptions to choose from (paper: semantic codebook)")
    motion: str | None = Field("motion", description="slot of the sentence that is always added (paper); null = none")
    max_k: PositiveInt = Field(50, description="heads choose k = 1, 5, 10, ... below this (official default)")
    series: tuple[PositiveInt, ...] | None = Field(None, min_length=1, description="k of each head; null = from max_k")
    hidden: tuple[PositiveInt, PositiveInt] = Field((1024, 512), description="widths of the critic (official code)")
    negatives: PositiveInt = Field(8, description="negative clips per anchor and head (official code)")
    inverse_epochs: int = Field(15, ge=0, description="epochs of reversed attention (official code)")
    attention_temperature: PositiveFloat = Field(1.0, description="official: 1, almost equal weights; ours: 0.05-0.1")
    text_scale: PositiveFloat | Literal["sqrt-dim"] = Field(1.0, description="of q; official: 1; ours: |z|, sqrt-dim")
    head_link: Literal["logsigmoid", "softplus", "raw"] = Field(
        "logsigmoid", description="of t before the sum over heads at test; official: logsigmoid, softplus in training"
    )
    visual: Literal["raw", "standardise"] = Field("raw", description="official: raw; ours: training clips' statistics")
    centre_text: bool = Field(False, description="ours: subtract the training classes' mean text; official: off")
    class_weight: float = Field(0.0, ge=0, description="ours: of a cross-entropy over the batch's classes; official: 0")
    dropout: float = Field(0.0, ge=0, lt=1, description="ours: on the critic's view of z; official: none")
    linear_weight: float = Field(
        0.0, ge=0, description="ours: at test, t += linear_weight * cosine of the closed-form ridge; official: 0"
    )

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """Codebook, and the motion slot unless it is switched off."""
        return (self.codebook,) if self.motion is None else (self.codebook, self.motion)

    @property
    def ks(self) -> tuple[int, ...]:
        """How many descriptions each head keeps."""
        return self.series or (1, *range(5, self.max_k, 5))


class MLA(Method):
    """See the module's docstring. Weights are stacked over the heads and stored as [H, in, out]."""

    Config = MLAConfig
    visual_mean: Tensor
    visual_scale: Tensor
    text_mean: Tensor

    def __init__(self, config: MLAConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.config, self.heads = config, len(config.ks)
        visual, text, (wide, narrow) = sizes.visual["pooled"], sizes.text, config.hidden
        self.text_scale = math.sqrt(text) if config.text_scale == "sqrt-dim" else config.text_scale
        self.project, self.project_bias = self._linear(visual, text)
        self.critic_z, self.critic_bias = self._linear(text, wide, fan_in=2 * text)
        self.critic_q, _ = self._linear(text, wide, fan_in=2 * text)
        self.middle, self.middle_bias = self._linear(wide, narrow)
        self.last, self.last_bias = self._linear(narrow, 1)
        ridge = RidgeConfig.model_validate({"text": self.slots})
        self.linear = Ridge(ridge, sizes) if config.linear_weight else None
        self.register_buffer("visual_mean", torch.zeros(visual))
        self.register_buffer("visual_scale", torch.ones(visual))
        self.register_buffer("text_mean", torch.zeros(len(self.slots), text))

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Statistics of the training clips and classes, as far as the options ask for them."""
        state = dict[str, Tensor]()
        if self.config.visual == "standardise":
            state["visual_mean"], state["visual_scale"] = column_statistics(batch.features["pooled"])
        if self.config.centre_text:
            state["text_mean"] = torch.stack([batch.text.mean(slot).mean(0) for slot in self.slots])
        if self.linear:
            state |= {f"linear.{name}": value for name, value in self.linear.solve(batch).items()}
        return state

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``ranks`` [H, K]: distinct, below the smallest number of other-class clips; -1 where these are too few."""
        size, device = len(labels), labels.device
        others = size - labels.bincount().max()
        noise = torch.rand(self.heads, size, generator=generator, device=device)
        noise = noise.masked_fill(torch.arange(size, device=device) >= others, 2.0)
        order = noise.argsort(dim=1)[:, : self.config.negatives]
        drawn = {"ranks": order.masked_fill(torch.arange(order.shape[1], device=device) >= others, -1)}
        if self.config.dropout:
            chance = torch.rand(self.heads, size, self.sizes.text, generator=generator, device=device)
            drawn["keep"] = (chance >= self.config.dropout) / (1 - self.config.dropout)
        return drawn

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """InfoNCE over clips, plus the weighted cross-entropy over classes if it is switched on."""
        present, labels = torch.unique(batch.labels, return_inverse=True)
        text, ranks = self._rows(batch.text.select(present)), batch.draws["ranks"]
        rho = -1 if batch.epoch < self.config.inverse_epochs else 1
        z = self.encode(batch.features["pooled"])
        first = torch.baddbmm(self.critic_bias, z * batch.draws.get("keep", 1), self.critic_z)
        clips, classes = torch.arange(z.shape[1], device=z.device), len(present)
        negatives = negative_clips(labels, classes, ranks)
        if self.config.class_weight:
            everyone = clips.expand(classes, self.heads, -1)
            t = self._critic(*self._pairs(z, first, everyone, text, rho)).view(self.heads, classes, -1)
            positive = t.gather(1, labels.expand(self.heads, 1, -1)).squeeze(1)
            sampled = infonce(positive, t.gather(2, negatives.transpose(0, 1)), labels, ranks)
            crossed = F.cross_entropy(t.permute(2, 1, 0), labels[:, None].expand(-1, self.heads))
            return {"loss": sampled + self.config.class_weight * crossed, "infonce": sampled, "classes": crossed}
        own = clips[:, None, None].expand(-1, self.heads, 1), (text[0][labels], text[1][labels])
        pairs = zip(self._pairs(z, first, *own, rho), self._pairs(z, first, negatives, text, rho), strict=True)
        t = self._critic(*(torch.cat(both, dim=1) for both in pairs))
        negative = t[:, len(labels) :].view(self.heads, classes, -1)
        return {"loss": infonce(t[:, : len(labels)], negative, labels, ranks)}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """Text rows [C, N+1, D], mask of the descriptions [C, N], and the rows through W_q [H, C, N+1, wide]."""
        rows, mask = self._rows(text)
        projected = self.text_scale * (rows.flatten(0, 1) @ self.critic_q)
        state = {"rows": rows, "mask": mask, "projected": projected.view(self.heads, *rows.shape[:2], -1)}
        return state | ({"linear": self.linear.prepare(text, generator)["text"]} if self.linear else {})

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Sum over heads of the linked logits, [N, C]."""
        step = max(1, _CHUNK // (self.heads * len(state["rows"]) * self.config.hidden[0]))
        link = _LINKS[self.config.head_link]
        return torch.cat([link(self.logits(v, state)).sum(-1) for v in torch.split(features["pooled"], step)])

    def logits(self, v: Tensor, state: ClassState) -> Tensor:
        """t [N, C, H] of the clips ``v`` [N, V], the candidate classes and the heads."""
        z = self.encode(v)
        first = torch.baddbmm(self.critic_bias, z, self.critic_z)
        a = attention(z.expand(len(state["rows"]), *z.shape), state["rows"])  # [C, H, N, rows]
        weights = select(a, state["mask"], self.config.ks, self.config.attention_temperature)
        hidden = (weights.transpose(0, 1) @ state["projected"]).add_(first[:, None])  # [H, C, N, wide]
        t = self._tail(hidden.flatten(1, 2)).view(self.heads, -1, len(v)).permute(2, 1, 0)
        if self.linear:
            t = t + self.config.linear_weight * self.linear.scores({"pooled": v}, {"text": state["linear"]})[..., None]
        return t

    def encode(self, v: Tensor) -> Tensor:
        """z [H, B, D] of the visual features [B, V]."""
        x = ((v - self.visual_mean) / self.visual_scale).expand(self.heads, -1, -1)
        return F.layer_norm(torch.baddbmm(self.project_bias, x, self.project), (self.sizes.text,))

    def _rows(self, text: ClassText) -> tuple[Tensor, Tensor]:
        """Descriptions and, as the last row, the motion sentence [C, N+1, D]; mask of the descriptions [C, N]."""
        parts = [text.slots[self.config.codebook], *(text.mean(slot)[:, None] for slot in self.slots[1:])]
        if self.config.centre_text:
            parts = [F.normalize(part - mean, dim=-1) for part, mean in zip(parts, self.text_mean, strict=True)]
        return torch.cat(parts, dim=1), text.masks[self.config.codebook]

    def _pairs(
        self, z: Tensor, first: Tensor, clips: Tensor, text: tuple[Tensor, Tensor], rho: int
    ) -> tuple[Tensor, Tensor]:
        """W_z z [H, P, wide] and q [H, P, D] of the P = G R pairs (clip ``clips[g, h, r]``, text g).

        z [H, B, D], first = W_z z [H, B, wide], clips int64 [G, H, R], text = rows [G, N+1, D] and mask [G, N].
        """
        index = clips + torch.arange(self.heads, device=z.device)[:, None] * z.shape[1]
        # `embedding` is the one gather whose backward pass is both fast and deterministic on the CPU.
        a = attention(F.embedding(index, z.flatten(0, 1)), text[0])
        weights = select(a, text[1], self.config.ks, self.config.attention_temperature, rho)
        q = ((self.text_scale * weights).flatten(1, 2) @ text[0]).view(*index.shape, -1).transpose(0, 1).flatten(1, 2)
        return F.embedding(index.transpose(0, 1).flatten(1), first.flatten(0, 1)), q

    def _critic(self, first: Tensor, q: Tensor) -> Tensor:
        return self._tail(torch.baddbmm(first, q, self.critic_q))

    def _tail(self, hidden: Tensor) -> Tensor:
        """The critic after its first layer, [H, P, wide] -> t [H, P]; overwrites ``hidden``."""
        hidden = torch.baddbmm(self.middle_bias, hidden.relu_(), self.middle).relu_()
        return torch.baddbmm(self.last_bias, hidden, self.last).squeeze(2)

    def _linear(self, inputs: int, outputs: int, fan_in: int = 0) -> tuple[nn.Parameter, nn.Parameter]:
        """Weight [H, in, out] and bias [H, 1, out] with PyTorch's default initialisation."""
        bound = 1 / math.sqrt(fan_in or inputs)
        shapes = (self.heads, inputs, outputs), (self.heads, 1, outputs)
        weight, bias = (nn.Parameter(torch.empty(shape).uniform_(-bound, bound)) for shape in shapes)
        return weight, bias


def attention(z: Tensor, rows: Tensor) -> Tensor:
    """a [G, H, R, N] before the sign, for z [G, H, R, D] and the text rows [G, N, D] of every group."""
    return (z.flatten(1, 2) @ rows.mT).view(*z.shape[:3], -1) / math.sqrt(z.shape[-1])


def select(a: Tensor, mask: Tensor, ks: tuple[int, ...], temperature: float = 1.0, rho: int = 1) -> Tensor:
    """Weights [G, H, R, N] of the text rows: head h keeps its k_h largest ``rho * a`` and all ties, by softmax.

    Columns beyond those of ``mask`` [G, N] (the motion sentence) have weight 1. k is clipped to the number of texts.
    """
    count = mask.shape[-1]
    ranked = (rho * a[..., :count]).masked_fill(~mask[:, None, None], -math.inf)
    kth = [ranked[:, h].detach().topk(min(k, count), sorted=False).values.amin(-1) for h, k in enumerate(ks)]
    dropped = ranked < torch.stack(kth, dim=1).unsqueeze(-1)
    weights = (ranked / temperature).masked_fill(dropped, -math.inf).softmax(-1)
    return F.pad(weights, (0, a.shape[-1] - count), value=1.0)


def negative_clips(labels: Tensor, classes: int, ranks: Tensor) -> Tensor:
    """Batch positions [C, H, K] at ``ranks`` [H, K] in every class's list of other-class clips, in batch order.

    Padding (-1) yields some position; :func:`infonce` leaves it out.
    """
    same = labels == torch.arange(classes, device=labels.device)[:, None]
    return same.to(torch.uint8).argsort(dim=1, stable=True)[:, ranks.clamp(min=0)]


def infonce(positive: Tensor, negative: Tensor, labels: Tensor, ranks: Tensor) -> Tensor:
    """Mean InfoNCE over heads and anchors, with s = log(1 + e^t) and temperature 1.

    ``positive`` t [H, B] of every clip with its own class, ``negative`` t [H, C, K] of every class's negative clips,
    ``labels`` [B] in 0..C-1, ``ranks`` [H, K]: a negative of rank -1 does not exist.
    """
    s = F.softplus(negative).masked_fill((ranks < 0)[:, None], -math.inf)
    s_positive = F.softplus(positive).unsqueeze(-1)
    return (torch.cat([s_positive, s[:, labels]], dim=-1).logsumexp(-1) - s_positive.squeeze(-1)).mean()
