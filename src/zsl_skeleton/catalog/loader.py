"""Finds, reads and checks catalog files: the packaged ones and those in a user's folder."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zsl_skeleton.catalog.model import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_yaml
from zsl_skeleton.registry import find_name, normalise

_PACKAGED = Path(__file__).resolve().parent / "data"
_VARIABLE = "ZSL_CATALOG"


def dataset_names(extra: Path | None = None) -> tuple[str, ...]:
    """Names of all data sets, in alphabetical order.

    Args:
        extra: a folder of catalog files; default: the one named by ``ZSL_CATALOG``, if any.

    Raises:
        InputError: the folder does not exist, or one of its files takes the name of a packaged data set.
    """
    return tuple(_files(extra))


def load_dataset(name: str, extra: Path | None = None) -> Dataset:
    """The data set that ``name`` means (``"NTU-120"`` is ``ntu120``), packaged or in the folder ``extra``.

    Raises:
        UsageError: no data set has that name; the message lists them.
        InputError: its file is not valid; the message names the file and the field.
    """
    files = _files(extra)
    path = files[find_name("dataset", name, files)]
    return _load(path, tuple(files.items()), path.stat().st_mtime_ns)


def _files(extra: Path | None) -> dict[str, Path]:
    files = _yaml_files(_PACKAGED)
    folder = extra or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
    if folder is not None:
        if not folder.is_dir():
            mend = f"name an existing folder, or leave out --catalog / {_VARIABLE}"
            raise InputError(f"the catalog folder {folder} does not exist", mend=mend)
        own = _yaml_files(folder)
        taken = {normalise(name).replace("-", "") for name in files}
        for name, path in own.items():
            if normalise(name).replace("-", "") in taken:
                raise InputError(
                    f"{path} takes the name of the packaged data set {name!r}", mend="rename your data set"
                )
        files |= own
    return dict(sorted(files.items()))


def _yaml_files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.yaml")}


@functools.lru_cache(maxsize=64)
def _load(path: Path, files: tuple[tuple[str, Path], ...], modified: int) -> Dataset:
    # `modified` is part of the cache key only: a file edited while the process lives is read again.
    raw = _mapping(path)
    if raw.get("name") != path.stem:
        raise InputError(f"{path}: field name: is {raw.get('name')!r}, but the file is called {path.stem!r}")
    try:
        return Dataset.model_validate(_expand(path, raw, dict(files)))
    except ValidationError as error:
        raise _invalid(path, error) from error


def _mapping(path: Path) -> dict[str, Any]:
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise InputError(
            f"{path} is not a catalog file", why="a catalog file is a mapping with the fields name, classes, …"
        )
    return raw


def _expand(path: Path, raw: dict[str, Any], files: dict[str, Path]) -> dict[str, Any]:
    """Write out what the file leaves to its structure: borrowed classes, indices by position, names by key."""
    full = dict(raw)
    if "classes_from" in full:
        full["classes"] = _borrowed(path, full, files)
        del full["classes_from"]
    classes = full.get("classes")
    if isinstance(classes, list):
        full["classes"] = [
            {"index": index, "code": f"A{index + 1}"} | entry if isinstance(entry, dict) else entry
            for index, entry in enumerate(classes)
        ]
    for field in ("protocols", "splits"):
        if isinstance(full.get(field), dict):
            full[field] = {
                name: {"name": name} | entry if isinstance(entry, dict) else entry
                for name, entry in full[field].items()
            }
    return full


def _borrowed(path: Path, raw: dict[str, Any], files: dict[str, Path]) -> list[Any]:
    rule = raw["classes_from"]
    known = isinstance(rule, dict) and set(rule) <= {"dataset", "first"} and rule.get("dataset") in files
    if "classes" in raw or not known:
        why = "it is written {dataset: NAME} or {dataset: NAME, first: N}, names another data set, and excludes classes"
        raise InputError(f"{path}: field classes_from: {rule!r} is not valid", why=why)
    classes = _mapping(files[rule["dataset"]]).get("classes")
    first = rule.get("first", len(classes or ()))
    if not isinstance(classes, list) or not isinstance(first, int) or not 0 < first <= len(classes):
        raise InputError(f"{path}: field classes_from: {rule['dataset']!r} does not list {first} classes itself")
    return classes[:first]


def _invalid(path: Path, error: ValidationError) -> InputError:
    lines = []
    for entry in error.errors():
        field = ".".join(map(str, entry["loc"]))
        message = entry["msg"].removeprefix("Value error, ")
        lines.append(f"field {field}: {message}" if field else f"field {message}")
    return InputError(f"{path}: {lines[0]}", why="; ".join(lines[1:]), mend=f"edit {path}")
