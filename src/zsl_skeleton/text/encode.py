"""Encodes a semantic bank into class embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.progress import say, track
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.text.altered import ALTERED, Texts, altered_texts
from zsl_skeleton.text.cache import VectorCache, open_vector_cache, vector_key
from zsl_skeleton.text.class_embeddings import STAGE, ClassEmbeddings
from zsl_skeleton.text.encoders import Encoder, encoder_card, load_encoder

_CHUNK = 128  # texts between two steps of the progress bar
_MARKERS = 2  # tokens that an encoder may put around a text


def encode(store: Store, bank: Artifact, encoder_name: str, control: str = "none") -> Artifact:
    """Make (or find) the class embeddings of a bank; vectors are cached in ``<store>/.cache/embeddings``.

    Args:
        store: where artifacts lie.
        bank: a finished artifact of the stage ``banks``.
        encoder_name: a name of ``ENCODERS``.
        control: ``"none"``, or a name in ``ALTERED``: the texts are altered before they are encoded.

    Raises:
        UsageError: there is no such encoder or control.
        InputError: the bank is damaged or empty, the encoder has no weights, or the cache is damaged.
    """
    encoder = load_encoder(encoder_name)
    if control != "none":
        control = find_name("control", control, dict.fromkeys(ALTERED))
    words = SemanticBank.open(bank)
    recipe = Recipe(
        stage=STAGE,
        name="-".join([words.dataset, encoder.name, *([control] if control != "none" else [])]),
        what=f"class texts of {words.dataset} as vectors of {encoder.name}",
        config={
            "dataset": words.dataset,
            "class_names": list(words.class_names),
            "encoder": encoder_card(encoder).model_dump(),
            "bank": bank.id,
            "control": None if control == "none" else control,
        },
        inputs={"bank": bank},
        synthetic=bank.card.synthetic,
    )

    def build(folder: Path) -> Mapping[str, Any]:
        texts: Texts = {slot: words.texts(slot) for slot in words.slots}
        if control != "none":
            texts = altered_texts(texts, control)
        with closing(open_vector_cache(store.root / ".cache" / "embeddings")) as cache:
            embeddings = embed(texts, words.dataset, words.class_names, Source(encoder, cache))
        embeddings.write(folder)
        return _summary(embeddings, texts, encoder)

    return store.make(recipe, build)


@dataclass(frozen=True)
class Source:
    """Where vectors come from: the cache first, the encoder for the rest."""

    encoder: Encoder
    cache: VectorCache

    def vectors(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Text -> vector [D] for all distinct ``texts``; each chunk is kept in the cache as soon as it is computed."""
        card = encoder_card(self.encoder)
        keys = {text: vector_key(card, text) for text in texts}
        found = {text: vector for text, key in keys.items() if (vector := self.cache.get(key)) is not None}
        missing = sorted(keys.keys() - found.keys(), key=lambda text: (len(text), text))
        for chunk in track(_chunks(missing), f"encode ({self.encoder.name})", -(-len(missing) // _CHUNK)):
            for text, vector in zip(chunk, self.encoder.encode(chunk), strict=True):
                self.cache.set(keys[text], vector)
                found[text] = vector
        return found


def embed(texts: Texts, dataset: str, class_names: Sequence[str], source: Source) -> ClassEmbeddings:
    """Class embeddings of ``texts``; blank texts count as missing.

    Raises:
        InputError: a slot has not one entry per class, or there is no text at all.
    """
    for slot, rows in texts.items():
        if len(rows) != len(class_names):
            raise InputError(f"the bank of {dataset} has {len(rows)} classes in slot {slot!r}, not {len(class_names)}")
    filled = [text for rows in texts.values() for row in rows for text in row if text.strip()]
    if not filled:
        mend = f"zsl-semantics generate --dataset {dataset}"
        raise InputError(f"the bank of {dataset} holds no text", mend=mend)
    vectors = source.vectors(filled)
    slots, masks = {}, {}
    for slot, rows in texts.items():
        shape = (len(rows), max(1, *map(len, rows)))
        slots[slot], masks[slot] = np.zeros((*shape, source.encoder.dim), np.float32), np.zeros(shape, np.bool_)
        for index, row in enumerate(rows):
            for position, text in enumerate(row):
                if text.strip():
                    slots[slot][index, position] = vectors[text]
                    masks[slot][index, position] = True
    return ClassEmbeddings(dataset, tuple(class_names), encoder_card(source.encoder), slots, masks)


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _CHUNK):
        yield texts[start : start + _CHUNK]


def _summary(embeddings: ClassEmbeddings, texts: Texts, encoder: Encoder) -> dict[str, Any]:
    cut = _cut_texts(embeddings, texts, encoder)
    if cut:
        say(f"{len(cut)} texts are longer than the {encoder.max_tokens} tokens that {encoder.name} reads; see the card")
    missing = {slot: int((~mask).sum()) for slot, mask in embeddings.masks.items() if not mask.all()}
    return {
        "dim": embeddings.dim,
        "texts": {slot: int(mask.sum()) for slot, mask in embeddings.masks.items()},
        "missing": missing,
        "cut": cut,
    }


def _cut_texts(embeddings: ClassEmbeddings, texts: Texts, encoder: Encoder) -> list[dict[str, Any]]:
    """Texts whose end the encoder does not read: slot, class, position in the slot, tokens."""
    if encoder.max_tokens is None:
        return []
    places = [
        {"slot": slot, "class": embeddings.class_names[index], "index": position, "text": text}
        for slot, rows in texts.items()
        for index, row in enumerate(rows)
        for position, text in enumerate(row)
        if len(text) + _MARKERS > encoder.max_tokens  # else it cannot be too long: a token has at least one character
    ]
    counts = encoder.count_tokens([str(place.pop("text")) for place in places])
    return [place | {"tokens": n} for place, n in zip(places, counts, strict=True) if n > encoder.max_tokens]
