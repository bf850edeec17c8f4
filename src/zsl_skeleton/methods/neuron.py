"""Neuron: small prototypes that read a movement in the turns of a dialogue, and are held against each turn's text.

"Neuron: Learning Context-Aware Evolving Representations for Zero-Shot Skeleton Action Recognition", CVPR 2025, arXiv
2411.11288. Belief: an action is understood step by step, from body parts in outline to detail, and from how it begins
to the whole course. At step k, X are a clip's joints (mean over time) or its first frames (mean over joints):

    spatial     w = softmax over joints of P_k X';  every joint keeps the prototypes that match it best (60, 40, 20 of
                80), w is all but 0 for the others          P_k+1 = MLP(w X)
    temporal    w = softmax over the frames so far of Q_k X'        C = w X
                Q_k+1 = sigmoid(recall(C)) * Q_k + sigmoid(memory(C)) * MLP(C)
    both        v_k = normalise(ReLU(W mean(P_k+1) + b))    l_k(c) = scale * v_k . m_k,c

m_k,c is the mean of the unit texts of class c at turn k. The loss is the mean cross-entropy over steps and branches.
At test the last step counts. The released code names no class (it asks the label which branch to trust, see
``evaluation/oracle.py``); here the class probabilities of the branches are added.

A linear layer commutes with pooling, w X W = w (X W), so every MLP's first one is applied to 25 joints instead of 80
prototypes. The two MLPs that the released weights carry along unused are absent. Deviations, all off in ``paper``: the
options marked "ours".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from torch import Tensor, nn

from zsl_skeleton.methods.base import Batch, ClassState, ClassText, Sizes
from zsl_skeleton.methods.shared import SharedConfig, SharedMethod, dropout_factors

_FORGOTTEN = 1e-12  # what remains of a dropped prototype's weight (official code)
_CONSTANT = 1e-6
_CLIPS_AT_ONCE, _CLIPS_ON_ACCELERATOR = {"cpu": 32}, 512  # see Branch.means


class NeuronConfig(SharedConfig):
    """Configuration of :class:`Neuron`; the defaults are the official code's values."""

    spatial_slots: tuple[str, ...] = Field(
        ("spatial.coarse", "spatial.medium", "spatial.fine"), min_length=1, description="text of every turn (paper)"
    )
    temporal_slots: tuple[str, ...] = Field(
        ("temporal.start", "temporal.main", "temporal.end"), min_length=1, description="text of every turn (paper)"
    )
    dropped: tuple[float, ...] = Field(
        (0.25, 0.5, 0.75),
        description="share of the prototypes that a joint drops, per turn (official: 20, 40, 60 of 80)",
    )
    prefixes: tuple[float, ...] = Field(
        (0.3125, 0.625, 1.0), description="share of the frames seen, per turn (official: 5, 10, 16 of 16)"
    )
    turns: tuple[int, ...] | None = Field(
        None, min_length=1, description="turns to use, ascending from 0, one step each; null = all (paper: three)"
    )
    accumulate: Literal["joined", "mean"] = Field(
        "joined",
        description="temporal text of a turn; official: its slot holds all phases so far (encode --join temporal); "
        "ours: mean, over the phases so far, of slots that hold one phase each",
    )
    prototypes: PositiveInt = Field(80, description="per branch (official code)")
    prototype_init_std: PositiveFloat = Field(1.0, description="official: 1, almost one-hot attention; ours: 1/sqrt(D)")
    decay_prototypes: bool = Field(True, description="weight decay on the prototypes; official: yes; ours: no")
    attention_scale: PositiveFloat = Field(1.0, description="of the scores under the softmax; official: 1")
    masked_softmax: bool = Field(False, description="ours: drop before the softmax; official: afterwards, to 1e-12")
    mlp_final_relu: bool = Field(True, description="official: yes, so gates >= 0.5 and memory >= 0; ours: no")
    independent_init: bool = Field(False, description="ours: draw every MLP; official: copies of two templates")
    project_relu: bool = Field(True, description="official: yes; ours: no, centred text has both signs")
    logit_scale: PositiveFloat = Field(0.1, description="official: times 0.1, so the loss stays near ln S; ours: 10-20")
    fusion: Literal["probabilities", "logits", "spatial", "temporal", "max"] = Field(
        "probabilities", description="of the branches; undefined in the official code; ours: sum of probabilities"
    )
    test_steps: Literal["last", "all"] = Field("last", description="official: last; ours: all, the mean of the logits")
    dropout: float = Field(0.0, ge=0, lt=1, description="ours: on the mean prototype before W; official: none")

    @model_validator(mode="after")
    def _one_entry_per_turn(self) -> Self:
        count = len(self.spatial_slots)
        if {len(self.temporal_slots), len(self.dropped), len(self.prefixes)} != {count}:
            raise ValueError("spatial_slots, temporal_slots, dropped and prefixes need one entry per turn each")
        if list(self.steps) != sorted(set(self.steps) & set(range(count))):
            raise ValueError(f"turns must be distinct, ascending and in 0..{count - 1}")
        if not all(0 <= share < 1 for share in self.dropped) or not all(0 < share <= 1 for share in self.prefixes):
            raise ValueError("dropped must lie in [0, 1) and prefixes in (0, 1]")
        return self

    @property
    def steps(self) -> tuple[int, ...]:
        """The turns in use."""
        return tuple(range(len(self.spatial_slots))) if self.turns is None else self.turns

    def slots_of(self, field: str, turn: int) -> tuple[str, ...]:
        """Slots whose mean is the text of one turn, for ``field`` spatial_slots or temporal_slots."""
        slots: tuple[str, ...] = getattr(self, field)
        return slots[: turn + 1] if (field, self.accumulate) == ("temporal_slots", "mean") else slots[turn : turn + 1]

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """Slots of all turns in use, each once."""
        fields = ("spatial_slots", "temporal_slots")
        used = (slot for field in fields for turn in self.steps for slot in self.slots_of(field, turn))
        return tuple(dict.fromkeys(used))

    @property
    def joined_text(self) -> bool:
        """Whether the temporal slots must come joined."""
        return self.accumulate == "joined"

    @property
    def needed_inputs(self) -> tuple[str, ...]:
        """Means over time and means over joints."""
        return ("joints", "frames")


class Step(NamedTuple):
    """One step of a branch: attention [B, R, P], the MLPs' outputs [B, P, D] and the new prototypes [B, P, D]."""

    attention: Tensor
    outputs: tuple[Tensor, ...]
    prototypes: Tensor


class Branch(nn.Module):
    """Prototypes, G MLPs per step stored as [steps, G, in, out], and the projection into the text space."""

    input: ClassVar[str]
    slots: ClassVar[str]
    gates: ClassVar[int] = 1
    mean: Tensor
    scale: Tensor
    text_mean: Tensor

    def __init__(self, config: NeuronConfig, sizes: Sizes) -> None:
        super().__init__()
        dim, text = sizes.visual[self.input], sizes.text
        self.config = config
        self.prototypes = nn.Parameter(torch.randn(config.prototypes, dim) * config.prototype_init_std)
        self.first, self.first_bias = (self._linear(inputs, dim) for inputs in (dim, 1))
        self.second, self.second_bias = (self._linear(inputs, dim) for inputs in (dim, 1))
        self.project, self.project_bias = (nn.Parameter(_uniform(rows, text, fan_in=dim)) for rows in (dim, 1))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.register_buffer("text_mean", torch.zeros(len(config.steps), text))

    def forward(self, x: Tensor) -> list[Step]:
        """All steps on the joints or frames ``x`` [B, R, D]."""
        return self._steps(x, self._weights())

    def means(self, x: Tensor) -> Tensor:
        """Mean prototype [steps, B, D] of every step, of some clips at a time: what they need stays in the cache."""
        clips, weights = _CLIPS_AT_ONCE.get(x.device.type, _CLIPS_ON_ACCELERATOR), self._weights()
        steps = (self._steps(part, weights) for part in torch.split(x, clips))
        totals = torch.cat([torch.stack([step.prototypes.sum(1) for step in part]) for part in steps], dim=1)
        return totals / self.config.prototypes

    def embed(self, means: Tensor) -> Tensor:
        """Unit vectors v [steps, B, E]."""
        projected = means @ self.project + self.project_bias
        return F.normalize(projected.relu() if self.config.project_relu else projected, dim=-1)

    def statistics(self, batch: Batch) -> dict[str, Tensor]:
        """Of the training clips and classes, as far as the options ask for them."""
        found = dict[str, Tensor]()
        if self.config.visual == "standardise":
            deviation, mean = torch.std_mean(batch.features[self.input], dim=(0, 1), correction=0)
            found |= {"mean": mean, "scale": torch.where(deviation > _CONSTANT, deviation, 1.0)}
        return found | ({"text_mean": self._turns(batch.text).mean(1)} if self.config.centre_text else {})

    def text(self, text: ClassText) -> Tensor:
        """m [steps, C, E]."""
        turns = self._turns(text)
        return F.normalize(turns - self.text_mean[:, None], dim=-1) if self.config.centre_text else turns

    def visible(self, x: Tensor, turn: int) -> Tensor:
        """The part of ``x`` [B, R, D] that a turn may see."""
        return x

    def attend(self, scores: Tensor, turn: int) -> Tensor:
        """Weights [B, R, P] of the joints or frames for every prototype."""
        return (self.config.attention_scale * scores).softmax(1)

    def update(self, prototypes: Tensor, *outputs: Tensor) -> Tensor:
        """The next prototypes [B, P, D]."""
        return outputs[0]

    def _weights(self) -> tuple[tuple[Tensor, ...], ...]:
        """The parameters by step; taken apart once, so that their gradients are put together once."""
        return tuple(value.unbind() for value in (self.first, self.first_bias, self.second, self.second_bias))

    def _steps(self, x: Tensor, weights: tuple[tuple[Tensor, ...], ...]) -> list[Step]:
        if self.config.visual == "standardise":
            x = (x - self.mean) / self.scale
        prototypes: Tensor = self.prototypes
        steps = []
        for turn, first, first_bias, *second in zip(self.config.steps, *weights, strict=True):
            part = self.visible(x, turn)
            attention = self.attend(part @ prototypes.mT, turn)
            # The bias is one more joint, which every prototype sees with weight 1: a pass over the result less.
            bias = first_bias.unsqueeze(1).expand(-1, len(x), -1, -1)
            layers = torch.cat([(part.flatten(0, 1) @ first).view(-1, *part.shape), bias], dim=2)
            wide = F.pad(attention, (0, 0, 0, 1), value=1.0).mT
            outputs = tuple(self._second(wide @ layer, *pair) for layer, *pair in zip(layers, *second, strict=True))
            prototypes = self.update(prototypes, *outputs)
            steps.append(Step(attention, outputs, prototypes))
        return steps

    def _second(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The end of one MLP, from its first layer [B, P, D] before the ReLU; overwrites ``hidden``."""
        output = (hidden.relu_() @ weight).add_(bias)
        return output.relu_() if self.config.mlp_final_relu else output

    def _turns(self, text: ClassText) -> Tensor:
        turns = (self.config.slots_of(self.slots, turn) for turn in self.config.steps)
        return torch.stack([text.mean_over(slots) for slots in turns])

    def _linear(self, inputs: int, dim: int) -> nn.Parameter:
        """Weights (or, with one input, biases) of all MLPs [steps, G, inputs, dim]."""
        value = _uniform(len(self.config.steps), self.gates, inputs, dim, fan_in=dim)
        return nn.Parameter(value if self.config.independent_init else value[:1].expand_as(value).clone())


class Spatial(Branch):
    """Prototypes compete for every joint; the losers forget it."""

    input = "joints"
    slots = "spatial_slots"

    def attend(self, scores: Tensor, turn: int) -> Tensor:
        """Softmax over joints, all but 0 for the prototypes that the joint drops."""
        count = round(self.config.dropped[turn] * self.config.prototypes)
        if not count:
            return super().attend(scores, turn)
        losers = scores.detach().topk(count, largest=False, sorted=False).indices
        if self.config.masked_softmax:
            dropped = torch.zeros_like(scores, dtype=torch.bool).scatter(2, losers, True)
            # A prototype that every joint drops sees nothing, so its weights are 0 in the end.
            return super().attend(scores.masked_fill(dropped, torch.finfo(scores.dtype).min), turn) * ~dropped
        return super().attend(scores, turn) * torch.ones_like(scores).scatter(2, losers, _FORGOTTEN)


class Temporal(Branch):
    """Prototypes see more frames at every turn and carry a memory; G = content, memory, recall."""

    input = "frames"
    slots = "temporal_slots"
    gates = 3

    def visible(self, x: Tensor, turn: int) -> Tensor:
        """The first frames, at least one."""
        return x[:, : max(1, round(self.config.prefixes[turn] * x.shape[1]))]

    def update(self, prototypes: Tensor, *outputs: Tensor) -> Tensor:
        """What is recalled of the old prototypes plus what is remembered of the new content."""
        content, memory, recall = outputs
        return (recall.sigmoid() * prototypes).add_(memory.sigmoid() * content)


class Neuron(SharedMethod):
    """See the module's docstring."""

    Config = NeuronConfig
    joint = True
    linear_input = "joints"
    config: NeuronConfig

    def __init__(self, config: NeuronConfig, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.spatial, self.temporal = Spatial(config, sizes), Temporal(config, sizes)
        if not config.independent_init:
            self._copy_templates()

    @property
    def both(self) -> dict[str, Branch]:
        """The branches by name."""
        return {"spatial": self.spatial, "temporal": self.temporal}

    def undecayed(self) -> frozenset[str]:
        """The prototypes, if they are to keep their size."""
        return frozenset(() if self.config.decay_prototypes else (f"{name}.prototypes" for name in self.both))

    def statistics(self, batch: Batch) -> dict[str, Tensor]:
        """State of ``visual`` and ``centre_text``, for each branch."""
        parts = {name: branch.statistics(batch) for name, branch in self.both.items()}
        return {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Dropout's factors ``spatial``, ``temporal`` [steps, B, D], if it is switched on."""
        drawn, rate = dict[str, Tensor](), self.config.dropout
        for name, branch in self.both.items() if rate else ():
            shape = len(self.config.steps), len(labels), len(branch.mean)
            drawn[name] = dropout_factors(rate, shape, generator, labels.device)
        return drawn

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Mean cross-entropy over all steps; ``spatial`` and ``temporal`` are those of the branches."""
        logits, means = self.logits(batch.features, self.class_means(batch.text), batch.draws), {}
        for name, value in logits.items():
            means[name] = F.cross_entropy(value.flatten(0, 1), batch.labels.repeat(len(value)))
        return {"loss": (means["spatial"] + means["temporal"]) / 2, **means}

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """m [steps, C, E] of both branches, and the closed-form part's class texts."""
        return {**self.class_means(text), **self.linear_texts(text, generator)}

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """The branches as one score [N, C]."""
        return fuse(**self._test_logits(features, state), fusion=self.config.fusion)

    def branches(self, features: Mapping[str, Tensor], state: ClassState) -> Mapping[str, Tensor]:
        """Class probabilities [N, C] of each branch."""
        return {name: value.softmax(-1) for name, value in self._test_logits(features, state).items()}

    def explain(self, features: Mapping[str, Tensor], state: ClassState) -> Mapping[str, Tensor]:
        """Attention ``joints`` [N, steps, V] and ``frames`` [N, steps, T], mean over prototypes; rows sum up to 1."""
        found = {}
        for branch in self.both.values():
            x = features[branch.input]
            means = [F.pad(s.attention.mean(2), (0, x.shape[1] - s.attention.shape[1])) for s in branch(x)]
            found[branch.input] = F.normalize(torch.stack(means, dim=1), p=1.0, dim=-1)
        return found

    def logits(self, features: Mapping[str, Tensor], text: ClassState, keep: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """l [steps, B, C] of both branches, for m [steps, C, E] and the draws ``keep``."""
        found = {}
        for name, branch in self.both.items():
            means = branch.means(features[branch.input])
            v = branch.embed(means * keep[name] if name in keep else means)
            found[name] = self.config.logit_scale * (v @ text[name].mT)
        return found

    def class_means(self, text: ClassText) -> dict[str, Tensor]:
        """m [steps, C, E] of both branches."""
        return {name: branch.text(text) for name, branch in self.both.items()}

    def _test_logits(self, features: Mapping[str, Tensor], state: ClassState) -> dict[str, Tensor]:
        """Logits [N, C] of both branches at test: of the last step or of all, plus the closed-form part."""
        both = self.logits(features, state, {})
        logits = torch.stack([x[-1] if self.config.test_steps == "last" else x.mean(0) for x in both.values()])
        return dict(zip(self.both, self.add_linear(logits, features, state).unbind(), strict=True))

    @torch.no_grad()
    def _copy_templates(self) -> None:
        """Spatial MLPs, memory and recall start equal (if they are equally wide); the content MLPs copy another."""
        fits = self.spatial.first.shape[-1] == self.temporal.first.shape[-1]
        for name in ("first", "first_bias", "second", "second_bias"):
            value = self.temporal.get_parameter(name)
            value[:, 1:] = self.spatial.get_parameter(name)[:, :1] if fits else value[:, 1:2]


def fuse(spatial: Tensor, temporal: Tensor, fusion: str) -> Tensor:
    """One score [N, C] from the logits [N, C] of the branches; ``fusion`` as in :class:`NeuronConfig`."""
    if fusion == "logits":
        return spatial + temporal
    spatial, temporal = spatial.softmax(-1), temporal.softmax(-1)
    if fusion in ("spatial", "temporal"):
        return spatial if fusion == "spatial" else temporal
    return torch.maximum(spatial, temporal) if fusion == "max" else spatial + temporal


def _uniform(*shape: int, fan_in: int) -> Tensor:
    """PyTorch's default initialisation of a linear layer."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(shape).uniform_(-bound, bound)
