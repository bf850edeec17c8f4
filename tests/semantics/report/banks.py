"""Banks, data sets and vectors for the tests of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard

WRITER = Provenance(family="", template="ab" * 32, backend="echo", model="parrot")
Texts = Mapping[str, Sequence[Sequence[str]]]


def dataset_of(names: Sequence[str], splits: Mapping[str, Sequence[int]] | None = None) -> Dataset:
    """A data set of these classes; ``splits``: name -> unseen classes."""
    found = {name: {"name": name, "unseen": unseen, "source": "the tests"} for name, unseen in (splits or {}).items()}
    content: dict[str, Any] = {
        "name": "toy",
        "title": "Toy set",
        "synthetic": True,
        "layout": "ntu-25",
        "fps": 30,
        "persons": 1,
        "classes": [{"index": n, "code": f"A{n + 1}", "name": name} for n, name in enumerate(names)],
        "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1]}},
        "default_protocol": "xsub",
        "splits": found,
    }
    return Dataset.model_validate(content)


def bank_of(dataset: Dataset, texts: Texts) -> SemanticBank:
    """A bank; ``texts``: slot -> class -> texts."""
    rows = [
        Description(
            dataset=dataset.name,
            class_index=number,
            class_name=dataset.class_names[number],
            slot=slot,
            index=index,
            text=text,
            provenance=Provenance(
                family=f"{slot.split('.')[0]}@v1", template="ab" * 32, backend="echo", model="parrot"
            ),
        )
        for slot, classes in texts.items()
        for number, found in enumerate(classes)
        for index, text in enumerate(found)
    ]
    return SemanticBank(dataset.name, dataset.class_names, tuple(rows), "f0" * 32)


def changed(bank: SemanticBank, place: tuple[int, str, int], **provenance: Any) -> SemanticBank:
    """The bank with another provenance of one text."""
    rows = list(bank.descriptions)
    at = next(n for n, row in enumerate(rows) if row.place == place)
    rows[at] = rows[at].model_copy(update={"provenance": rows[at].provenance.model_copy(update=provenance)})
    return SemanticBank(bank.dataset, bank.class_names, tuple(rows), bank.id)


def vectors_of(bank: SemanticBank, dim: int = 16) -> ClassEmbeddings:
    """Random vectors for the texts of a bank."""
    draw = np.random.default_rng(0)
    slots, masks = {}, {}
    for slot in bank.slots:
        texts = bank.texts(slot)
        most = max(map(len, texts))
        masks[slot] = np.array([[n < len(found) for n in range(most)] for found in texts])
        vectors = draw.standard_normal((len(texts), most, dim)).astype(np.float32)
        slots[slot] = vectors * masks[slot][:, :, None]
    encoder = EncoderCard(name="toy", revision="r1", pooling="mean", normalise=False)
    return ClassEmbeddings(bank.dataset, bank.class_names, encoder, slots, masks)
