"""Reads and writes files of vectors, without ever unpickling anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import canonical_json, read_text, write_bytes

METADATA = "zsl-skeleton"
"""Key of the one entry that our safetensors files have in their metadata: a JSON object."""
MASK = "mask."
MASK_FILE = ".mask.npy"
NAMES_FILE = "class_names.txt"
_PICKLES = {".pt", ".pth", ".tar", ".pkl", ".pickle", ".bin", ".ckpt", ".npz"}


@dataclass(frozen=True)
class VectorFile:
    """What a file of vectors holds: arrays by name (``""`` where it names none), and what it says about itself."""

    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]


def read_vector_file(path: Path) -> VectorFile:
    """Read a ``.npy`` or ``.safetensors`` file.

    Raises:
        UsageError: the file is a pickle, or of another kind.
        InputError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(
            f"{path} is not a file",
            why="it is a folder" if path.is_dir() else "there is nothing of this name",
            mend="name a .npy or .safetensors file, such as this writes: "
            "zsl-semantics export --dataset DATASET DIR --format npy",
        )
    if suffix in _PICKLES:
        raise UsageError(
            f"{path} is not read",
            why=f"a {suffix} file is a pickle, which may run any program when it is opened"
            if suffix != ".npz"
            else "it is an archive",
            mend=_conversion(path, suffix),
        )
    if suffix == ".npy":
        return VectorFile({"": read_npy(path)}, {})
    if suffix == ".safetensors":
        return _read_safetensors(path)
    raise UsageError(f"{path} is neither .npy nor .safetensors", mend="convert it to one of them")


def _conversion(path: Path, suffix: str) -> str:
    target = path.with_suffix(".npy").name
    if suffix == ".npz":
        return f"python -c \"import numpy as n; n.save('{target}', n.load('{path}')['NAME'])\""
    load = f"torch.load('{path}', weights_only=True, map_location='cpu')"
    return f"where you trust it: python -c \"import numpy, torch; numpy.save('{target}', {load}.float().numpy())\""


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file.

    Raises:
        InputError: it is truncated, holds Python objects, or is no such file.
    """
    try:
        # Mapped first: a header that promises more than the file holds is found out without reserving memory for it.
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        pickled = "pickle" in str(error) or "Python objects" in str(error)
        why = "it holds pickled Python objects, which are never loaded" if pickled else str(error)
        raise InputError(f"{path} cannot be read as .npy", why=why) from error
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path} is an archive of arrays, not one array")
    return np.array(found)


def _read_safetensors(path: Path) -> VectorFile:
    try:
        with safe_open(path, framework="numpy") as stream:
            raw = (stream.metadata() or {}).get(METADATA, "{}")
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
        about = json.loads(raw)
    except (SafetensorError, OSError, TypeError, KeyError, ValueError, AttributeError) as error:
        mend = "save it as float32 (numpy has no bfloat16)" if "bfloat16" in str(error).lower() else ""
        raise InputError(f"{path} cannot be read as safetensors", why=str(error), mend=mend) from error
    if not isinstance(about, dict):
        raise InputError(f"{path} cannot be read as safetensors", why=f"its metadata {METADATA!r} is no JSON object")
    return VectorFile(arrays, about)


def write_safetensors(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Atomically write arrays with what is to be said about them; equal content gives equal bytes."""
    # One entry only: the order of several would be left to chance.
    metadata = {METADATA: canonical_json(dict(about))}
    write_bytes(path, save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, metadata=metadata))


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Atomically write one array."""
    stream = BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, stream.getvalue())


def read_names(path: Path) -> list[str]:
    """Class names, one a line.

    Raises:
        InputError: the file cannot be read, or a line is blank.
    """
    lines = [line.strip() for line in read_text(path).removeprefix("\ufeff").rstrip().split("\n")]
    if not all(lines):
        raise InputError(f"{path}, line {lines.index('') + 1} is blank", mend="write one class name per line")
    return lines


def as_class_vectors(array: NDArray[Any], where: str) -> NDArray[np.float32]:
    """Vectors as float32 [C, K, D]; [C, D] is one vector per class.

    Raises:
        InputError: another shape, no floating-point numbers, or numbers that are not finite as float32.
    """
    if array.ndim == 2:
        array = array[:, None]
    if array.ndim != 3 or 0 in array.shape or array.dtype.kind != "f":
        why = f"it is {array.dtype} {array.shape}"
        raise InputError(f"{where} is not an array of floats [classes, D] or [classes, texts, D]", why=why)
    with np.errstate(over="ignore"):
        vectors = array.astype(np.float32)
    bad = np.argwhere(~np.isfinite(vectors))
    if len(bad):
        raise InputError(f"{where} holds numbers that are not finite", why=f"the first in row {bad[0][0]}")
    return vectors
