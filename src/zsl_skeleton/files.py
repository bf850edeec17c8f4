"""Writing and reading files so that nothing is ever half-written and nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from zsl_skeleton.errors import InputError

Array = NDArray[Any]


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value that hashes are taken of: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_text(text: str) -> str:
    """Hex SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A stream to a temporary file that, left without an error, is flushed to the disk and renamed to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, then rename it into place."""
    with replacing(path) as stream:
        stream.write(content)


def write_text(path: Path, text: str) -> None:
    """Atomically write UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Atomically write indented JSON with a trailing newline; keys keep their order."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:  # besides bad syntax: absurdly long numbers, absurdly deep nesting
        raise InputError(f"{path} is not valid JSON", why=str(error)) from error


# The parser in C where PyYAML has one: the facts of 120 classes are read in a fifth of the time.
_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """Read a YAML file (plain data only).

    Raises:
        InputError: the file is missing or is not YAML.
    """
    try:
        return yaml.load(read_text(path), Loader=_YAML)
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML", why=" ".join(str(error).split())) from error


def read_text(path: Path) -> str:
    """Read UTF-8 text.

    Raises:
        InputError: the file cannot be read or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text", why=f"byte {error.start} cannot be decoded") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read", why=error.strerror or str(error)) from error


def write_tensors(path: Path, tensors: Mapping[str, Array]) -> None:
    """Atomically write arrays as safetensors (deterministic bytes for equal content)."""
    write_bytes(path, save({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}))


def read_tensors(path: Path) -> dict[str, Array]:
    """Read the arrays of a safetensors file.

    Raises:
        InputError: the file is missing, truncated or not safetensors.
    """
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read as safetensors", why=str(error)) from error


# The data types that safetensors knows and numpy too, in the order in which a file holds them.
_DTYPES = ("U64", "I64", "F64", "F32", "U32", "I32", "F16", "U16", "I16", "I8", "U8", "BOOL")
_NUMPY = {"U": "u", "I": "i", "F": "f"}


def _numpy_dtype(name: str) -> np.dtype[Any]:
    return np.dtype(bool) if name == "BOOL" else np.dtype(f"<{_NUMPY[name[0]]}{int(name[1:]) // 8}")


_NAMES = {_numpy_dtype(name): name for name in _DTYPES}


@dataclass(frozen=True)
class Parts:
    """An array that is written part by part, so that it never lies in memory as a whole.

    Args:
        shape: of the whole.
        dtype: of every part.
        read: starts an iteration over the parts, which follow each other along the first axis.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Iterable[Array]]

    @classmethod
    def of(cls, array: Array) -> Parts:
        """The whole array as the only part."""
        return cls(array.shape, array.dtype, lambda: (array,))

    @property
    def bytes(self) -> int:
        """Size of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


def stream_tensors(path: Path, tensors: Mapping[str, Parts]) -> None:
    """Atomically write arrays as safetensors, byte for byte as :func:`write_tensors`, with one part in memory.

    Raises:
        InputError: the parts of an array do not make up what it promises.
    """
    names = sorted(tensors, key=lambda name: (_DTYPES.index(_NAMES[tensors[name].dtype]), name))
    header, end = {}, 0
    for name in names:
        array, begin = tensors[name], end
        end += array.bytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            _write_parts(stream, name, tensors[name])


def _write_parts(stream: IO[bytes], name: str, whole: Parts) -> None:
    rows = 0
    for part in whole.read():
        if part.dtype != whole.dtype or part.shape[1:] != whole.shape[1:]:
            raise InputError(
                f"a part of {name!r} has type {part.dtype} and shape {list(part.shape)}",
                why=f"the whole has type {whole.dtype} and shape {list(whole.shape)}",
            )
        stream.write(np.ascontiguousarray(part).data)
        rows += len(part)
    if rows != whole.shape[0]:
        raise InputError(f"the parts of {name!r} have {rows} rows", why=f"the whole has {whole.shape[0]}")


def map_tensors(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file as read-only views of the file; nothing is read before it is used.

    Raises:
        InputError: the file is missing, truncated or not safetensors.
    """
    try:
        with safe_open(path, framework="numpy"):  # checks the header against the size of the file
            raw = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} cannot be read as safetensors", why=str(error)) from error
    start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:start].tobytes())
    header.pop("__metadata__", None)
    if odd := [entry["dtype"] for entry in header.values() if entry["dtype"] not in _DTYPES]:
        raise InputError(f"{path} holds numbers of type {odd[0]}", why=f"known: {', '.join(_DTYPES)}")

    def view(dtype: str, shape: list[int], data_offsets: list[int]) -> Array:
        begin, end = data_offsets
        array = raw[start + begin : start + end].view(_numpy_dtype(dtype)).reshape(shape)
        return array if array.flags.aligned else array.copy()

    return {name: view(**entry) for name, entry in header.items()}
