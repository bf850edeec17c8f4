"""Artifacts: what a stage makes, under ``artifacts/<stage>/<readable-name>-<hash8>/`` beside a ``card.json``.

The hash is taken of the *recipe* (stage, format, configuration, ids of the inputs), so the same recipe finds the
finished artifact again and another recipe never overwrites it. An artifact grows in a hidden ``.partial`` folder and
is renamed when it is whole; a killed stage finds its leftovers there and goes on. ``<partial>/work/`` is scratch space
that is dropped before the rename.
"""

from __future__ import annotations

import difflib
import fcntl
import functools
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from zsl_skeleton import __version__
from zsl_skeleton.errors import InputError, some_of
from zsl_skeleton.files import canonical_json, read_json, sha256_file, sha256_text, write_json
from zsl_skeleton.registry import resolve

SCHEMA_VERSION = 1
WORK = "work"
_SHOWN = 3  # artifacts that are named in place of one that is not there
_CARD, _COMMAND = "card.json", "command.json"
_CONTENT_IDS = {"banks": "zsl_skeleton.semantics.bank_lines:content_id"}


class FileRef(BaseModel):
    """A file of an artifact: content hash and size in bytes."""

    sha256: str
    bytes: int


class InputRef(BaseModel):
    """An artifact that another one was made from."""

    stage: str
    name: str
    id: str


class Made(BaseModel):
    """When, how long and by which command: the only part of a card that differs between equal artifacts."""

    at: str
    seconds: float
    command: str


class Card(BaseModel):
    """What an artifact is and what it was made from."""

    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    stage: str
    name: str
    id: str
    what: str
    synthetic: bool
    format: int
    config: dict[str, Any]
    inputs: dict[str, InputRef]
    files: dict[str, FileRef]
    summary: dict[str, Any]
    versions: dict[str, str]
    device: str
    git_commit: str | None
    made: Made


@dataclass(frozen=True)
class Artifact:
    """A finished artifact on disk."""

    path: Path
    card: Card

    @classmethod
    def open(cls, path: Path) -> Artifact:
        """Open a finished artifact and check that all its files are there in full size.

        Raises:
            InputError: there is no artifact, or one of its files is missing or truncated.
        """
        if not (path / _CARD).is_file():
            raise InputError(f"{path} is not a finished artifact", why=f"it has no {_CARD}")
        try:
            card = Card.model_validate(read_json(path / _CARD))
        except ValidationError as error:
            raise InputError(f"{path / _CARD} is not a valid card", why=str(error.errors()[0]["msg"])) from error
        for name, ref in card.files.items():
            size = (path / name).stat().st_size if (path / name).is_file() else None
            if size != ref.bytes:
                found = "missing" if size is None else f"{size} bytes instead of {ref.bytes}"
                raise InputError(
                    f"the artifact {path} is damaged",
                    why=f"{name} is {found}",
                    mend=f"delete the folder and run again: {card.made.command}",
                )
        if card.config.get("curated"):
            # People change its content: what is made from it must be made again when they do.
            card = card.model_copy(update={"id": resolve("stage", card.stage, _CONTENT_IDS)(path, card)})
        return cls(path, card)

    @property
    def id(self) -> str:
        """Hash of the recipe; of the content where people change it."""
        return self.card.id

    @property
    def ref(self) -> InputRef:
        """How another card names this artifact."""
        return InputRef(stage=self.card.stage, name=self.path.name, id=self.id)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides an artifact's content.

    Args:
        stage: folder below the store, e.g. ``"features"``.
        name: readable name without the hash.
        what: one sentence for people.
        config: the resolved configuration (JSON values).
        inputs: the artifacts it is made from.
        synthetic: whether any of it stems from generated recordings.
        format: bumped when the code would make something else from the same configuration.
        device: where it is computed; not part of the hash.
    """

    stage: str
    name: str
    what: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    synthetic: bool = False
    format: int = 1
    device: str = "cpu"

    @functools.cached_property
    def id(self) -> str:
        """Hex SHA-256 of stage, format, configuration and input ids."""
        inputs = {role: artifact.id for role, artifact in self.inputs.items()}
        return sha256_text(canonical_json([self.stage, self.format, dict(self.config), inputs]))

    @property
    def folder(self) -> str:
        """``<readable-name>-<hash8>``."""
        return f"{self.name}-{self.id[:8]}"


class BusyError(Exception):
    """Another process makes the artifact just now, and the store was asked not to wait for it."""


class Store:
    """The ``artifacts`` folder.

    Args:
        root: the folder.
        wait: whether :meth:`make` waits for another process that makes the same artifact, or raises :class:`BusyError`.
    """

    def __init__(self, root: Path, *, wait: bool = True) -> None:
        self.root = root
        self.wait = wait

    def path(self, recipe: Recipe) -> Path:
        """Where the finished artifact of ``recipe`` lies or will lie."""
        return self.root / recipe.stage / recipe.folder

    def partial(self, recipe: Recipe) -> Path:
        """Where the artifact of ``recipe`` grows."""
        return self.root / recipe.stage / f".{recipe.folder}.partial"

    def finished(self, recipe: Recipe) -> bool:
        """Whether the artifact of ``recipe`` exists already."""
        return (self.path(recipe) / _CARD).is_file()

    def busy(self, recipe: Recipe) -> bool:
        """Whether a process makes the artifact of ``recipe`` just now."""
        try:
            with Store(self.root, wait=False)._lock(recipe):
                return False
        except BusyError:
            return True

    def make(self, recipe: Recipe, build: Callable[[Path], Mapping[str, Any]]) -> Artifact:
        """Return the artifact of ``recipe``, building it if it does not exist yet.

        ``build(folder)`` writes the files into ``folder``, where it may find what a killed run left, and returns the
        card's summary. A second process that wants the same artifact waits for the first one.

        Raises:
            BusyError: another process makes it, and this store does not wait.
        """
        final = self.path(recipe)
        if self.finished(recipe):
            return Artifact.open(final)
        with self._lock(recipe):
            if not self.finished(recipe):
                partial = self.partial(recipe)
                for temporary in partial.rglob(".*.tmp"):
                    temporary.unlink()  # half-written when a former run was killed
                # For ``zsl-train resume``, and for people who wonder what this folder is.
                write_json(partial / WORK / _COMMAND, [Path(sys.argv[0]).name, *sys.argv[1:]])
                started = time.monotonic()
                summary = build(partial)
                shutil.rmtree(partial / WORK, ignore_errors=True)
                write_json(partial / _CARD, _card(recipe, partial, summary, started).model_dump())
                partial.rename(final)
        return Artifact.open(final)

    def all(self, stage: str) -> list[Artifact]:
        """All finished artifacts of a stage, newest first."""
        folder = self.root / stage
        paths = [p.parent for p in folder.glob(f"*/{_CARD}") if not p.parent.name.startswith(".")]
        found = [Artifact.open(path) for path in paths]
        return sorted(found, key=lambda artifact: (artifact.card.made.at, artifact.path.name), reverse=True)

    def find(self, stage: str, **config: Any) -> list[Artifact]:
        """Finished artifacts of a stage whose configuration holds the given values, newest first."""
        return [a for a in self.all(stage) if all(a.card.config.get(k) == v for k, v in config.items())]

    def get(self, stage: str, reference: str, *, mend: str) -> Artifact:
        """The artifact a user means by a path, a folder name, or a readable name (the newest of that name).

        Raises:
            InputError: nothing answers to the reference; ``mend`` tells how to make it.
        """
        if (Path(reference) / _CARD).is_file():
            return Artifact.open(Path(reference))
        named = self.root / stage / reference
        if (named / _CARD).is_file():
            return Artifact.open(named)
        found = self.all(stage)
        matching = [a for a in found if a.card.name == reference]
        if not matching:
            raise InputError(
                f"there is no artifact {reference!r} in {self.root / stage}", why=_instead(reference, found), mend=mend
            )
        return matching[0]

    def origin(self, artifact: Artifact, role: str) -> Artifact | None:
        """The artifact that ``artifact`` was made from in this role; None if it was made without one.

        Raises:
            InputError: it is gone, or is not the one any more.
        """
        reference = artifact.card.inputs.get(role)
        if reference is None:
            return None
        mend = f"make it again: {artifact.card.made.command}"
        found = self.get(reference.stage, reference.name, mend=mend)
        if found.id != reference.id:
            raise InputError(f"{found.path} is not what {artifact.path.name} was made from", mend=mend)
        return found

    def unfinished(self, stage: str) -> list[tuple[str, list[str]]]:
        """Future folder name and command-line arguments of every artifact of a stage that was left unfinished."""
        paths = sorted((self.root / stage).glob(f".*.partial/{WORK}/{_COMMAND}"))
        return [(path.parents[1].name[1:].removesuffix(".partial"), read_json(path)[1:]) for path in paths]

    @contextmanager
    def _lock(self, recipe: Recipe) -> Iterator[None]:
        path = self.root / ".locks" / f"{recipe.stage}-{recipe.folder}"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if self.wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise BusyError(recipe.folder) from None
            yield


def _instead(reference: str, found: Sequence[Artifact]) -> str:
    """The few of the artifacts, newest first, that a user may have meant."""
    if not found:
        return "the folder holds none"
    names = [a.path.name for a in found]
    begun = [name for name in names if name.startswith(reference)]
    like = difflib.get_close_matches(reference, [*names, *{a.card.name for a in found}], n=_SHOWN)
    alike = [a.path.name for a in found if {a.path.name, a.card.name} & set(like)]
    close = list(dict.fromkeys(begun + alike))
    return f"{'close to it' if close else 'the newest'}: {some_of(close or names, _SHOWN)}"


class NotMadeError(Exception):
    """An artifact that does not exist yet was asked of a store that makes nothing."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(f"{recipe.stage}/{recipe.folder}")
        self.recipe = recipe


class LookingStore(Store):
    """A store in which everything can be found and nothing is made or written."""

    def make(self, recipe: Recipe, build: Callable[[Path], Mapping[str, Any]]) -> Artifact:
        """The finished artifact.

        Raises:
            NotMadeError: it does not exist.
        """
        if not self.finished(recipe):
            raise NotMadeError(recipe)
        return Artifact.open(self.path(recipe))


def _card(recipe: Recipe, folder: Path, summary: Mapping[str, Any], started: float) -> Card:
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != _CARD)
    files = {p.relative_to(folder).as_posix(): FileRef(sha256=sha256_file(p), bytes=p.stat().st_size) for p in paths}
    return Card(
        stage=recipe.stage,
        name=recipe.name,
        id=recipe.id,
        what=recipe.what,
        synthetic=recipe.synthetic,
        format=recipe.format,
        config=dict(recipe.config),
        inputs={role: artifact.ref for role, artifact in recipe.inputs.items()},
        files=files,
        summary=dict(summary),
        versions=_versions(),
        device=recipe.device,
        git_commit=_git_commit(),
        made=Made(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(time.monotonic() - started, 3),
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        ),
    )


def _versions() -> dict[str, str]:
    found = {"zsl-skeleton": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "sentence-transformers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@functools.cache
def _git_commit() -> str | None:
    """Commit of the checkout the code runs from; None when it is installed without one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", os.fspath(root), "rev-parse", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None
