"""From feature maps of single persons to one encoding per clip, without computing absent persons over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from zsl_skeleton.backbones import distributed
from zsl_skeleton.backbones.base import BackboneConfig, Encoding

Pooling = Literal["mean", "present"]

_CHUNK = 16
"""Persons at a time on a CPU when nothing is learnt: their maps stay in its caches, up to three times as fast."""


class PersonsConfig(BackboneConfig):
    """Options of every backbone that encodes person by person."""

    person_pooling: Pooling = Field(
        default="present",
        description="mean: over all persons, an absent one included (official); present: over those there are",
    )


def present_persons(persons: Tensor) -> Tensor:
    """Who of persons [B, M, T, V, 3] is there, bool [B, M]: an absent one is all zero; the first always counts."""
    present = persons.flatten(2).ne(0).any(2)
    present[:, 0] = True
    return present


def encode_persons(
    persons: Tensor, present: Tensor, maps: Callable[[Tensor], Tensor], pooling: Pooling, *, training: bool
) -> Encoding:
    """Encode clips whose persons lie side by side.

    Args:
        persons: [B, M, T, V, C]; in a clip, all absent persons are alike, and alike in all clips.
        present: bool [B, M].
        maps: from single persons [R, T, V, C] to feature maps [R, T', V, D].
        pooling: over which persons, as :class:`PersonsConfig` says.
        training: whether batch statistics are made: then absent persons take part in them under ``mean``.
    """
    everybody = present.shape[1] == 1 or (training and pooling == "mean") or not len(present)
    rows, place = _everybody(present) if everybody else _needed(present, pooling)
    if training:
        distributed.place_rows(len(rows))
    over_time, over_joints = _means(persons.flatten(0, 1)[rows], maps, training=training)
    weight = torch.ones_like(present) if pooling == "mean" else present
    share = (weight / weight.sum(1, keepdim=True)).to(over_time.dtype)[:, :, None, None]
    joints = (over_time[place] * share).sum(1)
    frames = (over_joints[place] * share).sum(1)
    return Encoding(pooled=joints.mean(1), joints=joints, frames=frames)


def _means(persons: Tensor, maps: Callable[[Tensor], Tensor], *, training: bool) -> tuple[Tensor, Tensor]:
    """Means over time [R, V, D] and over joints [R, T', D] of the maps of persons [R, T, V, C]."""
    if training or torch.is_grad_enabled() or persons.device.type != "cpu":
        found = maps(persons)
        return found.mean(1), found.mean(2)
    parts = [(found.mean(1), found.mean(2)) for found in map(maps, torch.split(persons, _CHUNK))]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _everybody(present: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(present.numel(), device=present.device)
    return rows, rows.view(present.shape)


def _needed(present: Tensor, pooling: Pooling) -> tuple[Tensor, Tensor]:
    """Which of the B M persons to compute [R], and the place among them of every person's result [B, M].

    Absent persons are alike: at most one of them is computed.
    """
    computed = present.clone()
    first_absent = (~present).flatten().int().argmax()
    if pooling == "mean":
        computed.view(-1)[first_absent] = True
    counted = computed.flatten().cumsum(0).view(present.shape) - 1
    # With "present" pooling the place of an absent person does not matter: it weighs nothing.
    stand_in = counted.flatten()[first_absent] if pooling == "mean" else counted[:, :1]
    return computed.flatten().nonzero().squeeze(1), torch.where(present, counted, stand_in)
