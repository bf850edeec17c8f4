"""What the scripts of the page draw: similarities per slot, and neighbours per split and slot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.report.geometry import Matrix, Neighbours, nearest, pack, similarity
from zsl_skeleton.text.class_embeddings import ClassEmbeddings


def check_vectors(embeddings: ClassEmbeddings, bank: SemanticBank, dataset: Dataset) -> None:
    """Make sure that the embeddings are those of the texts of the bank, as far as classes, slots and numbers tell.

    Raises:
        InputError: they are not.
    """
    embeddings.check(dataset)
    for slot, mask in embeddings.masks.items():
        numbers = [len(texts) for texts in bank.texts(slot)] if slot in bank.slots else None
        if numbers != mask.sum(axis=1).tolist():
            raise InputError(
                f"the class embeddings are not those of this bank of {dataset.name}",
                why=f"the slot {slot!r} has other texts" if numbers else f"the bank has no slot {slot!r}",
                mend=f"zsl-semantics encode --dataset {dataset.name} --bank BANK",
            )


def similarities(
    embeddings: ClassEmbeddings, dataset: Dataset, first_split: str | None, slots: Sequence[str]
) -> dict[str, Any]:
    """JSON values: ``slots`` (name, low, high, cells as in :func:`pack`) and ``splits`` (name, source, unseen, rows).

    ``rows`` of a split holds, per slot, a list of [class, nearest seen class, its cosine, nearest unseen class, its
    cosine], None where there is no such class. The last split is no split: every class, and its nearest other class
    in the place of the unseen one.

    Args:
        embeddings: vectors of the bank.
        dataset: its splits are taken.
        first_split: name of the split that comes first; None: the data set's order.
        slots: all slots of the bank, in its order; those without vectors are left out.
    """
    matrices = {slot: similarity(embeddings, slot) for slot in slots if slot in embeddings.slots}
    packed = {slot: pack(matrix) for slot, matrix in matrices.items()}
    splits = sorted(dataset.splits.values(), key=lambda split: split.name != first_split)
    found = [_split((split.name, split.source), split.unseen, matrices.values()) for split in splits]
    everything = _split(("", "every class against all others"), range(len(dataset.classes)), matrices.values())
    return {
        "slots": [
            dict(zip(("name", "low", "high", "cells"), (slot, *values), strict=True)) for slot, values in packed.items()
        ],
        "splits": [*found, everything | {"unseen": []}],
    }


def _split(named: tuple[str, str], unseen: Iterable[int], matrices: Iterable[Matrix]) -> dict[str, Any]:
    chosen = list(unseen)
    rows = [[_row(item) for item in nearest(matrix, chosen)] for matrix in matrices]
    return {"name": named[0], "source": named[1], "unseen": chosen, "rows": rows}


def _row(item: Neighbours) -> list[int | float | None]:
    return [item.class_index, *(item.seen or (None, None)), *(item.unseen or (None, None))]
