"""Compares text sets on seen classes only, and says which one to train with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.evaluation.controls import shuffled_rows
from zsl_skeleton.progress import track
from zsl_skeleton.quality.agreement import Agreement, agreement
from zsl_skeleton.quality.candidates import REAL, SHUFFLED, Candidate, TextSet, candidates
from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton.quality.diversity import Neighbour, effective_number, hubness, mean_cosine, neighbours
from zsl_skeleton.quality.measures import Interval, Matrix, cosines
from zsl_skeleton.quality.predict import Cells, Fold, Seen, predict, solve_folds
from zsl_skeleton.quality.resampling import Resampler


@dataclass(frozen=True)
class Diversity:
    """What the texts tell about themselves, seen classes only (:mod:`.diversity`); all but hubness are class means.

    ``effective`` is the effective number of different texts among the ``texts`` of a class, ``cosine`` the mean cosine
    of its pairs of texts.
    """

    hubness: float
    effective: float
    texts: float
    cosine: float


@dataclass(frozen=True)
class Measured:
    """Everything about one text set; ``diversity`` is None and ``unseen`` empty for controls.

    Args:
        name: which text set.
        accuracy: predicted accuracy: share of the held-out clips of all folds named right, with its interval.
        single: 95 % prediction interval of the accuracy of *one* draw of classes, as a split is one.
        cells: what the accuracy was counted from.
        agreement, diversity: the other measures.
        unseen: nearest confusable class of every unseen class, from the texts alone: no measure of quality.
    """

    name: TextSet
    accuracy: Interval
    single: tuple[float, float]
    cells: Cells
    agreement: Agreement
    diversity: Diversity | None
    unseen: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Difference:
    """Predicted accuracy of a text set minus that of the best one, paired."""

    name: TextSet
    difference: Interval

    @property
    def shown(self) -> bool:
        """Whether the text set is worse than the best one: the interval excludes 0."""
        return self.difference.high < 0


@dataclass(frozen=True)
class Comparison:
    """Text sets side by side.

    Args:
        seen: what was looked at.
        config: how it was compared.
        held_out: classes per fold.
        rows: text sets and controls, as given.
        best: the text set to train with: no control, highest predicted accuracy (of equals the first).
        differences: every other text set against the best, the closest first.
    """

    seen: Seen
    config: CompareConfig
    held_out: int
    rows: tuple[Measured, ...]
    best: Measured
    differences: tuple[Difference, ...]

    @property
    def chance(self) -> float:
        """Accuracy of guessing in a fold."""
        return 1 / self.held_out


def compare_banks(store: Store, banks: Sequence[Artifact], seen: Seen, config: CompareConfig) -> Comparison:
    """Compare banks: encode them with every encoder, add the controls, measure all on the seen classes.

    Args:
        store: where class embeddings are made and found.
        banks: artifacts of the stage ``banks``.
        seen: the clips that may be looked at (:meth:`.Seen.of` takes them out of a feature set).
        config: encoders, slots, controls and the rest.

    Raises:
        UsageError: an encoder or slot does not exist.
        InputError: banks, features and split do not fit each other, or there are too few seen classes.
    """
    return compare(candidates(store, banks, config), seen, config)


def compare(texts: Sequence[Candidate], seen: Seen, config: CompareConfig) -> Comparison:
    """Measure every text set on the same folds, permutations and resamples.

    Raises:
        InputError: a text set does not fit the data set, all are controls, or there are too few seen classes.
    """
    if not any(candidate.name.control == REAL for candidate in texts):
        raise InputError("there is no text set to compare, only controls")
    for candidate in texts:
        candidate.embeddings.check(seen.dataset)
    folds = solve_folds(seen, config.folds, config.seed)
    resampler = Resampler(len(folds), len(seen.classes), config.resamples, config.seed)
    bench = _Bench(seen, config, folds, seen.centroids(), resampler)
    rows = tuple(bench.measure(candidate) for candidate in track(texts, "compare", len(texts)))
    best = max((row for row in rows if row.name.control == REAL), key=lambda row: row.accuracy.value)
    others = sorted((row for row in rows if row is not best), key=lambda row: -row.accuracy.value)
    differences = tuple(Difference(row.name, resampler.difference(row.cells, best.cells)) for row in others)
    return Comparison(seen, config, len(folds[0].held_out), rows, best, differences)


@dataclass(frozen=True)
class _Bench:
    """What is the same for all text sets."""

    seen: Seen
    config: CompareConfig
    folds: tuple[Fold, ...]
    centroids: Matrix
    resampler: Resampler

    def measure(self, candidate: Candidate) -> Measured:
        """All measures of one text set."""
        vectors = candidate.vectors()
        real = candidate.name.control == REAL
        variants = self._shuffled(vectors) if candidate.name.control == SHUFFLED else [vectors]
        cells = Cells.sum([predict(self.folds, self.seen.classes, texts) for texts in variants])
        rows = list(self.seen.classes)
        return Measured(
            name=candidate.name,
            accuracy=self.resampler.accuracy(cells),
            single=self.resampler.single(cells),
            cells=cells,
            agreement=agreement([text[rows].astype(np.float64) for text in variants], self.centroids, self.config),
            diversity=self._diversity(candidate, vectors) if real else None,
            unseen=neighbours(vectors.astype(np.float64), self.seen.split.unseen) if real else (),
        )

    def _shuffled(self, vectors: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        seeds = range(self.config.seed, self.config.seed + self.config.shuffles)
        return [vectors[shuffled_rows(len(vectors), seed)] for seed in seeds]

    def _diversity(self, candidate: Candidate, vectors: NDArray[np.float32]) -> Diversity:
        rows = list(self.seen.classes)
        texts = [candidate.texts(index) for index in rows]
        near = cosines(vectors[rows].astype(np.float64))
        return Diversity(
            hubness=hubness(near, min(self.config.neighbours, len(rows) - 1)),
            effective=float(np.mean([effective_number(text) for text in texts])),
            texts=float(np.mean([len(text) for text in texts])),
            cosine=float(np.mean([mean_cosine(text) for text in texts])),
        )
