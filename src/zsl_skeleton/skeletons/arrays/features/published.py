"""Features published as one array per part: training, unseen test, all test; or for a gate, validation parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.features.base import Found, Reading
from zsl_skeleton.skeletons.arrays.features.blocks import Block, Stored, read_block, shared, surplus
from zsl_skeleton.skeletons.arrays.features.split_fit import Fit, check_split
from zsl_skeleton.skeletons.features import FeatureSet

_VALIDATION = (
    "these are validation features, of a backbone that does not know the validation classes either: zsl-train "
    "--validation-features; whether the publisher took their clips from the training part is not told"
)


@dataclass(frozen=True)
class Published:
    """The parts of one folder or file, unread.

    Args:
        path: the folder or file.
        backbone: name for the backbone that nobody but the publisher has.
        train: training clips of seen classes.
        unseen: test clips of unseen classes; for a gate, clips of the validation classes.
        test: test clips of all classes, if published.
        validation: for a gate, validation clips of the other seen classes; the parts are then all for training.
    """

    path: Path
    backbone: str
    train: Stored
    unseen: Stored
    test: Stored | None = None
    validation: Stored | None = None


def assemble(parts: Published, files: Mapping[str, Path], reading: Reading) -> Found:
    """One feature set of all parts, checked.

    Raises:
        InputError: widths differ, labels contradict the split, a clip is in the training and in the test part, or the
            arrays are broken.
    """
    classes = len(reading.dataset.classes)
    blocks = {s.name: read_block(s, classes) for s in (parts.train, parts.unseen, parts.test, parts.validation) if s}
    train, unseen = blocks[parts.train.name], blocks[parts.unseen.name]
    _check_widths(blocks, parts.path)
    for empty in (block for block in (parts.train, parts.unseen) if not len(blocks[block.name])):
        raise InputError(f"{empty.features.source} holds no clip", why="without it nothing can be trained or tested")
    fit = Fit(reading.dataset, reading.split, validation=parts.validation is not None)
    check_split(set(train.labels.tolist()), set(unseen.labels.tolist()), fit, str(parts.path))
    remarks: list[str] = []
    if parts.validation is not None:
        held_out = {*unseen.labels.tolist(), *reading.split.validation_unseen}
        chosen = [train, blocks[parts.validation.name], unseen]
        remarks.append(_VALIDATION)
        check_split(set(chosen[1].labels.tolist()), set(unseen.labels.tolist()), fit, str(parts.path))
    else:
        held_out = set()
        chosen = [train, *_test_part(unseen, blocks[parts.test.name] if parts.test else None, reading, remarks)]
    _check_once(chosen, parts.path)
    mask = np.arange(sum(map(len, chosen))) < (len(train) if parts.validation is None else np.inf)
    features = FeatureSet(
        arrays=_arrays(chosen, blocks, remarks),
        labels=np.concatenate([block.labels for block in chosen]),
        subjects=np.full(len(mask), -1),
        views=np.full(len(mask), -1),
        ids=tuple(name for block in chosen for name in block.ids),
        dataset=reading.dataset.name,
        backbone=parts.backbone,
        trained_on=tuple(c for c in reading.dataset.seen(reading.split) if c not in held_out),
        synthetic=reading.dataset.synthetic,
        protocol=reading.protocol.name,
        parts={reading.protocol.name: mask},
    )
    return Found(features, dict(files), remarks, validation=parts.validation is not None)


def _check_widths(blocks: Mapping[str, Block], path: Path) -> None:
    widths = {name: block.pooled.shape[1] for name, block in blocks.items()}
    if len(set(widths.values())) > 1:
        told = ", ".join(f"{name} {width}" for name, width in widths.items())
        raise InputError(f"the arrays of {path} have features of different widths", why=told)


def _test_part(unseen: Block, test: Block | None, reading: Reading, remarks: list[str]) -> list[Block]:
    """The test clips, every one once: the array of all of them should repeat those of unseen classes."""
    if test is None:
        remarks.append("there are no test clips of seen classes: --gzsl is not possible")
        return [unseen]
    rows = np.isin(test.labels, reading.split.unseen)
    repeated = test.subset(rows)
    if not surplus(unseen, repeated) and not surplus(repeated, unseen):
        return [test]
    if len(repeated):
        remarks.append(
            f"the two arrays of unseen test clips differ: {surplus(unseen, repeated)} clips stand only in the smaller "
            f"one, {surplus(repeated, unseen)} only among all test clips; the smaller one is used"
        )
    return [test.subset(~rows), unseen]


def _check_once(blocks: list[Block], path: Path) -> None:
    """No clip may stand in two parts: what was trained on would be tested."""
    for first, second in ((a, b) for i, a in enumerate(blocks) for b in blocks[i + 1 :]):
        twice = shared(first, second)
        if twice:
            raise InputError(
                f"{path} counts clips twice",
                why=f"{len(twice)} clips of {second.ids[0].partition('/')[0]} are in {twice[0].partition('/')[0]} too, "
                f"e.g. {twice[0]}",
            )


def _arrays(chosen: list[Block], blocks: Mapping[str, Block], remarks: list[str]) -> dict[str, Any]:
    arrays = {"pooled": np.concatenate([block.pooled for block in chosen])}
    logits = [block.logits for block in chosen if block.logits is not None]
    if len(logits) == len(chosen):
        arrays["logits"] = np.concatenate(logits)
    elif any(block.logits is not None for block in blocks.values()):
        without = sorted({block.ids[0].partition("/")[0] for block in chosen if block.logits is None and len(block)})
        remarks.append(f"the logits are left out: a feature set has those of all clips, and {without[0]} has none")
    return arrays
