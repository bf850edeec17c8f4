"""References between facts: an entry may take over a class of another data set (``same_as``)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_yaml
from zsl_skeleton.resources import packaged_folder

Reference = tuple[str, str]
"""Data set and class."""


class Library:
    """Facts by data set as they are written, each file read once: those of a folder, then the shipped ones.

    Args:
        folder: a ``semantics`` folder; it comes before the shipped one, so that facts of an own data set may refer to
            shipped classes.
    """

    def __init__(self, folder: Path) -> None:
        self._paths: dict[str, Path] = {}
        for place in filter(None, (folder, packaged_folder("semantics"))):
            for path in sorted(place.glob("*/facts.yaml")):
                self._paths.setdefault(path.parent.name, path)
        self._entries: dict[str, dict[str, Any]] = {}

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets with facts, in alphabetical order."""
        return tuple(sorted(self._paths))

    def entries(self, dataset: str) -> Mapping[str, Any]:
        """Entries of a data set by class name, references not written out.

        Raises:
            InputError: its file cannot be read.
        """
        if dataset not in self._entries:
            content = read_yaml(self._paths[dataset])
            classes = content.get("classes") if isinstance(content, dict) else None
            found = classes if isinstance(classes, list) else []
            self._entries[dataset] = {
                str(entry["name"]): entry for entry in found if isinstance(entry, dict) and "name" in entry
            }
        return self._entries[dataset]

    def written_out(self, entry: Any, where: str) -> tuple[Any, tuple[Reference, ...]]:
        """An entry with everything it takes from others (own keys win), and what it refers to, nearest first.

        Args:
            entry: an entry of ``classes``, as it was read.
            where: where it stands, for messages.

        Raises:
            InputError: a reference is malformed, leads nowhere, or leads in a circle.
        """
        trail: list[Reference] = []
        own: dict[str, Any] = {}
        while isinstance(entry, dict) and "same_as" in entry:
            reference = _reference(entry["same_as"], where)
            if reference in trail:
                way = " -> ".join(f"{name!r} of {dataset}" for dataset, name in (*trail, reference))
                raise InputError(f"{where} refers to itself in a circle", why=way, mend="write one of them out")
            trail.append(reference)
            own = {key: value for key, value in entry.items() if key != "same_as"} | own
            entry = self._target(reference, where)
        return (entry | own if isinstance(entry, dict) else entry), tuple(trail)

    def _target(self, reference: Reference, where: str) -> Any:
        dataset, name = reference
        if dataset not in self._paths:
            raise _dangling(
                f"{where} refers to the data set {dataset!r}, of which there are no facts", dataset, self.datasets
            )
        known = self.entries(dataset)
        if name not in known:
            raise _dangling(f"{where} refers to {name!r}, which is no class in the facts of {dataset}", name, known)
        return known[name]


def _reference(value: Any, where: str) -> Reference:
    if not isinstance(value, dict) or set(value) != {"dataset", "class"}:
        raise InputError(
            f"{where}: {value!r} is not a reference",
            mend='write it so: same_as: {dataset: ntu120, class: "drink water"}',
        )
    return str(value["dataset"]), str(value["class"])


def _dangling(what: str, name: str, known: Iterable[str]) -> InputError:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return InputError(what, mend=f"write {close[0]!r} instead" if close else "write the entry out")
