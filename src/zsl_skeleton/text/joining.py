"""Texts that tell the course of a movement so far: the start, the start and the main part, the whole.

Neuron (CVPR 2025) holds each step of its temporal side against such a text. The bank keeps the phases apart; they are
joined when they are encoded.
"""

from __future__ import annotations

from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank

JOINS = ("temporal",)
"""Ways of joining slots."""

COURSE = ("temporal.start", "temporal.main", "temporal.end")
"""Slots whose texts continue each other, item by item."""


def joined_texts(bank: SemanticBank) -> dict[str, list[list[str]]]:
    """All texts of a bank by slot and class; text k of a phase is read after text k of the phases before it.

    Where that text was rejected or has failed, another one of its class and phase stands in, by turns; where the class
    has none at all, the phase is left out.

    Raises:
        InputError: the bank lacks a phase.
    """
    missing = [slot for slot in COURSE if slot not in bank.slots]
    if missing:
        raise InputError(
            f"the phases of the bank of {bank.dataset} cannot be joined",
            why=f"it has no slot {', no '.join(missing)}",
            mend=f"zsl-semantics generate --dataset {bank.dataset}, or leave out --join",
        )
    texts = {slot: bank.texts(slot) for slot in bank.slots}
    phases = _phases(bank)
    for number, slot in enumerate(COURSE):
        for index, by_index in enumerate(phases[slot]):
            before = [phases[earlier][index] for earlier in COURSE[:number]]
            texts[slot][index] = [
                " ".join([*(_item(phase, k) for phase in before if phase), by_index[k]]) for k in sorted(by_index)
            ]
    return texts


def _phases(bank: SemanticBank) -> dict[str, list[dict[int, str]]]:
    """Slot -> by class index, the texts in use by their number."""
    found: dict[str, list[dict[int, str]]] = {slot: [{} for _ in bank.class_names] for slot in COURSE}
    for row in bank.descriptions:
        if row.slot in found and row.in_use and row.text.strip():
            found[row.slot][row.class_index][row.index] = row.text
    return found


def _item(phase: dict[int, str], k: int) -> str:
    known = sorted(phase)
    return phase[k] if k in phase else phase[known[k % len(known)]]
