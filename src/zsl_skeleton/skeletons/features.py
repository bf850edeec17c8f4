"""Feature sets, and their honest division: unseen-class clips cannot be reached from the training part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors, read_text, write_tensors, write_text
from zsl_skeleton.skeletons.skeleton_set import part_columns, parts_in

Integers = NDArray[np.int64]

FEATURES, NAMES = "features.safetensors", "samples.txt"
KINDS = {"pooled": 2, "joints": 3, "frames": 3, "logits": 2, "masked": 3}
_COLUMNS = ("labels", "subjects", "views")
_SETUP = re.compile(r"S(\d{3})C\d{3}P\d{3}R\d{3}A\d{3}")


@dataclass(frozen=True)
class FeatureSet:
    """What a backbone makes of the clips of a data set.

    Args:
        arrays: float32 ``pooled`` [N, D]; perhaps ``joints`` [N, V, D], ``frames`` [N, T, D], ``logits`` [N, C], and
            ``masked`` [N, R, D], the pooled features of R masked views.
        labels: 0-based class indices, int64 [N].
        subjects: performers, int64 [N].
        views: cameras, int64 [N].
        ids: names of the recordings.
        dataset: name of the data set.
        backbone: id of the backbone that made the features.
        trained_on: classes the backbone was trained on; empty for an untrained one.
        synthetic: whether the recordings were generated.
        protocol: evaluation protocol whose training part trained the backbone; empty for an untrained one.
        source: the artifact these were read from, which names the skeletons and the backbone; None if there is none.
        parts: protocol -> bool [N], its training part as the recordings' source states it; empty where rules suffice.
    """

    arrays: Mapping[str, NDArray[np.float32]]
    labels: Integers
    subjects: Integers
    views: Integers
    ids: tuple[str, ...]
    dataset: str
    backbone: str
    trained_on: tuple[int, ...]
    synthetic: bool
    protocol: str = ""
    source: Artifact | None = None
    parts: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.ids)
        sizes = {name: len(column) for name, column in {**self.arrays, **self._columns(), **self.parts}.items()}
        wrong = {name: size for name, size in sizes.items() if size != count}
        if wrong or "pooled" not in self.arrays:
            missing = "" if "pooled" in self.arrays else "; there is no array 'pooled'"
            raise InputError("the feature set contradicts itself", why=f"{count} ids, but counts {wrong}{missing}")
        for name, array in self.arrays.items():
            if KINDS.get(name) != array.ndim:
                raise InputError(f"the features {name!r} have shape {list(array.shape)}", why=f"known axes: {KINDS}")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def open(cls, artifact: Artifact) -> FeatureSet:
        """Open the artifact of stage ``features``.

        Raises:
            InputError: it is of another stage, damaged, or its arrays disagree on the number of clips.
        """
        if artifact.card.stage != "features":
            raise InputError(f"{artifact.path} holds {artifact.card.stage}, not features")
        arrays = read_tensors(artifact.path / FEATURES)
        missing = [name for name in _COLUMNS if name not in arrays]
        if missing:
            raise InputError(f"{artifact.path / FEATURES} lacks {', '.join(missing)}")
        labels, subjects, views = (arrays.pop(name) for name in _COLUMNS)
        parts = parts_in(arrays)
        config = artifact.card.config
        if unsaid := [key for key in ("dataset", "backbone", "trained_on") if key not in config]:
            raise InputError(
                f"the card of {artifact.path} does not say its {', '.join(unsaid)}",
                why="features whose backbone may have seen the unseen classes cannot be tested on them",
                mend="zsl-data extract",
            )
        trained_on = tuple(config["trained_on"])
        return cls(
            arrays,
            labels,
            subjects,
            views,
            ids=tuple(read_text(artifact.path / NAMES).splitlines()),
            dataset=config["dataset"],
            backbone=config["backbone"],
            trained_on=trained_on,
            synthetic=artifact.card.synthetic,
            protocol=(config.get("protocol") or "") if trained_on else "",
            source=artifact,
            parts=parts,
        )

    def write(self, folder: Path) -> None:
        """Write ``features.safetensors`` and ``samples.txt``; the rest belongs into the artifact's card."""
        write_tensors(folder / FEATURES, {**self.arrays, **self._columns(), **part_columns(self.parts)})
        write_text(folder / NAMES, "".join(f"{name}\n" for name in self.ids))

    def subset(self, mask: NDArray[np.bool_]) -> FeatureSet:
        """The clips where ``mask`` [N] is true, in the same order."""
        return replace(
            self,
            arrays={name: array[mask] for name, array in self.arrays.items()},
            **{name: column[mask] for name, column in self._columns().items()},
            ids=tuple(name for name, keep in zip(self.ids, mask, strict=True) if keep),
            parts={name: part[mask] for name, part in self.parts.items()},
        )

    def joined(self, other: FeatureSet) -> FeatureSet:
        """The clips of both, those of ``other`` behind; ``other`` is a subset of the same features."""
        columns: dict[str, Any] = {
            name: np.concatenate([column, getattr(other, name)]) for name, column in self._columns().items()
        }
        arrays = {name: np.concatenate([array, other.arrays[name]]) for name, array in self.arrays.items()}
        parts = {name: np.concatenate([part, other.parts[name]]) for name, part in self.parts.items()}
        return replace(self, arrays=arrays, **columns, ids=self.ids + other.ids, parts=parts)

    def _columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _COLUMNS}


@dataclass(frozen=True)
class Partition:
    """The parts of a feature set under one split and protocol.

    Args:
        train: training part of the protocol, seen classes only.
        test_unseen: test part, unseen classes (the ZSL test).
        test_seen: test part, seen classes (with ``test_unseen``: the GZSL test).
    """

    train: FeatureSet
    test_unseen: FeatureSet
    test_seen: FeatureSet


def partition(features: FeatureSet, dataset: Dataset, split: Split, protocol: Protocol) -> Partition:
    """Divide features so that nothing about an unseen class can reach training.

    Training-part clips of unseen classes fall out altogether.

    Raises:
        InputError: the features are of another data set, not finite, or labelled out of range; the backbone was trained
            on an unseen class or under another protocol; a part is empty.
    """
    _check_content(features, dataset)
    _check_backbone(features, dataset, split, protocol)
    unseen = np.isin(features.labels, split.unseen)
    train = training_part(features, protocol)
    parts = Partition(
        train=features.subset(train & ~unseen),
        test_unseen=features.subset(~train & unseen),
        test_seen=features.subset(~train & ~unseen),
    )
    for part, held in (
        ("training clip of a seen class", parts.train),
        ("test clip of an unseen class", parts.test_unseen),
    ):
        if not len(held):
            raise InputError(
                f"{dataset.name} has no {part} under split {split.name}, protocol {protocol.name}",
                why=f"{int(train.sum())} of {len(features)} clips belong to the protocol's training part",
                mend="choose another --protocol or --split, or import the whole data set",
            )
    return parts


class Recordings(Interface):
    """What decides on which side of a protocol a clip lies; skeleton sets and feature sets both say it."""

    @property
    def subjects(self) -> Integers:
        """Performers, int64 [N]; -1 = unknown."""
        ...

    @property
    def views(self) -> Integers:
        """Cameras, int64 [N]; -1 = unknown."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the recordings."""
        ...

    @property
    def parts(self) -> Mapping[str, NDArray[np.bool_]]:
        """Protocol -> bool [N], where the source states it."""
        ...


def training_part(clips: Recordings, protocol: Protocol) -> NDArray[np.bool_]:
    """Which clips [N] belong to the training part of a protocol; everything else is its test part.

    What the source of the clips states goes before the protocol's rule.

    Raises:
        InputError: the source does not state it and the rule cannot tell either: the subjects or views are unknown, the
            ids are not NTU names, which carry the camera set-up, or the protocol goes by a list of recordings.
    """
    if protocol.name in clips.parts:
        return clips.parts[protocol.name]
    if protocol.by == "recording":
        raise InputError(
            f"protocol {protocol.name} goes by the recordings named in {protocol.train_list}",
            why="that list did not lie beside the recordings when they were imported",
            mend=f"put {protocol.train_list} below --root and run zsl-data import again, or choose another --protocol",
        )
    if protocol.by == "setup":
        return np.isin(_setups(clips.ids), protocol.train)
    numbers = clips.subjects if protocol.by == "subject" else clips.views
    if (numbers < 0).any():
        others = f"; they state that of {', '.join(clips.parts)}" if clips.parts else ""
        raise InputError(
            f"the clips do not tell which of them protocol {protocol.name} trains on",
            why=f"it goes by {protocol.by}, which is unknown of {int((numbers < 0).sum())} clips{others}",
            mend=f"choose another --protocol{': ' + next(iter(clips.parts)) if clips.parts else ''}",
        )
    return np.isin(numbers, protocol.train)


def _setups(ids: tuple[str, ...]) -> Integers:
    matches = [_SETUP.match(name) for name in ids]
    numbers = [int(match.group(1)) for match in matches if match]
    if len(numbers) < len(ids):
        odd = next(name for name, match in zip(ids, matches, strict=True) if not match)
        raise InputError(
            f"the clip {odd} does not tell its camera set-up",
            why="a protocol by set-up reads it from names like S001C001P001R001A001",
            mend="choose a protocol by subject or view",
        )
    return np.array(numbers, dtype=np.int64)


def _check_content(features: FeatureSet, dataset: Dataset) -> None:
    if features.dataset != dataset.name:
        raise InputError(
            f"the features are of {features.dataset}, not of {dataset.name}",
            mend=f"zsl-data extract --dataset {dataset.name}",
        )
    outside = (features.labels < 0) | (features.labels >= len(dataset.classes))
    if outside.any():
        row = int(outside.argmax())
        raise InputError(
            f"the clip {features.ids[row]} has label {features.labels[row]}",
            why=f"labels of {dataset.name} lie in 0..{len(dataset.classes) - 1}",
        )
    for name, array in features.arrays.items():
        finite = np.asarray(np.isfinite(array).reshape(len(array), -1).all(axis=1))
        if not finite.all():
            row = int((~finite).argmax())
            raise InputError(
                f"the features {name!r} of clip {features.ids[row]} are not finite",
                why=f"{int((~finite).sum())} of {len(finite)} clips hold NaN or infinity",
                mend="train the backbone again with a smaller learning rate, then zsl-data extract",
            )


def _check_backbone(features: FeatureSet, dataset: Dataset, split: Split, protocol: Protocol) -> None:
    leaked = sorted(set(features.trained_on) & set(split.unseen))
    mend = f"zsl-data pretrain --dataset {dataset.name} --split {split.name} --protocol {protocol.name}"
    if leaked:
        raise InputError(
            f"the backbone {features.backbone} was trained on unseen classes of split {split.name}",
            why="trained on " + ", ".join(f"{index} ({dataset.class_names[index]})" for index in leaked),
            mend=mend,
        )
    if features.protocol and features.protocol != protocol.name:
        raise InputError(
            f"the backbone {features.backbone} was trained under protocol {features.protocol}, not {protocol.name}",
            why="its training clips may be test clips here",
            mend=mend,
        )
