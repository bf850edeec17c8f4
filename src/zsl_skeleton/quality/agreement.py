"""RSA, CKA and neighbourhood agreement of a text set with the motion of the seen classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton.quality.measures import (
    Interval,
    Matrix,
    PermutationTest,
    centred_pattern,
    cka,
    cosines,
    gram,
    jackknife,
    neighbourhood_agreement,
    permutation_test,
    rank_pattern,
    rsa,
)

Measure = Callable[[Matrix, Matrix], float]


@dataclass(frozen=True)
class Agreement:
    """How far texts and motion arrange the seen classes alike; intervals by leaving out one class at a time.

    ``rsa`` and ``neighbours`` go by the cosines of the centred class texts and of the visual centroids, ``cka`` by
    their Gram matrices. ``neighbours_chance`` is what unrelated spaces reach. The tests are None for shuffled texts,
    which are permutations themselves.
    """

    rsa: Interval
    cka: Interval
    neighbours: Interval
    neighbours_chance: float
    rsa_test: PermutationTest | None
    cka_test: PermutationTest | None


def agreement(texts: Sequence[Matrix], centroids: Matrix, config: CompareConfig) -> Agreement:
    """Agreement of class texts [S, E] with visual centroids [S, D], rows in the same order.

    Args:
        texts: one matrix; several are permutations of each other, whose mean is taken and which are not tested.
        centroids: of standardised features.
        config: k, the number of permutations and the seed.
    """
    near, seen_near = [cosines(text, centre=True) for text in texts], cosines(centroids)
    kernels, seen_kernel = [gram(text) for text in texts], gram(centroids)
    tests: tuple[PermutationTest | None, PermutationTest | None] = (None, None)
    if len(texts) == 1:
        generator = np.random.default_rng([config.seed, 13])
        tests = (
            permutation_test(rank_pattern(near[0]), rank_pattern(seen_near), config.permutations, generator),
            permutation_test(centred_pattern(kernels[0]), centred_pattern(seen_kernel), config.permutations, generator),
        )

    def overlap(text: Matrix, visual: Matrix) -> float:
        return neighbourhood_agreement(text, visual, config.neighbours)

    return Agreement(
        rsa=_over_classes(rsa, near, seen_near),
        cka=_over_classes(cka, kernels, seen_kernel),
        neighbours=_over_classes(overlap, near, seen_near),
        neighbours_chance=config.neighbours / max(len(centroids) - 1, 1),
        rsa_test=tests[0],
        cka_test=tests[1],
    )


def _over_classes(measure: Measure, texts: Sequence[Matrix], visual: Matrix) -> Interval:
    """Mean of a measure over the text matrices, with its interval over classes."""

    def statistic(chosen: NDArray[np.int64]) -> float:
        part = np.ix_(chosen, chosen)
        return float(np.mean([measure(text[part], visual[part]) for text in texts]))

    return jackknife(statistic, len(visual))
