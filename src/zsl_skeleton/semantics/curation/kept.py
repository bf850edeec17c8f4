"""What a new generation must respect of an earlier bank: texts that stay, and texts that must not come again."""

from __future__ import annotations

from zsl_skeleton.semantics.bank import Description, SemanticBank

_KEPT = ("edited", "approved")


def kept_rows(bank: SemanticBank) -> dict[tuple[int, str, int], Description]:
    """(class index, slot, number) -> row, for all edited and approved texts."""
    return {row.place: row for row in bank.descriptions if row.provenance.state in _KEPT}


def rejected_texts(bank: SemanticBank) -> dict[tuple[int, str], tuple[str, ...]]:
    """(class index, slot) -> the rejected texts there, by number; places without any are left out."""
    found: dict[tuple[int, str], tuple[str, ...]] = {}
    for row in sorted(bank.descriptions, key=lambda row: row.index):
        if row.provenance.state == "rejected":
            place = (row.class_index, row.slot)
            found[place] = (*found.get(place, ()), row.text)
    return found
