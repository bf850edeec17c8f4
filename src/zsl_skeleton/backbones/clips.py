"""Clips of a skeleton set as tensors, read in parts and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.backbones.base import Backbone
from zsl_skeleton.backbones.graph import JOINTS
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet


def read_clips(skeletons: SkeletonSet, rows: NDArray[Any] | slice) -> Tensor:
    """The clips [n, 3, T, V, M] of the given rows; no other row is read.

    Raises:
        InputError: a clip holds NaN or infinity.
    """
    clips = np.array(skeletons.clips[rows], dtype=np.float32)
    finite = np.isfinite(clips).all(axis=(1, 2, 3, 4))
    if not finite.all():
        ids = [skeletons.ids[row] for row in np.arange(len(skeletons.ids))[rows][~finite]]
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        raise InputError(
            f"clips of {skeletons.artifact.path} are not finite: {', '.join(ids[:3])}{more}",
            why="they hold NaN or infinity, so the import was damaged or not ours",
            mend=f"delete the folder and run again: {skeletons.artifact.card.made.command}",
        )
    return torch.from_numpy(clips)


def check_readable(skeletons: SkeletonSet, backbone: type[Backbone], name: str) -> None:
    """Make sure that ``backbone`` can read these skeletons.

    Raises:
        InputError: the axes are not [N, 3, T, 25, M], or the preprocessing recipe is one that the backbone cannot use.
    """
    shape = skeletons.clips.shape
    if shape[1] != 3 or shape[3] != JOINTS or min(shape[2], shape[4]) < 1:
        raise InputError(
            f"the clips of {skeletons.artifact.path} have shape {list(shape)}",
            why=f"expected [clips, 3, frames, {JOINTS} joints, persons]",
            mend=f"delete the folder and run again: {skeletons.artifact.card.made.command}",
        )
    if backbone.recipes and skeletons.recipe not in backbone.recipes:
        raise InputError(
            f"the backbone {name} cannot read skeletons of recipe {skeletons.recipe}",
            why=f"it needs {' or '.join(backbone.recipes)}",
            mend=f"zsl-data import --dataset {skeletons.dataset} --recipe {backbone.recipes[0]}",
        )
