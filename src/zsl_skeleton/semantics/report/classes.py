"""The texts class by class, with their marks, and what is measured on them."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.bank import Description, SemanticBank
from zsl_skeleton.semantics.lint import Finding
from zsl_skeleton.semantics.report.contents import ClassTexts, Place, SlotTexts
from zsl_skeleton.semantics.report.geometry import effective
from zsl_skeleton.semantics.report.parts import PARTS, named_parts
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

_NAMES_ONLY = "label"
"""The family whose texts are class names, which cover nothing."""


def class_list(
    bank: SemanticBank, dataset: Dataset, marks: Mapping[Place, Sequence[Finding]], vectors: ClassEmbeddings | None
) -> list[ClassTexts]:
    """All classes of a bank in label order.

    Args:
        bank: the texts.
        dataset: codes and numbers of persons.
        marks: findings by text, slot and class.
        vectors: of the same texts, or None.
    """
    rows: dict[tuple[int, str], list[Description]] = defaultdict(list)
    for row in sorted(bank.descriptions, key=lambda row: row.index):
        rows[row.class_index, row.slot].append(row)
    names = bank.slots
    severities: dict[int | None, Counter[str]] = defaultdict(Counter)
    for (index, _, _), found in marks.items():
        severities[index].update(item.severity for item in found)
    return [
        ClassTexts(
            index=action.index,
            name=action.name,
            code=action.code,
            persons=action.persons,
            slots=[
                SlotTexts(
                    slot,
                    rows[action.index, slot],
                    marks.get((action.index, slot, None), ()),
                    effective(vectors, slot, action.index) if vectors and slot in vectors.slots else None,
                )
                for slot in names
            ],
            findings=marks.get((action.index, None, None), ()),
            severities=severities[action.index],
        )
        for action in dataset.classes
    ]


def coverage(classes: Sequence[ClassTexts]) -> dict[str, Any]:
    """How often each body part is named.

    Returns:
        ``parts``: names of the columns; ``rows``: class -> share of its texts per part, in percent; ``means``: over the
        classes; ``never``: number of classes that do not name the part at all.
    """
    rows: dict[int, list[int]] = {}
    for item in classes:
        texts = [text for slot in item.slots if slot.slot.partition(".")[0] != _NAMES_ONLY for text in slot.used]
        counts = Counter(part for text in texts for part in named_parts(text))
        rows[item.index] = [round(100 * counts[part] / max(len(texts), 1)) for part in PARTS]
    columns = list(zip(*rows.values(), strict=True))
    means = [round(statistics.fmean(column)) for column in columns]
    return {"parts": PARTS, "rows": rows, "means": means, "never": [column.count(0) for column in columns]}


def slot_table(classes: Sequence[ClassTexts]) -> list[dict[str, Any]]:
    """Per slot, the mean over the classes of: texts, words per text, distinct words, effective number (or None).

    ``number`` is the slot's place among those of a class, ``most`` the highest effective number.
    """
    table = []
    for number, first in enumerate(classes[0].slots):
        slots = [item.slots[number] for item in classes]
        numbers = [slot.effective for slot in slots if slot.effective is not None]
        row = {
            "slot": first.slot,
            "number": number,
            "texts": statistics.fmean(len(slot.used) for slot in slots),
            "mean_words": statistics.fmean(slot.mean_words for slot in slots),
            "distinct_words": statistics.fmean(slot.distinct_words for slot in slots),
            "effective": statistics.fmean(numbers) if numbers else None,
            "most": max(numbers, default=0.0),
        }
        table.append(row)
    return table
