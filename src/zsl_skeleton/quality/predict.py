"""The main predictor: how well does the ridge name classes that it was not trained on, among the seen ones?

Some seen classes are held out, the project's ridge is solved on the clips of the others, and the held-out clips are
named among the held-out classes. The ridge is linear in the texts, so a fold is solved once (towards class indicators)
for all candidates, with the settings of the preset ``default``: no candidate gets a regularisation of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.catalog import Dataset, Protocol, Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.linear import column_statistics
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import resolve_settings

Counts = NDArray[np.int64]
_INPUT, _SLOT = "pooled", "text"
_FEWEST = 3
"""Fewest classes that are held out, and fewest that are left to train on."""


@dataclass(frozen=True)
class Seen:
    """The training clips of the seen classes: all that a comparison may look at.

    Raises:
        InputError: a clip belongs to an unseen class.
    """

    clips: FeatureSet
    dataset: Dataset
    split: Split
    protocol: Protocol

    def __post_init__(self) -> None:
        leaked = np.isin(self.clips.labels, self.split.unseen)
        if leaked.any():
            index = int(self.clips.labels[leaked.argmax()])
            raise InputError(
                f"the clips hold the unseen class {index} ({self.dataset.class_names[index]})",
                why=f"texts are compared on the seen classes of split {self.split.name} only",
                mend="take the training part of zsl_skeleton.skeletons.features.partition",
            )

    @classmethod
    def of(cls, features: FeatureSet, dataset: Dataset, split: Split, protocol: Protocol) -> Seen:
        """The training part of a feature set.

        Raises:
            InputError: the features do not fit the data set, split or protocol.
        """
        return cls(partition(features, dataset, split, protocol, (_INPUT,)).train, dataset, split, protocol)

    @property
    def classes(self) -> tuple[int, ...]:
        """Seen classes that have a clip, ascending."""
        return tuple(int(index) for index in np.unique(self.clips.labels))

    def centroids(self) -> NDArray[np.float64]:
        """Mean standardised feature [S, D] of every class of :attr:`classes`."""
        x = torch.from_numpy(self.clips.arrays[_INPUT].astype(np.float32, copy=False))
        mean, scale = column_statistics(x)
        standard = ((x - mean) / scale).double().numpy()
        return np.stack([standard[self.clips.labels == index].mean(0) for index in self.classes])


def held_out_size(seen: Seen) -> int:
    """How many classes a fold holds out: as many as the split has unseen ones, at least three.

    Raises:
        InputError: fewer than three classes would be left.
    """
    size = max(len(seen.split.unseen), _FEWEST)
    if len(seen.classes) < size + _FEWEST:
        raise InputError(
            f"{seen.dataset.name} has too few seen classes with clips under split {seen.split.name}",
            why=f"{len(seen.classes)} classes; {size} are held out and at least {_FEWEST} must be left",
            mend="choose a split with fewer unseen classes",
        )
    return size


def draw_folds(classes: tuple[int, ...], size: int, count: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """``count`` sets of ``size`` classes, drawn at random; every class is held out about equally often.

    Permutations of the classes are cut into pieces; what is left of one is dropped.
    """
    generator = np.random.default_rng([seed, 11])
    folds: list[tuple[int, ...]] = []
    while len(folds) < count:
        order = generator.permutation(classes)
        pieces = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
        folds += [tuple(sorted(int(index) for index in piece)) for piece in pieces]
    return tuple(folds[:count])


@dataclass(frozen=True)
class Fold:
    """A solved fold.

    Args:
        held_out, rest: class indices, ascending.
        config: of the ridge.
        solved: its state, trained towards the indicators of ``rest``: ``weight`` is [D, R].
        x: features [n, D] of the held-out clips.
        labels: int64 [n], position in ``held_out``.
    """

    held_out: tuple[int, ...]
    rest: tuple[int, ...]
    config: RidgeConfig
    solved: Mapping[str, Tensor]
    x: Tensor
    labels: Tensor

    def scores(self, texts: Tensor) -> Tensor:
        """Scores [n, k] of the ridge for ``texts`` [C, E], one row for every class of the data set."""
        known, wanted = texts[list(self.rest)], texts[list(self.held_out)]
        centre = known.mean(0) if self.config.centre else torch.zeros_like(known[0])
        method = Ridge(self.config, Sizes({_INPUT: self.x.shape[1]}, texts.shape[1], len(self.rest)))
        weight = self.solved["weight"] @ (known - centre)
        method.load_state_dict({**self.solved, "weight": weight, "text_mean": centre})
        return class_scores(method, {_INPUT: self.x}, _one_text(wanted))


def solve_folds(seen: Seen, count: int, seed: int) -> tuple[Fold, ...]:
    """Solve the ridge once per fold; the same folds for every candidate.

    Raises:
        InputError: there are too few seen classes.
    """
    drawn = draw_folds(seen.classes, held_out_size(seen), count, seed)
    settings = resolve_settings(RunConfig(method="ridge"), seen.dataset.name).method
    config = RidgeConfig.model_validate({**settings.model_dump(), "text": (_SLOT,)})
    return tuple(_solve(seen, held_out, config) for held_out in drawn)


def _solve(seen: Seen, held_out: tuple[int, ...], config: RidgeConfig) -> Fold:
    rest = tuple(index for index in seen.classes if index not in held_out)
    (x, labels), (held, wanted) = _clips(seen.clips, rest), _clips(seen.clips, held_out)
    # Indicators take the place of texts; a text's mean is subtracted later, once the texts are known.
    indicators = config.model_copy(update={"centre": False})
    method = Ridge(indicators, Sizes({_INPUT: x.shape[1]}, len(rest), len(rest)))
    with torch.no_grad():
        solved = method.solve(Batch({_INPUT: x}, labels, _one_text(torch.eye(len(rest))), 0, {}))
    return Fold(held_out, rest, config, solved, held, wanted)


def _clips(clips: FeatureSet, classes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    chosen = np.isin(clips.labels, classes)
    labels = np.searchsorted(classes, clips.labels[chosen])
    return torch.from_numpy(clips.arrays[_INPUT][chosen].astype(np.float32, copy=False)), torch.from_numpy(labels)


def _one_text(texts: Tensor) -> ClassText:
    return ClassText({_SLOT: texts[:, None]}, {_SLOT: torch.ones(len(texts), 1, dtype=torch.bool)})


@dataclass(frozen=True)
class Cells:
    """Clips named right, and clips, per fold and seen class [F, S]; 0 where the class was not held out."""

    right: Counts
    clips: Counts

    @classmethod
    def sum(cls, cells: Sequence[Cells]) -> Cells:
        """Several counts of the same folds and classes as one."""
        return cls(np.sum([item.right for item in cells], axis=0), np.sum([item.clips for item in cells], axis=0))

    @property
    def accuracy(self) -> float:
        """Share of all held-out clips that were named right."""
        return float(self.right.sum() / self.clips.sum())

    @property
    def per_fold(self) -> NDArray[np.float64]:
        """Sample accuracy of every fold [F]."""
        return np.asarray(self.right.sum(1) / self.clips.sum(1))


def predict(folds: tuple[Fold, ...], classes: tuple[int, ...], texts: NDArray[np.float32]) -> Cells:
    """Name the held-out clips of every fold.

    Args:
        folds: as solved.
        classes: the seen classes, in the order of the columns of the result.
        texts: one mean text per class of the data set [C, E].
    """
    vectors = torch.from_numpy(np.ascontiguousarray(texts, np.float32))
    right, clips = (np.zeros((len(folds), len(classes)), np.int64) for _ in range(2))
    for row, fold in enumerate(folds):
        columns = np.searchsorted(classes, fold.held_out)
        hit = fold.scores(vectors).argmax(1) == fold.labels
        size = len(fold.held_out)
        right[row, columns] = torch.bincount(fold.labels[hit], minlength=size).numpy()
        clips[row, columns] = torch.bincount(fold.labels, minlength=size).numpy()
    return Cells(right, clips)
