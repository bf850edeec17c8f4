"""Which text sets are compared: banks x encoders x slot groups, each beside its controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError, unknown_name
from zsl_skeleton.progress import say
from zsl_skeleton.quality.config import ALL_SLOTS, DEFAULT_SLOTS, CompareConfig
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.text.encode import encode
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import load_text
from zsl_skeleton.training.settings import resolve_settings

REAL, SHUFFLED, NAME_ONLY, RANDOM_WORDS = "none", "shuffled", "name-only", "random-words"
_LABEL = "label"


@dataclass(frozen=True)
class TextSet:
    """What a candidate is called: bank, encoder, group of slots, control (``"none"``: the texts as they are)."""

    bank: str
    encoder: str
    group: str
    control: str = REAL


@dataclass(frozen=True)
class Candidate:
    """A set of class texts that could be trained with: the ``slots`` of ``embeddings``, averaged per class.

    Under the control ``shuffled`` the embeddings are the real ones; classes are renamed when they are measured.
    """

    name: TextSet
    slots: tuple[str, ...]
    embeddings: ClassEmbeddings

    def vectors(self) -> NDArray[np.float32]:
        """The text of every class [C, E] as the ridge sees it: the mean of the slots' means of unit vectors.

        Raises:
            InputError: a class has no text in one of the slots.
        """
        text = load_text(self.embeddings, self.slots, torch.device("cpu"))
        return np.asarray(torch.stack([text.mean(slot) for slot in self.slots]).mean(0).numpy())

    def texts(self, class_index: int) -> NDArray[np.float64]:
        """All vectors [K, E] of a class, slot after slot."""
        found = [
            self.embeddings.slots[slot][class_index][self.embeddings.masks[slot][class_index]] for slot in self.slots
        ]
        return np.concatenate(found).astype(np.float64)


def slot_group(group: str, available: Sequence[str], dataset: str) -> tuple[str, ...]:
    """The slots meant by ``a+b``, ``all`` or ``default`` (those the ridge reads); a family means all its slots.

    Raises:
        UsageError: there is no such slot or family.
    """
    if group == ALL_SLOTS:
        return tuple(available)
    parts = default_slots(dataset) if group == DEFAULT_SLOTS else tuple(part.strip() for part in group.split("+"))
    found: list[str] = []
    for part in parts:
        own = [slot for slot in available if part in (slot, slot.partition(".")[0])]
        if not own:
            known = {*available, *(slot.partition(".")[0] for slot in available)}
            raise unknown_name("slot or family", part, known)
        found += own
    return tuple(dict.fromkeys(found))


def default_slots(dataset: str) -> tuple[str, ...]:
    """The slots that the ridge's preset ``default`` reads."""
    return resolve_settings(RunConfig(method="ridge"), dataset).method.needed_slots


def candidates(store: Store, banks: Sequence[Artifact], config: CompareConfig) -> list[Candidate]:
    """Encode the banks (or find their class embeddings) and name the text sets to compare.

    Raises:
        UsageError: an encoder, slot or family does not exist.
        InputError: a bank is damaged, an encoder has no weights, or nothing is left to compare.
    """
    found = [
        candidate
        for bank in banks
        for encoder in config.encoder
        for candidate in _of_bank(store, bank, encoder, config)
    ]
    if not any(candidate.name.control == REAL for candidate in found):
        raise InputError("no bank has the slots to compare", mend="name slots that the banks have with --slots")
    return list({candidate.name: candidate for candidate in found}.values())


def _of_bank(store: Store, bank: Artifact, encoder: str, config: CompareConfig) -> Iterator[Candidate]:
    embeddings = ClassEmbeddings.open(encode(store, bank, encoder))
    available = _ordered(embeddings.slots, bank)
    scrambled = ClassEmbeddings.open(encode(store, bank, encoder, control=RANDOM_WORDS)) if config.controls else None
    for group in config.slots:
        if group == DEFAULT_SLOTS and not set(default_slots(embeddings.dataset)) <= set(available):
            say(f"{bank.path.name} lacks {' or '.join(default_slots(embeddings.dataset))}, the slots of the ridge")
            continue
        slots = slot_group(group, available, embeddings.dataset)
        name = TextSet(
            bank.path.name, embeddings.encoder.name, ALL_SLOTS if group == ALL_SLOTS else _joined(group, slots)
        )
        real = Candidate(name, slots, embeddings)
        yield real
        if scrambled:
            yield replace(real, name=replace(name, control=RANDOM_WORDS), embeddings=scrambled)
            yield replace(real, name=replace(name, control=SHUFFLED))
    if not config.controls:
        return
    if _LABEL not in available:
        say(f"{bank.path.name} has no slot {_LABEL!r}: the control {NAME_ONLY} is left out")
        return
    names = ClassEmbeddings.open(encode(store, bank, encoder, control=NAME_ONLY))
    # The name stands in every slot, so that all groups would give the same.
    yield Candidate(TextSet(bank.path.name, embeddings.encoder.name, _LABEL, NAME_ONLY), (_LABEL,), names)


def _joined(group: str, slots: tuple[str, ...]) -> str:
    return "+".join(slots) if group == DEFAULT_SLOTS else group


def _ordered(slots: dict[str, NDArray[np.float32]], bank: Artifact) -> tuple[str, ...]:
    """Slots family by family, in the bank's order of families (a tensor file sorts them by size)."""
    families = list(bank.card.config["families"])
    return tuple(sorted(slots, key=lambda slot: (families.index(slot.partition(".")[0]), slot)))
