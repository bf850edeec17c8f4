"""What generalised evaluation needs of a method: its scores among all candidates, and among each side alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods.base import Method
from zsl_skeleton.training.data import LOGITS, Clips


@dataclass(frozen=True)
class Evidence:
    """Scores of N clips against C candidate classes, U of which count as unseen.

    Args:
        scores: [N, C] with all classes as candidates.
        unseen_scores: [N, U] with only the unseen classes as candidates; they may differ from the columns of
            ``scores`` where a method's score depends on the other candidates.
        logits: [N, L] of a classifier trained on the seen classes: the backbone's, of all classes of the data set, else
            the method's own ``scores``.
        columns: int64 [C], the column of ``logits`` that belongs to each candidate.
        labels: int64 [N], column of ``scores``.
        seen: bool [C].
    """

    scores: NDArray[np.float32]
    unseen_scores: NDArray[np.float32]
    logits: NDArray[np.float32]
    columns: NDArray[np.int64]
    labels: NDArray[np.int64]
    seen: NDArray[np.bool_]

    @property
    def seen_columns(self) -> NDArray[np.bool_]:
        """Which columns of ``logits`` are of seen candidates [L]."""
        return np.isin(np.arange(self.logits.shape[1]), self.columns[self.seen])


def gather_evidence(method: Method, clips: Clips, seen: NDArray[np.bool_], seed: int) -> Evidence:
    """Score ``clips``, whose classes are the candidates; ``seen`` [C] tells which of them the method was trained on."""

    def scored(columns: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = torch.from_numpy(columns).to(clips.device)
        found: NDArray[np.float32] = class_scores(method, clips.features, clips.text.select(rows), seed).cpu().numpy()
        return found

    scores, unseen = scored(np.arange(len(seen))), np.flatnonzero(~seen)
    alone = scored(unseen) if method.joint else scores[:, unseen]
    logits, columns = scores, np.arange(len(seen))
    if LOGITS in clips.features:
        logits, columns = clips.features[LOGITS].cpu().numpy(), np.array(clips.classes, dtype=np.int64)
    return Evidence(scores, alone, logits, columns, clips.labels.cpu().numpy(), seen)
