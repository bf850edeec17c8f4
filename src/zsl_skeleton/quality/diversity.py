"""What texts tell about themselves: repetition within a class, hubs, and who lies next to whom. No motion needed.

None of it says whether a bank is good. Richer texts lower the separability of classes as seen by an encoder, and it did
not go with published per-class accuracies; it is shown to explain a result, never to choose a bank by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zsl_skeleton.quality.measures import Matrix, cosines, nearest

_NEIGHBOURS = 5


def effective_number(texts: Matrix) -> float:
    """Effective number of different texts among the rows [K, D]: exp of the entropy of the Gram matrix's eigenvalues.

    K for orthogonal texts, 1 for equal ones. The rows are brought to length 1 and the Gram matrix is divided by K, so
    that its eigenvalues sum to 1 (Vendi score: Friedman and Dieng, TMLR 2023). NaN without a text.
    """
    if not len(texts):
        return float("nan")
    unit = texts / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-12)
    # X X' and X' X have the same eigenvalues but for zeros.
    kernel = (unit @ unit.T if len(unit) <= unit.shape[1] else unit.T @ unit) / len(unit)
    values = np.linalg.eigvalsh(kernel)
    shares = values[values > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def mean_cosine(texts: Matrix) -> float:
    """Mean cosine of the pairs of different rows of ``texts`` [K, D]; NaN for fewer than two."""
    count = len(texts)
    if count < 2:
        return float("nan")
    unit = texts / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-12)
    total = unit.sum(0)
    return float((total @ total - (unit * unit).sum()) / (count * (count - 1)))


def hubness(similarity: Matrix, count: int) -> float:
    """Skewness of N_k, how often a class is among the ``count`` nearest of the other classes; 0 where all are alike.

    Above about 1 a few classes are near to everything and attract wrong answers (Radovanovic et al., JMLR 2010;
    Shigeto et al., ECML 2015).
    """
    often = np.bincount(nearest(similarity, count).ravel(), minlength=len(similarity)).astype(np.float64)
    away = often - often.mean()
    spread = float((away**2).mean())
    return float((away**3).mean() / spread**1.5) if spread > 0 else 0.0


@dataclass(frozen=True)
class Neighbour:
    """A class and the class whose text lies nearest to its own.

    Args:
        index, nearest: class indices.
        cosine: between the two class texts.
        gap: by how much the second nearest class is farther away.
        distinctiveness: 1 - mean cosine with the five nearest other classes. Text only: **not** a measure of quality.
    """

    index: int
    nearest: int
    cosine: float
    gap: float
    distinctiveness: float


def neighbours(vectors: Matrix, wanted: tuple[int, ...]) -> tuple[Neighbour, ...]:
    """The nearest of all other classes for each of the ``wanted`` ones; ``vectors`` [C, D] are texts of all classes."""
    similarity = cosines(vectors)
    order = nearest(similarity, min(_NEIGHBOURS, len(vectors) - 1))
    found = []
    for index in wanted:
        near = similarity[index, order[index]]
        gap = float(near[0] - near[1]) if len(near) > 1 else float("nan")
        found.append(Neighbour(index, int(order[index, 0]), float(near[0]), gap, 1 - float(near.mean())))
    return tuple(found)
