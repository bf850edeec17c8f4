"""Encodes a semantic bank into class embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.progress import say, track
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.text.altered import ALTERED, Texts, altered_texts
from zsl_skeleton.text.cache import VectorCache, open_vector_cache, vector_key
from zsl_skeleton.text.class_embeddings import STAGE, ClassEmbeddings, EncoderCard
from zsl_skeleton.text.encoders import DTYPES, Encoder, encoder_card, load_encoder, over_long
from zsl_skeleton.text.joining import JOINS, joined_texts

_CHUNKS = {"cpu": 128, "cuda": 2048}  # texts between two steps of the progress bar; what is done is kept


@dataclass(frozen=True)
class EncodeOptions:
    """How the texts of a bank become vectors.

    Args:
        control: ``none``, or a name in ``ALTERED``: the texts (joined ones, with ``join``) are altered before they are
            encoded.
        join: ``none``, or a name in ``JOINS``: ``temporal`` reads each phase after the phases before it.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. A GPU rounds otherwise than the CPU does.
        dtype: ``float32``, or ``bf16`` on a GPU.
    """

    control: str = "none"
    join: str = "none"
    device: str = "auto"
    dtype: str = "float32"

    def checked(self) -> EncodeOptions:
        """The same, with names as they are registered.

        Raises:
            UsageError: one is not.
        """
        control = find_name("control", self.control, dict.fromkeys(("none", *ALTERED)))
        join = find_name("join", self.join, dict.fromkeys(("none", *JOINS)))
        return replace(self, control=control, join=join, dtype=find_name("dtype", self.dtype, dict.fromkeys(DTYPES)))


def encode(store: Store, bank: Artifact, encoder_name: str, control: str = "none") -> Artifact:
    """``encode_all`` for one encoder."""
    return encode_all(store, bank, (encoder_name,), EncodeOptions(control=control))[0]


def encode_all(
    store: Store, bank: Artifact, names: Sequence[str], options: EncodeOptions = EncodeOptions()
) -> list[Artifact]:
    """Make (or find) the class embeddings of a bank: one artifact per encoder, in the order of ``names``.

    Vectors are cached in ``<store>/.cache/embeddings``. All encoders are looked for before the first one computes; one
    at a time is kept in memory.

    Args:
        store: where artifacts lie.
        bank: a finished artifact of the stage ``banks``.
        names: encoders, as ``load_encoder`` takes them.
        options: how.

    Raises:
        UsageError: there is no such encoder, control, join, device or dtype.
        InputError: the bank is damaged, empty or lacks a slot, an encoder has no weights, or the cache is damaged.
    """
    options = options.checked()
    words = SemanticBank.open(bank)
    encoders = [load_encoder(name, device=options.device, dtype=options.dtype) for name in names]
    recipes = [_recipe(bank, words, encoder, options) for encoder in encoders]
    # Where something is left to compute, the device must be there before anything is computed.
    recipes = [
        recipe if store.finished(recipe) else replace(recipe, device=encoder.device)
        for recipe, encoder in zip(recipes, encoders, strict=True)
    ]
    return [_make(store, recipe, words, encoders.pop(0)) for recipe in recipes]


def _recipe(bank: Artifact, words: SemanticBank, encoder: Encoder, options: EncodeOptions) -> Recipe:
    control, join = (None if name == "none" else name for name in (options.control, options.join))
    model = re.sub(r"[^a-z0-9.]+", "-", re.split(r"[:/]", encoder.name)[-1].lower()).strip("-.")
    half = options.dtype if encoder.revision.endswith(f"+{options.dtype}") else None
    marks = (half, f"join-{join}" if join else None, control)
    return Recipe(
        stage=STAGE,
        name="-".join([words.dataset, model or "model", *filter(None, marks)]),
        what=f"class texts of {words.dataset} as vectors of {encoder.name}",
        config={
            "dataset": words.dataset,
            "class_names": list(words.class_names),
            "encoder": encoder_card(encoder).model_dump(),
            "bank": bank.id,
            # A bank that was sampled again after it was deleted has the old id and other texts.
            "texts": sha256_text(canonical_json({slot: words.texts(slot) for slot in words.slots})),
            "control": control,
            "join": join,
        },
        inputs={"bank": bank},
        synthetic=bank.card.synthetic,
    )


def _make(store: Store, recipe: Recipe, words: SemanticBank, encoder: Encoder) -> Artifact:
    def build(folder: Path) -> Mapping[str, Any]:
        joined, control = recipe.config["join"], recipe.config["control"]
        texts: Texts = joined_texts(words) if joined else {slot: words.texts(slot) for slot in words.slots}
        if control:
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
        card = self._cached_as()
        keys = {text: vector_key(card, text) for text in texts}
        found = {text: vector for text, key in keys.items() if (vector := self.cache.get(key)) is not None}
        missing = sorted(keys.keys() - found.keys(), key=lambda text: (len(text), text))
        size = _CHUNKS[self.encoder.device]
        for chunk in track(_chunks(missing, size), f"encode ({self.encoder.name})", -(-len(missing) // size)):
            for text, vector in zip(chunk, self.encoder.encode(chunk), strict=True):
                self.cache.set(keys[text], vector)
                found[text] = vector
        return found

    def _cached_as(self) -> EncoderCard:
        """Vectors of a GPU are kept apart, so that those of the CPU stay the same to the last bit."""
        card = encoder_card(self.encoder)
        if self.encoder.device == "cpu":
            return card
        return card.model_copy(update={"revision": f"{card.revision}+{self.encoder.device}"})


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
    dim = vectors[filled[0]].size
    slots, masks = {}, {}
    for slot, rows in texts.items():
        shape = (len(rows), max(1, *map(len, rows)))
        slots[slot], masks[slot] = np.zeros((*shape, dim), np.float32), np.zeros(shape, np.bool_)
        for index, row in enumerate(rows):
            for position, text in enumerate(row):
                if text.strip():
                    slots[slot][index, position] = vectors[text]
                    masks[slot][index, position] = True
    return ClassEmbeddings(dataset, tuple(class_names), encoder_card(source.encoder), slots, masks)


def _chunks(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


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
    tokens = over_long(encoder, (text for rows in texts.values() for row in rows for text in row))
    return [
        {"slot": slot, "class": embeddings.class_names[index], "index": position, "tokens": tokens[text]}
        for slot, rows in texts.items()
        for index, row in enumerate(rows)
        for position, text in enumerate(row)
        if text in tokens
    ]
