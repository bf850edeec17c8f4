"""Drafting the facts of a data set and writing them where a person can correct them."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Store
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.errors import QualityError, UsageError, some_of
from zsl_skeleton.files import write_text
from zsl_skeleton.progress import say
from zsl_skeleton.registry import resolve
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.backends import BACKENDS, Options, Setting
from zsl_skeleton.semantics.backends.chat import Chat
from zsl_skeleton.semantics.backends.choice import choose_backend
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.draft.asking import Asked, Author
from zsl_skeleton.semantics.draft.document import facts_document
from zsl_skeleton.semantics.draft.known import known_classes
from zsl_skeleton.semantics.facts import ClassFacts, Library, facts_path
from zsl_skeleton.semantics.facts.references import Reference
from zsl_skeleton.semantics.typed import typed_command

_UNASKED = "no language model was asked"


class DraftConfig(BaseModel):
    """How to draft.

    Args:
        backend: a language model of ``BACKENDS``; ``auto`` takes one if the options name a model or a server; any other
            backend asks nobody.
        out: the file to write; None: ``semantics/<dataset>/facts.yaml`` below the working directory.
        force: replace the file if it exists.
        semantics: folder of facts that are known; None: the packaged one.
        options: what a language model is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "auto"
    out: Path | None = None
    force: bool = False
    semantics: Path | None = None
    options: Options = Options()


@dataclass(frozen=True)
class Draft:
    """A written draft.

    Args:
        path: the file.
        known: class -> the class of another data set that it is.
        written: classes that a language model wrote.
        missing: classes that a person has to write.
    """

    path: Path
    known: Mapping[str, Reference]
    written: tuple[str, ...]
    missing: tuple[str, ...]


def draft_facts(store: Store, dataset: Dataset, config: DraftConfig | None = None) -> Draft:
    """Write a first version of ``facts.yaml`` for a person to correct.

    Classes that other facts know by name or synonym become references; the others are asked for one by one. Sound
    answers are remembered in the store's response cache, so the same command asks only for what failed.

    Args:
        store: where the response cache lies.
        dataset: the classes.
        config: how to draft; None: references, and nobody is asked.

    Raises:
        UsageError: the file exists, the data set has facts already and neither ``out`` nor ``force`` asks for others,
            or an unknown backend.
        InputError: facts that are known cannot be read.
        BackendError: the backend cannot answer; nothing is written, and what it answered is not asked again.
        QualityError: some classes could not be written; the file holds the others.
    """
    config = config or DraftConfig()
    path = config.out or facts_path(dataset.name, Path("semantics"))
    _check_free(path, dataset, config)
    setting = Setting(dataset, data_folder("semantics", config.semantics), config.options)
    known = known_classes(dataset, Library(setting.semantics))
    unknown = [action for action in dataset.classes if action.name not in known]
    asked, source = _ask(store, config, setting, unknown)
    written = {name: facts for name, facts in asked.items() if isinstance(facts, ClassFacts)}
    failed = {name: reason for name, reason in asked.items() if isinstance(reason, str)}
    missing = {action.name: failed.get(action.name, _UNASKED) for action in unknown if action.name not in written}
    write_text(path, facts_document(dataset, source, known, written, missing))
    if failed:
        lines = [f"{name}: {reason}" for name, reason in failed.items()]
        raise QualityError(
            f"{len(failed)} of {len(unknown)} classes could not be written; {path} holds the others",
            why=some_of(lines, 5),
            mend=typed_command(f"{_command(dataset, config)} --force", more="--force"),
        )
    return Draft(path, known, tuple(written), tuple(missing))


def _check_free(path: Path, dataset: Dataset, config: DraftConfig) -> None:
    if path.exists() and not config.force:
        raise UsageError(
            f"{path} exists and is not overwritten",
            why="somebody may have corrected it by hand",
            mend="name another file with --out, or replace it: "
            + typed_command(_command(dataset, config) + " --force", more="--force"),
        )
    finished = facts_path(dataset.name, data_folder("semantics", config.semantics))
    if finished.is_file() and config.out is None and not config.force:
        copy = f"mkdir -p {shlex.quote(str(path.parent))} && cp {shlex.join([str(finished), str(path)])}"
        raise UsageError(
            f"{dataset.name} has facts already: {finished}",
            why="a draft would know less than they do",
            mend=f"zsl-semantics generate --dataset {dataset.name} uses them; to correct a copy: {copy}; "
            "to draft others all the same, add --out FILE",
        )


def _ask(store: Store, config: DraftConfig, setting: Setting, unknown: list[ActionClass]) -> tuple[Asked, str]:
    """What a language model, if there is one, says about the classes; and where the facts of the draft come from."""
    chat = _open_chat(config, setting) if unknown else None
    if chat is None:
        return {}, "references to the facts of other data sets; not yet checked by a person"
    with closing(open_text_cache(store.root / ".cache" / "responses", "response cache")) as cache:
        asked = Author(chat, cache, config.options).write(unknown)
    return asked, f"drafted by {chat.name}, model {chat.model}; not yet checked by a person"


def _open_chat(config: DraftConfig, setting: Setting) -> Chat | None:
    options = config.options
    if config.backend == "auto" and not (options.model or options.base_url):
        return None
    name, reason = choose_backend(config.backend, setting)
    if config.backend == "auto":
        say(f"backend: {name} ({reason})")
    opener = resolve("backend", name, BACKENDS)
    if not issubclass(opener, LanguageModel):
        return None
    # Its cache stays closed: what a class is asked here is kept by this module.
    backend: LanguageModel = opener.open(dataclasses.replace(setting, cache=None))
    return backend.chat


def _command(dataset: Dataset, config: DraftConfig) -> str:
    words = ["zsl-semantics", "facts", "--dataset", dataset.name, "--backend", config.backend]
    words += ["--out", str(config.out)] if config.out else []
    return shlex.join([*words, *config.options.words()])
