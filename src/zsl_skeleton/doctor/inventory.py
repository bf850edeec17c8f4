"""What lies in the store: finished, unfinished and damaged artifacts."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.artifacts import WORK, Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_json, sha256_file

ORDER = ("skeletons", "backbones", "features", "banks", "embeddings", "runs")
"""The stages in the order in which a training needs them."""
_CARD, _COMMAND, _PARTIAL = "card.json", "command.json", ".partial"


@dataclass(frozen=True)
class Shelf:
    """The sound artifacts of a stage: how many, bytes, the newest's name and time, and how many per data set."""

    stage: str
    count: int
    bytes: int
    newest: str
    at: str
    datasets: Mapping[str, int]


@dataclass(frozen=True)
class Unfinished:
    """A folder that a stopped command left behind.

    Args:
        path: the folder.
        bytes: what it takes.
        resume: the command that goes on with it; empty where it is not known.
        busy: whether a process works on it just now.
    """

    path: Path
    bytes: int
    resume: str
    busy: bool

    @property
    def remove(self) -> str:
        """The command that gives it up."""
        return shlex.join(["rm", "-r", str(self.path)])


@dataclass(frozen=True)
class Damaged:
    """An artifact that cannot be used: why, and what mends it."""

    path: Path
    why: str
    mend: str


@dataclass(frozen=True)
class Inventory:
    """The content of a store; ``exists`` is False as long as no command has made the folder."""

    root: Path
    exists: bool
    shelves: tuple[Shelf, ...]
    unfinished: tuple[Unfinished, ...]
    damaged: tuple[Damaged, ...]


def take_stock(store: Store, *, deep: bool = False) -> Inventory:
    """Look through a store; with ``deep`` every file is read and its hash compared with the card's."""
    found = sorted(p.name for p in store.root.iterdir() if p.is_dir()) if store.root.is_dir() else []
    stages = [*ORDER, *(name for name in found if name not in ORDER and not name.startswith("."))]
    shelves, damaged = list[Shelf](), list[Damaged]()
    for stage in (name for name in stages if name in found):
        sound = list[Artifact]()
        for card in sorted((store.root / stage).glob(f"*/{_CARD}")):
            if card.parent.name.startswith("."):
                continue
            artifact = _opened(card.parent, deep)
            if isinstance(artifact, Damaged):
                damaged.append(artifact)
            else:
                sound.append(artifact)
        if sound:
            shelves.append(_shelf(stage, sound))
    return Inventory(store.root, store.root.is_dir(), tuple(shelves), tuple(_unfinished(store, found)), tuple(damaged))


def _opened(path: Path, deep: bool) -> Artifact | Damaged:
    try:
        artifact = Artifact.open(path)
    except InputError as error:
        return Damaged(path, error.why or error.what, _again(path))
    except OSError as error:
        return Damaged(path, error.strerror or str(error), shlex.join(["chmod", "-R", "u+rX", str(path)]))
    for name, ref in artifact.card.files.items() if deep else ():
        if sha256_file(path / name) != ref.sha256:
            return Damaged(path, f"the content of {name} is not what its card says", _again(path))
    return artifact


def _again(path: Path) -> str:
    """What makes an artifact again: the command of its card, if that can be read."""
    remove = shlex.join(["rm", "-r", str(path)])
    try:
        return f"{remove} && {read_json(path / _CARD)['made']['command']}"
    except (InputError, KeyError, TypeError):
        return remove


def _shelf(stage: str, sound: list[Artifact]) -> Shelf:
    newest = max(sound, key=lambda artifact: (artifact.card.made.at, artifact.path.name))
    size = sum(ref.bytes for artifact in sound for ref in artifact.card.files.values())
    datasets = Counter(str(a.card.config["dataset"]) for a in sound if "dataset" in a.card.config)
    return Shelf(stage, len(sound), size, newest.path.name, newest.card.made.at, dict(sorted(datasets.items())))


class _Growing(Recipe):
    """As much of a recipe as the lock of its artifact needs to know: its future folder."""

    @property
    def folder(self) -> str:
        return self.name


def _unfinished(store: Store, stages: list[str]) -> Iterator[Unfinished]:
    for path in sorted(path for stage in stages for path in (store.root / stage).glob(f".*{_PARTIAL}")):
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        growing = _Growing(path.parent.name, path.name[1:].removesuffix(_PARTIAL), "", {})
        try:
            resume, busy = shlex.join(map(str, read_json(path / WORK / _COMMAND))), store.busy(growing)
        except (InputError, OSError):
            resume, busy = "", False
        yield Unfinished(path, size, resume, busy)
