"""Writing and reading files so that nothing is ever half-written and nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from safetensors import SafetensorError
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


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
