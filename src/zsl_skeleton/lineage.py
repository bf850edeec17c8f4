"""Where a run comes from: its cards walked back to the recordings and to the prompts.

Every card names the artifacts it was made from by hash. The walk opens each of them and compares its
hash and content with what the cards say.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from zsl_skeleton.artifacts import Artifact, Card, InputRef, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_json, sha256_file
from zsl_skeleton.resources import data_folder

_WIDTH = 100

State = Literal["whole", "gone", "damaged", "changed", "replaced"]
"""``changed``: a file has another hash than its card says. ``replaced``: an artifact of that name is there, but it was
made from something else. ``damaged``: the card or a file is missing or cut."""


@dataclass(frozen=True)
class Origin:
    """One step of a lineage, and the steps behind it by the part they play.

    Args:
        stage: kind of artifact, or ``prompts``.
        name: folder name, or ``<family>@<version>``.
        id: the hash by which the step before names it.
        state: what was found.
        remark: why it is not whole.
        what: the card's one sentence.
        made: the command that made it; of one that is gone, the command of the step before, which made or used it.
        at: when it was made (ISO 8601).
        said: other facts of the card worth a line.
        origins: what it was made from.
    """

    stage: str
    name: str
    id: str
    state: State = "whole"
    remark: str = ""
    what: str = ""
    made: str = ""
    at: str = ""
    said: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """JSON values, the origins nested."""
        own = {key: value for key, value in vars(self).items() if key not in ("said", "origins") and value}
        said = {"said": dict(self.said)} if self.said else {}
        return own | said | {"origins": {role: origin.as_json() for role, origin in self.origins.items()}}

    def all(self) -> Iterator[Origin]:
        """This step and all behind it."""
        yield self
        for origin in self.origins.values():
            yield from origin.all()

    @property
    def unsound(self) -> list[Origin]:
        """The steps that are not whole."""
        return [origin for origin in self.all() if origin.state != "whole"]


def lineage(store: Store, artifact: Artifact, prompts: Path | None = None) -> Origin:
    """The lineage of a finished artifact.

    Args:
        store: where the artifacts behind it lie.
        artifact: a run, or any other artifact.
        prompts: folder of prompt families; None: the packaged one.
    """
    return _Walk(store, prompts).artifact(artifact.path, artifact.ref, artifact.card.made.command)


def render_lineage(origin: Origin, role: str = "", indent: str = "", known: str = "") -> str:
    """The lineage as a tree, for people; the command ``known`` from the step before is not repeated."""
    state = "" if origin.state == "whole" else f"  {origin.state.upper()}: {origin.remark}"
    name = f"{origin.stage}/{origin.name}" if origin.stage != "prompts" else origin.name
    lines = [f"{indent}{role.partition(' ')[0] + ': ' if role else ''}{name}{state}"]
    said = "; ".join(f"{key} {value}" for key, value in origin.said.items())
    for line in filter(None, (origin.what, said)):
        lines += textwrap.wrap(line, _WIDTH, initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    ")
    if origin.made and (origin.made != known or origin.state != "whole"):
        label = "made by" if origin.state != "gone" else "made or used by"
        lines.append(f"{indent}    {label}: {origin.made}" + (f"   ({origin.at[:19]})" if origin.at else ""))
    behind = (render_lineage(found, part, indent + "  ", origin.made) for part, found in origin.origins.items())
    return "\n".join([*lines, *behind])


class _Walk:
    def __init__(self, store: Store, prompts: Path | None) -> None:
        self._store = store
        self._prompts = prompts

    def artifact(self, path: Path, reference: InputRef, command: str) -> Origin:
        """The step at ``path``, which the step before, made by ``command``, calls ``reference``."""
        stage, name = reference.stage, reference.name
        if not (path / "card.json").is_file():
            return Origin(stage, name, reference.id, "gone", f"{path} does not exist", made=command)
        try:
            found = Artifact.open(path)
        except InputError as error:
            return self._damaged(path, reference, error)
        card = found.card
        state, remark = self._state(found, reference)
        return Origin(
            stage,
            name,
            reference.id,
            state,
            remark,
            card.what,
            card.made.command,
            card.made.at,
            _said(card),
            self._origins(card),
        )

    def _origins(self, card: Card) -> dict[str, Origin]:
        found = {
            role: self.artifact(self._store.root / reference.stage / reference.name, reference, card.made.command)
            for role, reference in card.inputs.items()
        }
        families = card.config.get("families") if card.stage == "banks" else None
        return found | {f"prompt {name}": self._prompt(name, asked) for name, asked in (families or {}).items()}

    def _damaged(self, path: Path, reference: InputRef, error: InputError) -> Origin:
        """What a damaged artifact still tells of its origins."""
        remark = error.why or error.what
        try:
            card = Card.model_validate(read_json(path / "card.json"))
        except (InputError, ValidationError):
            return Origin(reference.stage, reference.name, reference.id, "damaged", remark)
        made = card.made
        return Origin(
            reference.stage,
            reference.name,
            reference.id,
            "damaged",
            remark,
            card.what,
            made.command,
            made.at,
            _said(card),
            self._origins(card),
        )

    def _state(self, found: Artifact, reference: InputRef) -> tuple[State, str]:
        if found.id != reference.id:
            return "replaced", f"its hash is {found.id[:8]}, but {reference.id[:8]} was used"
        if found.card.config.get("curated"):
            return "whole", ""  # people change its files; the id, taken of the texts, has just been compared
        changed = [name for name, ref in found.card.files.items() if sha256_file(found.path / name) != ref.sha256]
        return ("changed", f"other content than its card says: {', '.join(changed)}") if changed else ("whole", "")

    def _prompt(self, family: str, asked: Mapping[str, str]) -> Origin:
        from zsl_skeleton.semantics.prompts import load_family

        version, template = asked["version"], asked["template"]
        if not template:
            return Origin("prompts", f"{family}@{version}", "", what="imported texts: nobody was asked")
        folder = data_folder("prompts", self._prompts) / family / version
        if not folder.is_dir():
            return Origin("prompts", f"{family}@{version}", template, "gone", f"{folder} does not exist")
        try:
            found = load_family(folder)
        except InputError as error:
            return Origin("prompts", f"{family}@{version}", template, "damaged", error.what)
        said = {"template hash": template[:12]}
        if found.hash != template:
            remark = f"{folder} has the hash {found.hash[:12]} now"
            return Origin("prompts", found.id, template, "replaced", remark, found.card.purpose, said=said)
        return Origin("prompts", found.id, template, what=found.card.purpose, said=said)


def _said(card: Card) -> dict[str, str]:
    """The facts of a card that a reader of the tree asks for first."""
    config = card.config
    found = {key: config.get(key) for key in ("split", "protocol", "recipe", "seed", "control", "join", "encoder")}
    found["backend"] = config.get("backend") if card.stage == "banks" else None
    found["git"] = card.git_commit and card.git_commit[:12]
    return {key: _short(value) for key, value in found.items() if value not in (None, "", "none", {})}


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        named = [str(value[key])[:12] if key == "revision" else str(value[key]) for key in _NAMED if value.get(key)]
        return " ".join(named) or ", ".join(f"{key}={item}" for key, item in value.items())
    return str(value)


_NAMED = ("name", "revision", "model")
