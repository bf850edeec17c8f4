"""What every alignment method is: three questions (``losses``, ``prepare``, ``scores``) and nothing else.

A method handles no device, file, log or optimiser. All randomness reaches it through ``Batch.draws``, and ``losses``
changes no parameter. Dimension letters: B batch, N clips, C classes, K texts per slot, D text dim, H heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

ClassState = Mapping[str, Tensor]
"""What :meth:`Method.prepare` computed once for a set of candidate classes."""


@dataclass(frozen=True)
class ClassText:
    """Embedded texts of some classes.

    Args:
        slots: name -> float32 [C, K, D], every row of unit length unless :attr:`MethodConfig.unit_text` is False.
        masks: name -> bool [C, K], False where a class has fewer than K texts.
    """

    slots: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    def select(self, rows: Tensor) -> ClassText:
        """The texts of the classes at ``rows`` (int64 [C']), in that order."""
        return ClassText(
            {name: value.index_select(0, rows) for name, value in self.slots.items()},
            {name: value.index_select(0, rows) for name, value in self.masks.items()},
        )

    def to(self, device: torch.device) -> ClassText:
        """The same texts on another device."""
        return ClassText(
            {name: value.to(device) for name, value in self.slots.items()},
            {name: value.to(device) for name, value in self.masks.items()},
        )

    def mean(self, slot: str) -> Tensor:
        """[C, D] mean of every class's texts in ``slot``; missing texts do not count."""
        if self.slots[slot].shape[1] == 1:
            return self.slots[slot][:, 0]  # every class has one text at least
        weight = self.masks[slot].to(self.slots[slot].dtype)
        total = torch.einsum("ck,ckd->cd", weight, self.slots[slot])
        return total / weight.sum(1, keepdim=True).clamp(min=1.0)

    def mean_over(self, slots: Sequence[str]) -> Tensor:
        """[C, D] mean over ``slots`` of their means: every slot counts the same, however many texts it has."""
        return torch.stack([self.mean(slot) for slot in slots]).mean(0)


@dataclass(frozen=True)
class Batch:
    """What a method sees of the training clips in one step.

    Args:
        features: visual input -> tensor with B rows (``"pooled"``: [B, D]).
        labels: int64 [B], the row of ``text`` that each clip belongs to.
        text: texts of the candidate classes: the seen ones, ascending.
        epoch: counted from 0.
        draws: what :meth:`Method.draws` drew for these labels.
        step: of this epoch, counted from 0.
        encode: a frozen backbone, clips [B, 3, T, V, M] -> pooled [B, D]; only beside the visual input ``"clips"``.
    """

    features: Mapping[str, Tensor]
    labels: Tensor
    text: ClassText
    epoch: int
    draws: Mapping[str, Tensor]
    step: int = 0
    encode: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Sizes:
    """Dimensions that come with the data.

    Args:
        visual: visual input -> its last dimension; of ``"clips"`` the number of frames.
        text: dimension of the text embeddings.
        classes: number of candidate classes in training.
    """

    visual: Mapping[str, int]
    text: int
    classes: int


class MethodConfig(BaseModel):
    """Base of all method configurations: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def needed_slots(self) -> tuple[str, ...]:
        """Text slots the method reads."""
        raise NotImplementedError

    @property
    def needed_inputs(self) -> tuple[str, ...]:
        """Visual inputs the method reads."""
        return ("pooled",)

    @property
    def unit_text(self) -> bool:
        """Whether every text vector is brought to unit length before the method sees it."""
        return True

    @property
    def joined_text(self) -> bool:
        """Whether each temporal slot must tell the course so far: texts that were joined before they were encoded."""
        return False


class Method(nn.Module):
    """Base of all methods."""

    Config: ClassVar[type[MethodConfig]]
    closed_form: ClassVar[bool] = False
    """Whether :meth:`solve` does all the learning, so that there are no training steps."""
    joint: ClassVar[bool] = False
    """Whether a class's score depends on which other classes are candidates."""

    def __init__(self, config: MethodConfig, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.slots = config.needed_slots
        self.inputs = config.needed_inputs

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """State computed from all training clips at once, before the first step (``draws`` is empty).

        Returns a partial state dict: statistics of the data, or in a closed-form method everything.
        """
        return {}

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Random numbers for one step on clips with these ``labels`` (int64 [B])."""
        return {}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars of one step: ``"loss"`` is minimised, the others are logged."""
        raise NotImplementedError

    def undecayed(self) -> frozenset[str]:
        """Names of the parameters that weight decay leaves alone."""
        return frozenset()

    def prepare(self, text: ClassText, generator: torch.Generator) -> ClassState:
        """What can be computed once for the candidate classes of ``text``.

        Runs without gradients; a method that trains something for these classes switches them on and draws from
        ``generator``.
        """
        raise NotImplementedError

    def scores(self, features: Mapping[str, Tensor], state: ClassState) -> Tensor:
        """[N, C], higher is likelier, for any number of clips and the classes of ``state``."""
        raise NotImplementedError

    def branches(self, features: Mapping[str, Tensor], state: ClassState) -> Mapping[str, Tensor]:
        """Scores [N, C] of parts of the method that name a class by themselves; most methods have none."""
        return {}

    def explain(self, features: Mapping[str, Tensor], state: ClassState) -> Mapping[str, Tensor]:
        """What the scores of N clips rest on, for people to look at; most methods have nothing to show."""
        return {}
