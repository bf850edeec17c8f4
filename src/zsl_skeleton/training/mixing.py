"""Virtual classes: mixtures of two clips labelled with the same mixture of their classes' texts.

With few seen classes a method learns the classes instead of the relation between motion and text. A mixed clip belongs
to a class of its own, whose texts lie between those of two real classes, so that every batch asks about new classes
(mixup, Zhang et al., ICLR 2018, carried over to class descriptions). Knows no method: it only enlarges the batch.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassText
from zsl_skeleton.training.config import TrainConfig


def add_mixed_classes(batch: Batch, config: TrainConfig, generator: torch.Generator) -> Batch:
    """The batch plus ``config.mixed`` x B virtual clips, each the only member of a new candidate class.

    A mixture of two clips of one class stays in that class.
    """
    size, device = len(batch.labels), batch.labels.device
    count = round(config.mixed * size)
    left, right = torch.randint(size, (2, count), generator=generator, device=device)
    share = torch.rand(count, generator=generator, device=device) * (1 - 2 * config.mixed_margin) + config.mixed_margin
    left_class, right_class = batch.labels[left], batch.labels[right]
    classes = len(next(iter(batch.text.slots.values())))
    new_class = torch.arange(classes, classes + count, device=device)
    labels = torch.where(left_class == right_class, left_class, new_class)
    return replace(
        batch,
        features={name: torch.cat([x, _mix(x[left], x[right], share)]) for name, x in batch.features.items()},
        labels=torch.cat([batch.labels, labels]),
        text=_mixed_text(batch.text, left_class, right_class, share),
    )


def _mixed_text(text: ClassText, left: Tensor, right: Tensor, share: Tensor) -> ClassText:
    slots = {
        name: torch.cat([value, F.normalize(_mix(value[left], value[right], share), dim=-1)])
        for name, value in text.slots.items()
    }
    masks = {name: torch.cat([value, value[left] & value[right]]) for name, value in text.masks.items()}
    return ClassText(slots, masks)


def _mix(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    weight = share.view(-1, *[1] * (left.ndim - 1))
    return weight * left + (1 - weight) * right
