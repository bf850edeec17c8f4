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
applied as W_z z + W_q q: W_z z once per clip, at test W_q (d_n + m) once per class. Deviations, all off in ``paper``:
the options marked "ours".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.shared import PooledMethod, SharedConfig, dropout_factors, headwise

_LINKS = {"logsigmoid": F.logsigmoid, "softplus": F.softplus, "raw": torch.positive}
_CHUNK = 2**22  # floats of the critic's first layer that scoring holds at once, of one head


class MLAConfig(SharedConfig):
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
    class_weight: float = Field(0.0, ge=0, description="ours: of a cross-entropy over the batch's classes; official: 0")
    dropout: float = Field(0.0, ge=0, lt=1, description="ours: on the critic's view of z; official: none")

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """Codebook, and the motion slot unless it is switched off."""
        return (self.codebook,) if self.motion is None else (self.codebook, self.motion)

    @property
    def ks(self) -> tuple[int, ...]:
        """How many descriptions each head keeps."""
        return self.series or (1, *range(5, self.max_k, 5))


class MLA(PooledMethod):
    """See the module's docstring. Weights are stacked over the heads and stored as [H, in, out]."""

    Config = MLAConfig
    config: MLAConfig

    def __init__(self, config: MLAConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes, (len(config.needed_slots), sizes.text))
        self.heads = len(config.ks)
        visual, text, (wide, narrow) = sizes.visual["pooled"], sizes.text, config.hidden
        self.text_scale = math.sqrt(text) if config.text_scale == "sqrt-dim" else config.text_scale
        self.project, self.project_bias = self._linear(visual, text)
        self.critic_z, self.critic_bias = self._linear(text, wide, fan_in=2 * text)
        self.critic_q, _ = self._linear(text, wide, fan_in=2 * text)
        self.middle, self.middle_bias = self._linear(wide, narrow)
        self.last, self.last_bias = self._linear(narrow, 1)

    def text_centre(self, text: ClassText) -> Tensor:
        """What ``centre_text`` subtracts [slots, D]: each slot's own mean."""
        return torch.stack([text.mean(slot).mean(0) for slot in self.slots])

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``ranks`` [H, K]: distinct, below the smallest number of other-class clips; -1 where these are too few."""
        size, device = len(labels), labels.device
        others = size - labels.bincount().max()
        noise = torch.rand(self.heads, size, generator=generator, device=device)
        noise = noise.masked_fill(torch.arange(size, device=device) >= others, 2.0)
        order = noise.argsort(dim=1)[:, : self.config.negatives]
        drawn = {"ranks": order.masked_fill(torch.arange(order.shape[1], device=device) >= others, -1)}
        if self.config.dropout:
            shape = self.heads, size, self.sizes.text
            drawn["keep"] = dropout_factors(self.config.dropout, shape, generator, device)
        return drawn

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """InfoNCE over clips, plus the weighted cross-entropy over classes if it is switched on."""
        present, labels = torch.unique(batch.labels, return_inverse=True)
        text, ranks = self._texts(batch.text.select(present)), batch.draws["ranks"]
        rho = -1 if batch.epoch < self.config.inverse_epochs else 1
        z = self.encode(batch.features["pooled"])
        first = headwise(z * batch.draws.get("keep", 1), self.critic_z, self.critic_bias)
        size, classes = len(labels), len(present)
        if self.config.class_weight:
            q = self._compose(z.expand(classes, -1, -1, -1), rho, *text).transpose(0, 1).flatten(1, 2)
            t = self._tail(headwise(q, self.critic_q, first.repeat(1, classes, 1))).view(self.heads, classes, size)
            positive = t.gather(1, labels.expand(self.heads, 1, -1)).squeeze(1)
            negative = negative_clips(labels, classes, ranks).transpose(0, 1)
            sampled = infonce(positive, t.gather(2, negative), labels, ranks)
            crossed = F.cross_entropy(t.permute(2, 1, 0), labels[:, None].expand(-1, self.heads))
            return {"loss": sampled + self.config.class_weight * crossed, "infonce": sampled, "classes": crossed}
        clips, needed = needed_pairs(labels, classes, ranks)
        # `embedding` is the one gather whose backward pass is both fast and deterministic on the CPU.
        q = F.embedding(needed, self._compose(F.embedding(clips, z.flatten(0, 1)), rho, *text).flatten(0, 2))
        first = F.embedding(clips.flatten()[needed], first.flatten(0, 1))
        t = self._tail(headwise(q, self.critic_q, first))
        return {"loss": infonce(t[:, :size], t[:, size:].view(self.heads, classes, -1), labels, ranks)}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """Descriptions [C, N, D], their mask [C, N], and through W_q, motion sentence added, [H, C, N, wide]."""
        rows, motion, mask = self._texts(text)
        projected = self.text_scale * ((rows + motion).flatten(0, 1) @ self.critic_q)  # the weights sum up to 1
        projected = projected.view(self.heads, *rows.shape[:2], -1)
        return {"rows": rows, "mask": mask, "projected": projected, **self.linear_texts(text, generator)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Sum over heads of the linked logits, [N, C]."""
        v, link = features["pooled"], _LINKS[self.config.head_link]
        parts = math.ceil(len(v) * len(state["rows"]) * self.config.hidden[0] / _CHUNK) or 1
        return torch.cat([link(self.logits(part, state)).sum(-1) for part in v.tensor_split(parts)])

    def logits(self, v: Tensor, state: ClassState) -> Tensor:
        """t [N, C, H] of the clips ``v`` [N, V], the candidate classes and the heads."""
        z = self.encode(v)
        first = headwise(z, self.critic_z, self.critic_bias)
        a = attention(z.expand(len(state["rows"]), *z.shape), state["rows"])  # [C, H, N, texts]
        weights = select(a, state["mask"], self.config.ks, self.config.attention_temperature).unbind(1)
        hidden = ((w @ text).add_(f) for w, text, f in zip(weights, state["projected"], first, strict=True))
        # Head after head: what goes through the critic stays in the processor's cache.
        t = torch.cat([self._tail(x.flatten(0, 1)[None], h) for h, x in enumerate(hidden)])
        return self.add_linear(t.view(self.heads, -1, len(v)).mT, {"pooled": v}, state).permute(1, 2, 0)

    def explain(self, features: Mapping[str, Tensor], state: ClassState) -> Mapping[str, Tensor]:
        """``chosen`` [N, C, H, texts]: weight of every description of the candidate classes, per clip and head."""
        z, rows = self.encode(features["pooled"]), state["rows"]
        a = attention(z.expand(len(rows), *z.shape), rows)
        weights = select(a, state["mask"], self.config.ks, self.config.attention_temperature)
        return {"chosen": weights.permute(2, 0, 1, 3)}

    def encode(self, v: Tensor) -> Tensor:
        """z [H, B, D] of the visual features [B, V]."""
        x = self.visual_input(v).expand(self.heads, -1, -1)
        return F.layer_norm(headwise(x, self.project, self.project_bias), (self.sizes.text,))

    def _texts(self, text: ClassText) -> tuple[Tensor, Tensor, Tensor]:
        """Descriptions [C, N, D], motion sentence [C, 1, D] (0 without one), mask of the descriptions [C, N]."""
        parts = [text.slots[self.config.codebook], *(text.mean(slot)[:, None] for slot in self.slots[1:])]
        if self.config.centre_text:
            parts = [F.normalize(part - mean, dim=-1) for part, mean in zip(parts, self.text_mean, strict=True)]
        motion = parts[1] if self.config.motion else torch.zeros_like(parts[0][:, :1])
        return parts[0], motion, text.masks[self.config.codebook]

    def _compose(self, z: Tensor, rho: int, rows: Tensor, motion: Tensor, mask: Tensor) -> Tensor:
        """q [G, H, R, D] for z of the same shape and :meth:`_texts` of G classes."""
        weights = select(attention(z, rows), mask, self.config.ks, self.config.attention_temperature, rho).flatten(1, 2)
        return torch.baddbmm(motion, weights, rows, beta=self.text_scale, alpha=self.text_scale).view_as(z)

    def _tail(self, hidden: Tensor, head: int | None = None) -> Tensor:
        """The critic of one head or all after its first layer, [H, P, wide] -> t [H, P]; overwrites ``hidden``."""
        layers = self.middle, self.middle_bias, self.last, self.last_bias
        w, b, last_w, last_b = layers if head is None else (value[head : head + 1] for value in layers)
        return headwise(headwise(hidden.relu_(), w, b).relu_(), last_w, last_b).squeeze(2)

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
    """Weights [G, H, R, N], by softmax: head h keeps its k_h largest ``rho * a`` and all ties.

    ``mask`` [G, N] is False where there is no text. k is clipped to the number of texts.
    """
    ranked = (rho * a).masked_fill(~mask[:, None, None], -math.inf)
    kth = [ranked[:, h].detach().topk(min(k, a.shape[-1]), sorted=False).values.amin(-1) for h, k in enumerate(ks)]
    dropped = ranked < torch.stack(kth, dim=1).unsqueeze(-1)
    return (ranked / temperature).masked_fill(dropped, -math.inf).softmax(-1)


def others_first(labels: Tensor, classes: int) -> Tensor:
    """Batch positions [C, B]: of every class, the clips of other classes and then its own, both in batch order."""
    same = labels == torch.arange(classes, device=labels.device)[:, None]
    return same.to(torch.uint8).argsort(dim=1, stable=True)


def negative_clips(labels: Tensor, classes: int, ranks: Tensor) -> Tensor:
    """Batch positions [C, H, K] at ``ranks`` [H, K] of every class's other-class clips; any position where it is -1."""
    return others_first(labels, classes)[:, ranks.clamp(min=0)]


def needed_pairs(labels: Tensor, classes: int, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (in [H, B], flattened) of every class's own and negative clips [C, H, P+K]; positions that count [H, B+CK].

    Own clips are filled up to the largest class's P by some that do not count: that beats a copy of the texts per clip.
    """
    order, size, most = others_first(labels, classes), len(labels), int(labels.bincount().max())
    clips = torch.cat([order[:, None, -most:].expand(-1, len(ranks), -1), order[:, ranks.clamp(min=0)]], dim=2)
    place = torch.arange(clips.numel(), device=clips.device).view_as(clips)
    slot = order.argsort(dim=1).gather(0, labels[None])[0] - (size - most)
    needed = torch.cat([place[labels, :, slot].T, place[:, :, most:].transpose(0, 1).flatten(1)], dim=1)
    return clips + size * torch.arange(len(ranks), device=clips.device)[:, None], needed


def infonce(positive: Tensor, negative: Tensor, labels: Tensor, ranks: Tensor) -> Tensor:
    """Mean InfoNCE over heads and anchors, with s = log(1 + e^t) and temperature 1.

    ``positive`` t [H, B] of every clip with its own class, ``negative`` t [H, C, K] of every class's negative clips,
    ``labels`` [B] in 0..C-1, ``ranks`` [H, K]: a negative of rank -1 does not exist.
    """
    s = F.softplus(negative).masked_fill((ranks < 0)[:, None], -math.inf)
    s_positive = F.softplus(positive).unsqueeze(-1)
    return (torch.cat([s_positive, s[:, labels]], dim=-1).logsumexp(-1) - s_positive.squeeze(-1)).mean()
