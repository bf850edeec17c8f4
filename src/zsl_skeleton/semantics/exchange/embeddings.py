"""Imports class embeddings that somebody else computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import sha256_file
from zsl_skeleton.progress import say
from zsl_skeleton.semantics.exchange.layout import Reading, bind_names, check_slot
from zsl_skeleton.semantics.exchange.vectors import (
    MASK,
    MASK_FILE,
    NAMES_FILE,
    as_class_vectors,
    read_names,
    read_npy,
    read_vector_file,
)
from zsl_skeleton.text.class_embeddings import STAGE, ClassEmbeddings, EncoderCard

_UNIT = 1e-3  # how far from 1 a length may be to count as 1


class VectorImport(BaseModel):
    """How vectors are imported.

    Args:
        encoder: who made them, for the card; None: what the file says.
        names_file: class names in the order of the rows, one a line.
        trust_order: row i is class i; taken on the user's word.
        name: readable name of the artifact; None: ``<dataset>-<encoder>``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str | None = None
    names_file: Path | None = None
    trust_order: bool = False
    name: str | None = None


@dataclass(frozen=True)
class _Rows:
    """What one file gives a slot: vectors [C, K, D], mask [C, K], names of the rows, what it says of the encoder."""

    path: Path
    vectors: NDArray[np.float32]
    mask: NDArray[np.bool_]
    names: tuple[str, ...] | None
    encoder: EncoderCard | None


def import_embeddings(
    store: Store, dataset: Dataset, sources: Sequence[str], config: VectorImport = VectorImport()
) -> Artifact:
    """Make class embeddings (stage ``embeddings``) of vectors in files; the same files give the same artifact.

    Args:
        store: where artifacts lie.
        dataset: whose classes the rows are.
        sources: ``SLOT=FILE``, ``FILE`` (an ``.npy`` file is called like its slot), or a folder of ``.npy`` files.
        config: what the files do not say.

    Raises:
        UsageError: a file is a pickle, a slot is not known, or nothing says which class a row is.
        InputError: a file is damaged, or its rows do not fit the data set.
    """
    found: dict[str, _Rows] = {}
    for source in sources:
        for slot, rows in _read(source).items():
            if slot in found:
                raise UsageError(f"the slot {slot!r} is given twice", why=f"{found[slot].path} and {rows.path}")
            found[slot] = _bound(rows, dataset, config)
    if not found:
        raise UsageError("no vectors are given", mend="name files: SLOT=FILE")
    embeddings = ClassEmbeddings(
        dataset.name,
        dataset.class_names,
        _encoder(found, config),
        {slot: rows.vectors for slot, rows in found.items()},
        {slot: rows.mask for slot, rows in found.items()},
    )

    def build(folder: Path) -> Mapping[str, Any]:
        embeddings.write(folder)
        return {"dim": embeddings.dim, "texts": {slot: int(mask.sum()) for slot, mask in embeddings.masks.items()}}

    return store.make(_recipe(dataset, embeddings, found, config), build)


def _recipe(dataset: Dataset, embeddings: ClassEmbeddings, found: Mapping[str, _Rows], config: VectorImport) -> Recipe:
    names = ", ".join(dict.fromkeys(rows.path.name for rows in found.values()))
    return Recipe(
        stage=STAGE,
        name=config.name or f"{dataset.name}-{embeddings.encoder.name}".replace("/", "-"),
        what=f"vectors for the classes of {dataset.name}, imported from {names}",
        config={
            "dataset": dataset.name,
            "class_names": list(dataset.class_names),
            "encoder": embeddings.encoder.model_dump(),
            "bank": None,
            "control": None,
            "source": {slot: {"file": r.path.name, "sha256": sha256_file(r.path)} for slot, r in found.items()},
            "names": sha256_file(config.names_file) if config.names_file else None,
        },
        synthetic=dataset.synthetic,
    )


def _read(source: str) -> dict[str, _Rows]:
    """Slot -> rows of one source."""
    named, _, rest = source.rpartition("=")
    path = Path(rest)
    if path.is_dir():
        if named:
            raise UsageError(f"{path} is a folder", why="the files in it are called like their slots")
        files = [file for file in sorted(path.glob("*.npy")) if not file.name.endswith(MASK_FILE)]
        if not files:
            raise InputError(f"the folder {path} holds no .npy file")
        return {slot: rows for file in files for slot, rows in _read_file(file, "").items()}
    return _read_file(path, named)


def _read_file(path: Path, named: str) -> dict[str, _Rows]:
    file = read_vector_file(path)
    arrays = {name: array for name, array in file.arrays.items() if not name.startswith(MASK)}
    if named and len(arrays) > 1 and named not in arrays:
        raise UsageError(f"{path} holds the tensors {', '.join(sorted(arrays))}", mend="name one of them as the slot")
    if named:
        arrays = {named: arrays[named] if named in arrays else next(iter(arrays.values()))} if arrays else {}
    names = file.about.get("class_names")
    if names is None and (path.parent / NAMES_FILE).is_file() and path.suffix == ".npy":
        names = read_names(path.parent / NAMES_FILE)
    encoder = _stated_encoder(file.about.get("encoder"), path)
    found = {}
    for name, array in arrays.items():
        slot = name or path.name.removesuffix(".npy")
        check_slot(slot, f"name the slot of the file: SLOT={path}")
        vectors = as_class_vectors(array, f"{path}, {slot}")
        mask = _mask(path, file.arrays.get(MASK + slot), vectors, slot)
        found[slot] = _Rows(path, vectors, mask, tuple(map(str, names)) if names else None, encoder)
    return found


def _mask(path: Path, stored: NDArray[Any] | None, vectors: NDArray[np.float32], slot: str) -> NDArray[np.bool_]:
    beside = path.with_name(f"{slot}{MASK_FILE}")
    if stored is None and path.suffix == ".npy" and beside.is_file():
        stored = read_npy(beside)
    mask = np.ones(vectors.shape[:2], np.bool_) if stored is None else stored.astype(np.bool_)
    if mask.shape != vectors.shape[:2]:
        raise InputError(f"the mask of {slot!r} in {path} is {mask.shape}", why=f"the vectors are {vectors.shape}")
    lost = np.argwhere(mask & ~vectors.any(axis=2))
    if len(lost):
        raise InputError(
            f"{path}, {slot}: vector {lost[0][1]} of row {lost[0][0]} is all zeros", why="it has no direction"
        )
    return mask


def _bound(rows: _Rows, dataset: Dataset, config: VectorImport) -> _Rows:
    """The rows in the order of the catalog's classes."""
    size = len(dataset.classes)
    if len(rows.vectors) != size:
        why = f"{len(rows.vectors)} rows for {size} classes"
        raise InputError(f"{rows.path} does not fit the data set {dataset.name}", why=why)
    names = tuple(read_names(config.names_file)) if config.names_file else rows.names
    if names is None:
        if not config.trust_order:
            raise UsageError(
                f"nothing says which class a row of {rows.path} is",
                mend="add --names-file FILE (one class name a line), or --trust-order if row i is class i of "
                + dataset.name,
            )
        return rows
    order, remarks = bind_names(names, Reading(dataset, {}, config.trust_order), str(config.names_file or rows.path))
    for remark in remarks:
        say(remark)
    vectors, mask = np.empty_like(rows.vectors), np.empty_like(rows.mask)
    vectors[order], mask[order] = rows.vectors, rows.mask
    vectors[~mask] = 0
    return _Rows(rows.path, vectors, mask, names, rows.encoder)


def _stated_encoder(stated: Any, path: Path) -> EncoderCard | None:
    try:
        return None if stated is None else EncoderCard.model_validate(stated)
    except ValidationError as error:
        raise InputError(f"{path} does not say properly which encoder made it", why=error.errors()[0]["msg"]) from error


def _encoder(found: Mapping[str, _Rows], config: VectorImport) -> EncoderCard:
    said = {rows.encoder for rows in found.values()}
    stated = next(iter(said)) if len(said) == 1 else None
    if config.encoder is None and stated is None:
        raise UsageError("nothing says which encoder made the vectors", mend="add --encoder NAME")
    lengths = np.concatenate([np.linalg.norm(rows.vectors[rows.mask], axis=1) for rows in found.values()])
    unit = bool(np.abs(lengths - 1).max(initial=0) < _UNIT)
    if stated is not None and config.encoder in (None, stated.name):
        return stated.model_copy(update={"normalise": unit})
    return EncoderCard(name=str(config.encoder), revision="imported", pooling="unknown", normalise=unit)
