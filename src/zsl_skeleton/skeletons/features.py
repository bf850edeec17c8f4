"""Feature sets, and their honest division: unseen-class clips cannot be reached from the training part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import Array, Parts, map_tensors, read_text, stream_tensors, write_text
from zsl_skeleton.skeletons.chosen_rows import ChosenRows, broken_rows
from zsl_skeleton.skeletons.recordings import LabelledRecordings
from zsl_skeleton.skeletons.recordings import Recordings as Recordings
from zsl_skeleton.skeletons.recordings import training_part as training_part
from zsl_skeleton.skeletons.skeleton_set import part_columns, parts_in

Integers = NDArray[np.int64]

FEATURES, NAMES = "features.safetensors", "samples.txt"
KINDS = {"pooled": 2, "joints": 3, "frames": 3, "logits": 2, "masked": 3}
_COLUMNS = ("labels", "subjects", "views")


@dataclass(frozen=True)
class FeatureSet:
    """What a backbone makes of the clips of a data set.

    Args:
        arrays: float32 or float16 ``pooled`` [N, D]; perhaps ``joints`` [N, V, D], ``frames`` [N, T, D], ``logits``
            [N, C], and ``masked`` [N, R, D], the pooled features of R masked views. Read-only where they lie on disk.
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

    arrays: Mapping[str, Array]
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
        # Chosen rows stem from arrays that were checked, and checking them again would copy all of them.
        arrays = {} if isinstance(self.arrays, ChosenRows) else self.arrays
        sizes = {name: len(column) for name, column in {**arrays, **self._columns(), **self.parts}.items()}
        wrong = {name: size for name, size in sizes.items() if size != count}
        if wrong or "pooled" not in self.arrays:
            missing = "" if "pooled" in self.arrays else "; there is no array 'pooled'"
            raise InputError("the feature set contradicts itself", why=f"{count} ids, but counts {wrong}{missing}")
        for name, array in arrays.items():
            if KINDS.get(name) != array.ndim:
                raise InputError(f"the features {name!r} have shape {list(array.shape)}", why=f"known axes: {KINDS}")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def open(cls, artifact: Artifact) -> FeatureSet:
        """Open the artifact of stage ``features``; its arrays stay on the disk until they are used.

        Raises:
            InputError: it is of another stage, damaged, or its arrays disagree on the number of clips.
        """
        if artifact.card.stage != "features":
            raise InputError(f"{artifact.path} holds {artifact.card.stage}, not features")
        arrays = map_tensors(artifact.path / FEATURES)
        missing = [name for name in _COLUMNS if name not in arrays]
        if missing:
            raise InputError(f"{artifact.path / FEATURES} lacks {', '.join(missing)}")
        labels, subjects, views = (arrays.pop(name).copy() for name in _COLUMNS)
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
        write_features(folder, self, {name: Parts.of(array) for name, array in self.arrays.items()})

    def subset(self, mask: NDArray[np.bool_]) -> FeatureSet:
        """The clips where ``mask`` [N] is true, in the same order; a kind of feature is copied when it is used."""
        return replace(
            self,
            arrays=ChosenRows(self.arrays, np.flatnonzero(mask)),
            **{name: column[mask] for name, column in self._columns().items()},
            ids=tuple(name for name, keep in zip(self.ids, mask, strict=True) if keep),
            parts={name: part[mask] for name, part in self.parts.items()},
        )

    def joined(self, other: FeatureSet) -> FeatureSet:
        """The clips of both, those of ``other`` behind; ``other`` is a subset of the same features."""
        columns: dict[str, Any] = {
            name: np.concatenate([column, getattr(other, name)]) for name, column in self._columns().items()
        }
        arrays: Mapping[str, Array] | None = None
        if isinstance(self.arrays, ChosenRows) and isinstance(other.arrays, ChosenRows):
            arrays = self.arrays.followed_by(other.arrays)
        if arrays is None:
            arrays = {name: np.concatenate([array, other.arrays[name]]) for name, array in self.arrays.items()}
        parts = {name: np.concatenate([part, other.parts[name]]) for name, part in self.parts.items()}
        return replace(self, arrays=arrays, **columns, ids=self.ids + other.ids, parts=parts)

    def _columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _COLUMNS}


def write_features(folder: Path, clips: LabelledRecordings, arrays: Mapping[str, Parts]) -> None:
    """Write ``features.safetensors``, of which never more than a part lies in memory, and ``samples.txt``.

    Args:
        folder: of the artifact.
        clips: what is known about each clip.
        arrays: the features, as :class:`FeatureSet` has them.
    """
    columns = {name: getattr(clips, name) for name in _COLUMNS} | part_columns(clips.parts)
    stream_tensors(folder / FEATURES, {**arrays, **{name: Parts.of(column) for name, column in columns.items()}})
    write_text(folder / NAMES, "".join(f"{name}\n" for name in clips.ids))


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


def partition(
    features: FeatureSet, dataset: Dataset, split: Split, protocol: Protocol, kinds: Sequence[str] | None = None
) -> Partition:
    """Divide features so that nothing about an unseen class can reach training.

    Training-part clips of unseen classes fall out altogether. Only ``kinds`` of features are read and checked; None =
    all there are.

    Raises:
        InputError: the features are of another data set, not finite, or labelled out of range; the backbone was trained
            on an unseen class or under another protocol; a part is empty.
    """
    _check_content(features, dataset, features.arrays if kinds is None else kinds)
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


def training_clips(
    features: FeatureSet, dataset: Dataset, split: Split, protocol: Protocol, kinds: Sequence[str] | None = None
) -> FeatureSet:
    """The ``train`` part of :func:`partition`, also of features that hold no test clips.

    Raises:
        InputError: as there, but for the parts that are empty.
    """
    _check_content(features, dataset, features.arrays if kinds is None else kinds)
    _check_backbone(features, dataset, split, protocol)
    return features.subset(training_part(features, protocol) & ~np.isin(features.labels, split.unseen))


def _check_content(features: FeatureSet, dataset: Dataset, kinds: Iterable[str]) -> None:
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
    for name in (kind for kind in features.arrays if kind in kinds):
        broken = broken_rows(features.arrays[name])
        if broken.any():
            raise InputError(
                f"the features {name!r} of clip {features.ids[int(broken.argmax())]} are not finite",
                why=f"{int(broken.sum())} of {len(broken)} clips hold NaN or infinity",
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
