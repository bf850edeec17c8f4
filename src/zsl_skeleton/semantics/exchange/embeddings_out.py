"""Exports class embeddings into files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.files import write_text
from zsl_skeleton.registry import find_name
from zsl_skeleton.semantics.exchange.texts import refuse_existing
from zsl_skeleton.semantics.exchange.vectors import MASK, MASK_FILE, NAMES_FILE, write_npy, write_safetensors
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

FORMATS = {
    "npy": "a folder with <slot>.npy [C, K, D] ([C, D] where K is 1) and class_names.txt",
    "safetensors": "one file with a tensor [C, K, D] per slot; class names and encoder in its metadata",
}


def export_embeddings(artifact: Artifact, path: Path, form: str, *, overwrite: bool = False) -> list[Path]:
    """Write class embeddings for other programs; see ``FORMATS``.

    Args:
        artifact: of the stage ``embeddings``.
        path: a folder (``npy``) or a file (``safetensors``).
        form: a name in ``FORMATS``.
        overwrite: replace files that exist.

    Returns:
        The files written.

    Raises:
        UsageError: an unknown format.
        InputError: the artifact holds no class embeddings, or a file exists.
    """
    embeddings = ClassEmbeddings.open(artifact)
    masks = {slot: mask for slot, mask in embeddings.masks.items() if not mask.all()}
    if find_name("format", form, FORMATS) == "safetensors":
        refuse_existing([path], overwrite=overwrite)
        about = {
            "dataset": embeddings.dataset,
            "class_names": list(embeddings.class_names),
            "encoder": embeddings.encoder.model_dump(),
            "artifact": artifact.path.name,
        }
        tensors = dict(embeddings.slots) | {MASK + slot: mask.astype(np.uint8) for slot, mask in masks.items()}
        write_safetensors(path, tensors, about)
        return [path]
    arrays: dict[str, NDArray[Any]] = {
        f"{slot}.npy": v[:, 0] if v.shape[1] == 1 else v for slot, v in embeddings.slots.items()
    }
    arrays |= {f"{slot}{MASK_FILE}": mask for slot, mask in masks.items()}
    files = [path / name for name in (*arrays, NAMES_FILE)]
    refuse_existing(files, overwrite=overwrite)
    for name, array in arrays.items():
        write_npy(path / name, array)
    write_text(path / NAMES_FILE, "".join(f"{name}\n" for name in embeddings.class_names))
    return files
