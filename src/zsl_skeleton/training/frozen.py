"""The clips behind a feature set and the frozen backbone that encoded them, for methods that encode altered clips."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.backbones.base import Backbone
from zsl_skeleton.backbones.classifier import BackboneSpec, open_classifier
from zsl_skeleton.backbones.clips import read_clips
from zsl_skeleton.backbones.reproducible import reproducible
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

CHUNK = 16
"""Clips per forward pass: the largest map of a part takes some MiB only, and larger parts are no faster."""
_VIEWS = "train with extracted views: --set temporal=views"


@dataclass(frozen=True)
class FrozenClips:
    """Some clips of a skeleton set, in an order of their own, and the backbone that encodes them.

    Args:
        skeletons: memory-mapped; a clip is read when a batch asks for it.
        backbone: in eval mode, on the device that computes.
        rows: int64 [N], the clips' rows in ``skeletons``. No other row can be reached.
        device: that of the backbone.
    """

    skeletons: SkeletonSet
    backbone: Backbone
    rows: NDArray[np.int64]
    device: torch.device

    @property
    def frames(self) -> int:
        """T of every clip."""
        return int(self.skeletons.clips.shape[2])

    def only(self, ids: Iterable[str]) -> FrozenClips:
        """The clips of these recordings, in this order.

        Raises:
            InputError: there is no such clip.
        """
        place = {self.skeletons.ids[row]: int(row) for row in self.rows}
        wanted = list(ids)
        if missing := [name for name in wanted if name not in place]:
            raise InputError(
                f"the skeletons {self.skeletons.artifact.path} hold no clip {missing[0]}",
                why="the features were made from other clips",
                mend=f"zsl-data extract --dataset {self.skeletons.dataset}",
            )
        return replace(self, rows=np.array([place[name] for name in wanted], dtype=np.int64))

    def read(self, rows: Tensor) -> Tensor:
        """The clips [B, 3, T, V, M] at ``rows`` (int64 [B]) of these clips, on the device.

        Raises:
            InputError: a clip holds NaN or infinity.
        """
        return read_clips(self.skeletons, self.rows[rows.cpu().numpy()]).to(self.device)

    def encode(self, clips: Tensor) -> Tensor:
        """Pooled features [B, D] of clips [B, 3, T', V, M] of any length, without gradients."""
        with torch.no_grad(), reproducible(self.device):
            return torch.cat([self.backbone(part).pooled for part in torch.split(clips, CHUNK)])


def frozen_clips(features: Artifact | None, device: torch.device) -> FrozenClips:
    """All clips that ``features`` were extracted from, and the backbone that did it, both from the store around them.

    Raises:
        InputError: the features do not say what they were made from, or it is gone or was made again differently.
    """
    if features is None:
        raise InputError("the features lie in no folder that says which clips they were made from", mend=_VIEWS)
    store = Store(features.path.parents[1])
    skeletons = SkeletonSet.open(_input(store, features, "skeletons"))
    if "backbone" in features.card.inputs:
        backbone = open_classifier(_input(store, features, "backbone")).encoder
    else:
        config = features.card.config
        backbone = BackboneSpec.of(config["backbone"], config.get("encoder", {})).untrained()
    everything = np.arange(len(skeletons.ids), dtype=np.int64)
    return FrozenClips(skeletons, backbone.to(device).eval(), everything, device)


def _input(store: Store, features: Artifact, role: str) -> Artifact:
    mend = f"make the features again: {features.card.made.command}; or {_VIEWS}"
    reference = features.card.inputs.get(role)
    if reference is None:
        raise InputError(f"the features {features.path.name} do not name their {role}", mend=mend)
    found = store.get(reference.stage, reference.name, mend=mend)
    if found.id != reference.id:
        raise InputError(f"{found.path} is not what the features {features.path.name} were made from", mend=mend)
    return found
