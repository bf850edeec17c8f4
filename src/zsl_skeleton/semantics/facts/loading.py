"""Reading the facts of a data set and holding them against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_yaml
from zsl_skeleton.semantics.facts.model import Facts
from zsl_skeleton.semantics.facts.references import Library, Reference

if TYPE_CHECKING:
    from zsl_skeleton.catalog import Dataset


def facts_path(dataset: str, folder: Path) -> Path:
    """Where the facts of a data set stand in a ``semantics`` folder."""
    return folder / dataset / "facts.yaml"


def load_facts(dataset: Dataset, folder: Path) -> Facts:
    """Read ``<folder>/<dataset>/facts.yaml``, write its references out, and hold it against the data set.

    Args:
        dataset: the catalog entry whose classes must be there, all of them, in order.
        folder: the ``semantics`` folder.

    Raises:
        InputError: the file is missing, breaks the schema, refers to something that is not there, has other classes
            than the data set, or says nothing about the second person of an action of two.
    """
    path = facts_path(dataset.name, folder)
    if not path.is_file():
        raise InputError(
            f"there are no facts for the data set {dataset.name!r}",
            why=f"{path} does not exist",
            mend=f"zsl-semantics facts --dataset {dataset.name} --out {path}",
        )
    written = read_yaml(path)
    content = _written_out(path, written, folder)
    try:
        facts = Facts.model_validate(content)
    except ValidationError as error:
        lines = [f"{_where(problem['loc'], written)}: {problem['msg']}" for problem in error.errors()]
        raise InputError(
            f"{path} breaks the schema of facts in {len(lines)} place{'s' * (len(lines) > 1)}",
            why="; ".join(lines[:8]) + ("; ..." if len(lines) > 8 else ""),
            mend=f"edit {path}",
        ) from error
    if facts.dataset != dataset.name:
        raise InputError(
            f"{path} is about another data set",
            why=f"it says {facts.dataset!r}, not {dataset.name!r}",
            mend=f"edit {path}",
        )
    _check_classes(path, dataset.class_names, [entry.name for entry in facts.classes])
    _check_confusions(path, facts)
    _check_persons(path, dataset, facts)
    return facts


def _written_out(path: Path, content: Any, folder: Path) -> Any:
    """The content with every reference replaced by what it refers to."""
    entries = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not any(isinstance(entry, dict) and "same_as" in entry for entry in entries):
        return content
    library = Library(folder)
    found: list[tuple[Any, tuple[Reference, ...]]] = []
    own_names: dict[Reference, Any] = {}
    for number, entry in enumerate(entries):
        name = entry.get("name", f"class {number}") if isinstance(entry, dict) else f"class {number}"
        full, trail = library.written_out(entry, f"{path}: {name!r}")
        found.append((full, trail))
        own_names.update(dict.fromkeys(trail, name))
    classes = [_translated(full, entry, trail, own_names) for (full, trail), entry in zip(found, entries, strict=True)]
    return content | {"classes": classes}


def _translated(full: Any, entry: Any, trail: Sequence[Reference], own_names: Mapping[Reference, Any]) -> Any:
    """Classes that are easily taken for this one get their names in this data set; those it lacks are left out."""
    if not trail or "confused_with" in entry or not isinstance(full.get("confused_with"), list):
        return full
    datasets = list(dict.fromkeys(dataset for dataset, _ in trail))
    kept = []
    for confusion in full["confused_with"]:
        other = str(confusion.get("class")) if isinstance(confusion, dict) else ""
        names = [own_names[dataset, other] for dataset in datasets if (dataset, other) in own_names]
        kept += [confusion | {"class": name} for name in names[:1] if name != full.get("name")]
    return full | {"confused_with": kept}


def _check_classes(path: Path, expected: Sequence[str], found: Sequence[str]) -> None:
    if list(found) == list(expected):
        return
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    twice = sorted({name for name in found if found.count(name) > 1})
    reasons = [
        f"{label}: {', '.join(map(repr, names))}"
        for label, names in (("missing", missing), ("not in the data set", extra), ("there twice", twice))
        if names
    ]
    if not reasons:
        at = next(index for index, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b)
        reasons = [f"wrong order: entry {at} is {found[at]!r}, the class {at} is {expected[at]!r}"]
    raise InputError(
        f"the classes of {path} are not those of the data set",
        why="; ".join(reasons),
        mend=f"edit {path}: one entry per class, in the order of the catalog, with exactly its name",
    )


def _check_confusions(path: Path, facts: Facts) -> None:
    names = {entry.name for entry in facts.classes}
    foreign = [
        f"{entry.name!r} is confused with {confusion.other!r}"
        for entry in facts.classes
        for confusion in entry.confused_with
        if confusion.other not in names - {entry.name}
    ]
    if foreign:
        raise InputError(
            f"{path} names a confusion with no other class of the data set",
            why="; ".join(foreign[:8]),
            mend=f"edit {path}: confused_with names classes of the catalog",
        )


def _check_persons(path: Path, dataset: Dataset, facts: Facts) -> None:
    pairs = list(zip(dataset.classes, facts.classes, strict=True))
    lacking = [entry.name for action, entry in pairs if action.persons == 2 and entry.second is None]
    extra = [entry.name for action, entry in pairs if action.persons == 1 and entry.second is not None]
    reasons = [
        f"{label}: {', '.join(map(repr, names))}"
        for label, names in (("two people, but no `second`", lacking), ("one person, but a `second`", extra))
        if names
    ]
    if reasons:
        raise InputError(
            f"{path} does not say for the right classes what a second person does",
            why="; ".join(reasons),
            mend=f"edit {path}: `second` with start, main and end exactly where the catalog says persons: 2",
        )


def _where(location: tuple[int | str, ...], content: Any) -> str:
    """Readable place of a schema error: the class by its name instead of its number."""
    place = [str(step) for step in location if step != "[key]"]
    if len(location) > 1 and location[0] == "classes":
        try:
            entry = content["classes"][location[1]]
            source = f" (same_as {entry['same_as']['dataset']})" if "same_as" in entry else ""
            place = [f"{entry['name']!r}{source}", *place[2:]]
        except (KeyError, TypeError, IndexError):
            place = [f"class {location[1]}", *place[2:]]
    return ".".join(place) or "the file"
