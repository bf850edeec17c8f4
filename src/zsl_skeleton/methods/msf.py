"""MSF, multi-semantic fusion: texts of several kinds per class, two small VAEs, a classifier of imagined motions.

"Multi-Semantic Fusion Model for Generalized Zero-Shot Skeleton-based Action Recognition", ICIG 2023, arXiv 2309.09592
(CADA-VAE, CVPR 2019, without its Wasserstein term). Belief: an action's name, its purpose and the way the body performs
it describe a class only together. When a motion x and the fused text t of its class share a latent space in which each
can be rebuilt from the other's code, text alone yields codes of classes never seen, and an ordinary classifier of such
codes recognises real motions. With linear encoders E, linear decoders D, and one eps ~ N(0, 1) per clip and modality:

    t = e / |e|, e = [e_label, e_action, e_motion]       (mu, log s^2) = E(x) or E(t),  z = mu + eps s
    L = |D_s(z_s) - x|^2 + |D_t(z_t) - t|^2 + a_s KL_s + a_t KL_t + b (|D_s(z_t) - x|^2 + |D_t(z_s) - t|^2)

(means over elements; KL to N(0, 1), summed over dimensions). An epoch of the loop is a cycle of the official code:
plain auto-encoding, then a_s rises, at last b switches on and, from the third cycle, a_t rises. For the candidate
classes 500 codes each are drawn from E(t), and F(z) = W z + c is trained on them from scratch; score(x, c) is the log
softmax of F(mu(x)). The gate between seen and unseen classes belongs to the evaluation, where it serves any method.

Computed, unlike in the official code: both modalities as one stack of codes; terms of weight 0 not at all; E(t) once
per class; the classifier without its 500 C codes, since with one eps per code a class's logits are W mu + c + eps W s,
and its gradient has a closed form. Classes are drawn for in the order of their texts: the given order is of no effect.
Deviations, all off in ``paper``: the options marked "ours".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from torch import Tensor, nn

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.shared import PooledMethod, SharedConfig

_GAIN = 0.5  # of Xavier's uniform initialisation, everywhere (official code)


class MSFConfig(SharedConfig):
    """Configuration of :class:`MSF`; the defaults are the official code's values."""

    text: tuple[str, ...] = Field(("label", "action", "motion"), min_length=1, description="slots to fuse (paper)")
    text_norms: Literal["raw", "unit"] = Field("raw", description="raw: a slot weighs by its norms; ours: unit")
    latent: PositiveInt = Field(100, description="dimension of the codes (paper: 100, NTU-120: 200)")
    eps: Literal["scalar", "full"] = Field("scalar", description="one number per code (official); ours: per dimension")
    visual_decoder_relu: bool = Field(True, description="D_s ends in ReLU (official: its features are >= 0)")
    text_decoder_relu: bool = Field(True, description="D_t ends in ReLU (official: the text has negative entries)")
    text_loss_weight: PositiveFloat | Literal["dim"] = Field(
        1.0, description="of both text errors; official: 1; ours: dim, the squared error instead of its mean"
    )
    annealing: Literal["cycle", "constant"] = Field("cycle", description="of a and b (official: cycle); ours: constant")
    kl_weight: float = Field(0.1, ge=0, description="a = kl_weight * (steps since its start) / kl_ramp (official)")
    kl_ramp: PositiveInt = Field(3000, description="steps, longer than a cycle (official code)")
    kl_start: int = Field(1000, ge=0, description="step of a cycle from which on a_s rises (official code)")
    cross_start: int = Field(
        1400, ge=-1, description="b is on after, a_t rises from this step of a cycle (official; NTU-120: 1500)"
    )
    text_kl_cycle: int = Field(2, ge=0, description="first cycle in which a_t rises (official code)")
    cross_weight: float = Field(1.0, ge=0, description="b when it is on (official code)")
    latents: PositiveInt = Field(500, description="codes per candidate class (official code)")
    classifier_steps: PositiveInt = Field(300, description="full-batch steps of Adam (official code)")
    classifier_rate: PositiveFloat = Field(1e-3, description="of the classifier's Adam (official code)")
    classifier_relu: bool = Field(True, description="ReLU on its logits, which makes ties at 0 (official code)")
    visual_noise: float = Field(0.0, ge=0, description="ours: deviation of the noise on E_s's input; official: 0")
    text_noise: float = Field(0.0, ge=0, description="ours: length of the noise on E_t's unit input; official: 0")

    @model_validator(mode="after")
    def _decoder_reaches_its_target(self) -> Self:
        if self.visual == "standardise" and self.visual_decoder_relu:
            raise ValueError("visual=standardise makes half of the features negative: set visual_decoder_relu=false")
        return self

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """The slots that are fused."""
        return self.text

    @property
    def unit_text(self) -> bool:
        """False where the slots weigh by their norms."""
        return self.text_norms == "unit"

    def weights(self, cycle: int, step: int) -> tuple[float, float, float]:
        """(a_s, a_t, b) at a step of a cycle, both counted from 0."""
        if self.annealing == "constant":
            return self.kl_weight, self.kl_weight, self.cross_weight
        starts = self.kl_start, self.cross_start
        a_s, a_t = (max(self.kl_weight * (step - start) / self.kl_ramp, 0.0) for start in starts)
        return a_s, a_t * (cycle >= self.text_kl_cycle), self.cross_weight * (step > self.cross_start)


class MSF(PooledMethod):
    """See the module's docstring. The encoders hold the heads of mu and of log s^2 as one layer, in this order."""

    Config = MSFConfig
    joint = True
    config: MSFConfig

    def __init__(self, config: MSFConfig, sizes: Sizes) -> None:
        visual, text = sizes.visual["pooled"], sizes.text * len(config.text)
        super().__init__(config, sizes, (text,))
        self.text_weight = float(text) if config.text_loss_weight == "dim" else config.text_loss_weight
        self.visual_encoder, self.text_encoder = (_linear(size, config.latent, heads=2) for size in (visual, text))
        self.visual_decoder, self.text_decoder = (_linear(config.latent, size) for size in (visual, text))

    def text_centre(self, text: ClassText) -> Tensor:
        """What ``centre_text`` subtracts [E]: the mean of the fused texts."""
        return self._fused(text).mean(0)

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """``eps`` [2, B, 1 or L] of the visual and the text codes; ``visual_noise``, ``text_noise`` where asked for."""
        size, config, text = len(labels), self.config, len(self.text_mean)
        scaled = {
            "eps": (1.0, (2, size, 1 if config.eps == "scalar" else config.latent)),
            "visual_noise": (config.visual_noise, (size, len(self.visual_mean))),
            "text_noise": (config.text_noise / math.sqrt(text), (size, text)),
        }
        device = labels.device
        return {k: r * torch.randn(n, generator=generator, device=device) for k, (r, n) in scaled.items() if r}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The loss and its weighted parts; a part is there only where its weight is not 0."""
        a_s, a_t, b = self.config.weights(batch.epoch, batch.step)
        x, t = self.visual_input(batch.features["pooled"]), self.text_input(batch.text)
        mu, logvar = self.encode(x, t, batch)
        spread = (0.5 * logvar).exp()
        z = torch.addcmul(mu, batch.draws["eps"], spread)
        both = z.flatten(0, 1)
        visual_z, text_z = (both, both) if b else z.unbind()  # crossed: both decoders see both codes
        visual = _errors(self.decode_visual(visual_z), x).unbind()
        text = _errors(self.decode_text(text_z), t.index_select(0, batch.labels)).unbind()
        parts = {"reconstruction": torch.add(visual[0], text[-1], alpha=self.text_weight)}
        if b:
            parts["cross"] = b * torch.add(visual[1], text[0], alpha=self.text_weight)
        if a_s or a_t:
            visual_kl, text_kl = (mu.square() + spread.square() - logvar - 1).sum((1, 2)).unbind()
            parts["kl"] = (a_s * visual_kl + a_t * text_kl) / (2 * len(x))
        return {"loss": torch.stack([*parts.values()]).sum(), **parts}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """The classifier of these classes, ``weight`` [L, C] and ``bias`` [C], and the ridge's texts if they count."""
        t, config = self.text_input(text), self.config
        order = torch.unique(t, dim=0, return_inverse=True)[1].argsort(stable=True)
        mu, logvar = self.text_encoder(t[order]).detach().chunk(2, dim=-1)
        shape = (len(t), config.latents) if config.eps == "scalar" else (len(t), config.latents, config.latent)
        eps = torch.randn(shape, generator=generator, device=t.device)
        bound = _GAIN * math.sqrt(6 / (config.latent + len(t)))
        weight = mu.new_empty(config.latent, len(t)).uniform_(-bound, bound, generator=generator)
        codes = latent_codes(mu, (0.5 * logvar).exp(), eps)
        weight, bias = train_classifier(codes, weight, mu.new_zeros(len(t)), config)
        given = order.argsort()
        return {"weight": weight[:, given], "bias": bias[given], **self.linear_texts(text, generator)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """Log-probabilities [N, C] among the candidates, from the mean codes."""
        return self.add_linear(self.logits(features["pooled"], state), features, state).log_softmax(-1)

    def logits(self, v: Tensor, state: ClassState) -> Tensor:
        """The classifier's outputs [N, C] for visual features [N, V]."""
        mu = self.visual_encoder(self.visual_input(v))[:, : self.config.latent]
        return _rectified(torch.addmm(state["bias"], mu, state["weight"]), self.config.classifier_relu)

    def encode(self, x: Tensor, t: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """mu and log s^2, [2, B, L] each (motion, text), of the inputs ``x`` [B, V] and ``t`` [C, E]."""
        if "text_noise" in batch.draws or len(t) > len(x):
            text = self.text_encoder(t[batch.labels] + batch.draws.get("text_noise", 0))
        else:
            # `embedding` is the one gather whose backward pass is both fast and deterministic on the CPU.
            text = F.embedding(batch.labels, self.text_encoder(t))
        visual = self.visual_encoder(x + batch.draws["visual_noise"] if "visual_noise" in batch.draws else x)
        mu, logvar = torch.stack([visual, text]).chunk(2, dim=-1)
        return mu, logvar

    def decode_visual(self, z: Tensor) -> Tensor:
        """D_s: codes [N, L] -> visual inputs [N, V]."""
        return _rectified(self.visual_decoder(z), self.config.visual_decoder_relu)

    def decode_text(self, z: Tensor) -> Tensor:
        """D_t: codes [N, L] -> fused texts [N, E]."""
        return _rectified(self.text_decoder(z), self.config.text_decoder_relu)

    def text_input(self, text: ClassText) -> Tensor:
        """t [C, E]: the fused texts, of unit length, after centring if the options ask for it."""
        fused = self._fused(text)
        return F.normalize(fused - self.text_mean, dim=-1) if self.config.centre_text else fused

    def _fused(self, text: ClassText) -> Tensor:
        means = [text.mean(slot) for slot in self.slots]
        return fuse([F.normalize(mean, dim=-1) for mean in means] if self.config.unit_text else means)


def fuse(vectors: list[Tensor]) -> Tensor:
    """[C, sum of D] of unit length: the slots' vectors [C, D] side by side."""
    return F.normalize(torch.cat(vectors, dim=-1), dim=-1)


def latent_codes(mu: Tensor, spread: Tensor, eps: Tensor) -> tuple[Tensor, Tensor | None]:
    """Codes z_cj = mu_c + eps_cj * spread_c as a basis and parts: z_cj = sum over r of basis[c, r, j] * parts[c, r].

    ``mu`` and ``spread`` are [C, L], ``eps`` is [C, n] or, one per dimension, [C, n, L]. The basis is [C, R, n], the
    parts are [C, R, L + 1], where the last column multiplies the bias. Parts None are the identity.
    """
    if eps.ndim == 3:
        return F.pad(torch.addcmul(mu[:, None], eps, spread[:, None]), (0, 1), value=1.0).mT.contiguous(), None
    parts = torch.stack([F.pad(mu, (0, 1), value=1.0), F.pad(spread, (0, 1))], dim=1)
    return torch.stack([torch.ones_like(eps), eps], dim=1), parts


def train_classifier(
    codes: tuple[Tensor, Tensor | None], weight: Tensor, bias: Tensor, config: MSFConfig
) -> tuple[Tensor, Tensor]:
    """Weight [L, C] and bias [C] after Adam, from the given ones, on the mean cross-entropy of all classes' codes.

    The gradient is written out: with G = softmax - one-hot (0 where ReLU cut) it is the sum over c and r of parts[c, r]
    times the inner products of basis[c, r] and G[c].
    """
    (basis, parts), w = codes, torch.cat([weight, bias[None]])
    optimizer = torch.optim.Adam([w], lr=config.classifier_rate, fused=True)
    classes, _, count = basis.shape
    back, flat = basis.mT, None if parts is None else parts.flatten(0, 1)
    for _ in range(config.classifier_steps):
        columns = w.expand(classes, -1, -1) if flat is None else (flat @ w).view(classes, -1, classes)
        logits = _rectified(columns.mT @ basis, config.classifier_relu)  # [class of the code, of the logit, n]
        gradient = logits.softmax(1)
        gradient.diagonal(dim1=0, dim2=1).sub_(1.0)
        if config.classifier_relu:
            gradient.mul_(logits.sign_())
        moved = (gradient @ back).mT  # [C, R, C]
        w.grad = (moved.sum(0) if flat is None else flat.T @ moved.flatten(0, 1)) / (classes * count)
        optimizer.step()
    return w[:-1], w[-1]


def _linear(inputs: int, outputs: int, heads: int = 1) -> nn.Linear:
    """Layer of ``heads`` x ``outputs``; each head is initialised as a layer of its own."""
    layer = nn.Linear(inputs, heads * outputs)
    nn.init.zeros_(layer.bias)
    for head in layer.weight.chunk(heads):
        nn.init.xavier_uniform_(head, gain=_GAIN)
    return layer


def _rectified(x: Tensor, relu: bool) -> Tensor:
    return x.relu_() if relu else x


def _errors(decoded: Tensor, target: Tensor) -> Tensor:
    """Mean squared error [k] of ``decoded`` [k B, D] to k times ``target`` [B, D], with a short backward pass."""
    decoded = decoded.view(-1, *target.shape)
    return F.mse_loss(decoded, target.expand_as(decoded), reduction="none").sum((1, 2)) / target.numel()
