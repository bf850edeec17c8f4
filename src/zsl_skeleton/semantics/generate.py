"""Generates a bank: asks a backend for the texts of every family and keeps what passes the checks."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import ActionClass, Dataset
from zsl_skeleton.errors import QualityError, UsageError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.progress import say
from zsl_skeleton.registry import resolve
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.asking import Desk, hold
from zsl_skeleton.semantics.backends import BACKENDS, Backend, Options, Setting
from zsl_skeleton.semantics.backends.choice import choose_backend
from zsl_skeleton.semantics.backends.language_model import LanguageModel
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank, check_rows, read_lines, write_lines
from zsl_skeleton.semantics.curation import kept_rows, rejected_texts
from zsl_skeleton.semantics.dialogue import Dialogue, Past
from zsl_skeleton.semantics.lint import lint_bank, prompt_slots, summarise
from zsl_skeleton.semantics.prompts import PromptFamily, load_families
from zsl_skeleton.semantics.typed import typed_command


class GenerateConfig(BaseModel):
    """What to generate.

    Args:
        families: ``"spatial"`` or ``"spatial@v1"``; None: every family in its newest version.
        backend: a name in ``BACKENDS``, or ``auto``.
        prompts: folder of prompt families; None: the packaged one.
        semantics: folder of facts; None: the packaged one.
        options: what a language model is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: tuple[str, ...] | None = None
    backend: str = "compose"
    prompts: Path | None = None
    semantics: Path | None = None
    options: Options = Options()


@dataclass(frozen=True)
class Plan:
    """What a bank is made from: who answers which families for which classes, and what stays from an earlier bank."""

    dataset: Dataset
    families: Mapping[str, PromptFamily]
    backend: Backend
    semantics: Path
    past: Past

    def recipe(self) -> Recipe:
        """The recipe of the bank."""
        asked = {name: {"version": f.card.version, "template": f.hash} for name, f in self.families.items()}
        config = {
            "dataset": self.dataset.name,
            "class_names": list(self.dataset.class_names),
            "persons": [action.persons for action in self.dataset.classes],
            "families": asked,
            "backend": dict(self.backend.fingerprint),
        }
        rows = [row.model_dump(mode="json") for row in self.past.kept.values()]
        rejected = [[*place, *texts] for place, texts in sorted(self.past.rejected.items())]
        if rows or rejected:
            config["kept"] = sha256_text(canonical_json([rows, rejected]))
        return Recipe(
            stage="banks",
            name=f"{self.dataset.name}-{self.backend.name}",
            what=f"texts for the {len(self.dataset.classes)} classes of {self.dataset.title}",
            config=config,
            synthetic=self.dataset.synthetic,
        )

    def dialogue(self, desk: Desk, family: PromptFamily, action: ActionClass) -> Dialogue:
        """The dialogue about one class in one family."""
        common = _common(family, self.backend)
        return Dialogue(desk.ask, self.backend.fingerprint, family, self.dataset.name, action, common, self.past)


def plan_bank(
    store: Store, dataset: Dataset, config: GenerateConfig, keep: Artifact | None = None, *, asks: bool = True
) -> Plan:
    """Find the prompts, open the backend (``asks``: so that it can be asked), and read what stays of the bank ``keep``.

    Raises:
        UsageError: an unknown family or backend, or none can be chosen.
        InputError: prompts, facts or the bank are missing or not valid.
    """
    families = load_families(data_folder("prompts", config.prompts), config.families)
    cache = store.root / ".cache" / "responses"
    setting = Setting(dataset, data_folder("semantics", config.semantics), config.options, cache, asks)
    name, reason = choose_backend(config.backend, setting)
    if config.backend == "auto":
        say(f"backend: {name} ({reason})")
    opener: type[Backend] = resolve("backend", name, BACKENDS)
    past = Past()
    if keep is not None:
        bank = SemanticBank.open(keep)
        bank.check_dataset(dataset)
        past = Past(kept_rows(bank), rejected_texts(bank))
    return Plan(dataset, families, opener.open(setting), setting.semantics, past)


def generate(
    store: Store, dataset: Dataset, config: GenerateConfig | None = None, keep: Artifact | None = None
) -> Artifact:
    """Make the bank of a data set (stage ``banks``), or return it if it exists.

    A killed run goes on where it stopped: finished families are on disk, single answers in the response cache. Texts
    that fail are kept with their reason in the partial folder, and only their dialogues are asked again by the same
    command.

    Args:
        store: where artifacts lie.
        dataset: the classes.
        config: what to generate; None: all families by ``compose``.
        keep: a bank whose edited and approved texts stay as they are, and whose rejected ones do not come again.

    Raises:
        UsageError: an unknown family or backend, or ``refresh`` is asked of a bank that is finished.
        InputError: prompts or facts are missing or not valid.
        BackendError: the backend cannot answer; what it answered is not asked again.
        QualityError: texts failed; no finished bank is made.
    """
    config = config or GenerateConfig()
    plan = plan_bank(store, dataset, config, keep)
    _check_refresh(store, plan, dataset, config)

    def build(folder: Path) -> Mapping[str, Any]:
        rows = _ask_all(folder, plan)
        failed = [row for row in rows if row.provenance.state == "failed"]
        if failed:
            raise _failure(failed, folder, dataset, config)
        check_rows(rows, dataset.class_names, str(folder))
        bank = SemanticBank(dataset.name, dataset.class_names, tuple(rows), plan.recipe().id)
        slots = {slot: count for family in plan.families.values() for slot, count in family.slots.items()}
        summary = {"texts": len(rows), "classes": len(dataset.classes), "slots": slots}
        summary["lint"] = summarise(lint_bank(bank, dataset, slots=prompt_slots(config.prompts)))
        if plan.backend.accounts:
            summary["account"] = {name: asdict(account) for name, account in plan.backend.accounts.items()}
        return summary

    return store.make(plan.recipe(), build)


def _ask_all(folder: Path, plan: Plan) -> list[Description]:
    """Rows of all families; dialogues that a former run finished are taken from ``folder``.

    A language model is asked for those, too: it answers from its cache, and so the account is whole.
    """
    again = isinstance(plan.backend, LanguageModel) and plan.backend.remembers
    rows: dict[str, dict[int, list[Description]]] = {}
    desk = Desk(plan.backend)
    dialogues = []
    for name, family in plan.families.items():
        rows[name] = _former(folder / f"{name}.jsonl", plan, family)
        unfinished = [a for a in plan.dataset.classes if again or not _whole(rows[name][a.index], family)]
        dialogues += [plan.dialogue(desk, family, action) for action in unfinished]
    left = Counter(dialogue.family.name for dialogue in dialogues)

    def store_family(name: str) -> None:
        common = _common(plan.families[name], plan.backend)
        write_lines(folder / f"{name}.jsonl", _in_order(rows[name]), common)

    def keep(name: str, index: int, found: list[Description]) -> None:
        rows[name][index] = found
        left[name] -= 1
        if not left[name]:
            store_family(name)

    try:
        hold(dialogues, desk, f"{plan.dataset.name}: texts by {plan.backend.name}", keep)
    finally:
        # Also when the backend or the user gives up: what was answered is not asked again.
        for name in (name for name, count in left.items() if count):
            store_family(name)
    return [row for name in plan.families for row in _in_order(rows[name])]


def _former(path: Path, plan: Plan, family: PromptFamily) -> dict[int, list[Description]]:
    found: dict[int, list[Description]] = {action.index: [] for action in plan.dataset.classes}
    common = _common(family, plan.backend)
    for row in read_lines(path, plan.dataset.name, common) if path.exists() else []:
        found[row.class_index].append(row)
    return found


def _in_order(rows: Mapping[int, list[Description]]) -> list[Description]:
    return [row for index in sorted(rows) for row in rows[index]]


def _common(family: PromptFamily, backend: Backend) -> Provenance:
    parameters = backend.fingerprint.get("parameters", {})
    return Provenance(
        family=family.id, template=family.hash, backend=backend.name, model=backend.model, parameters=parameters
    )


def _whole(rows: Sequence[Description], family: PromptFamily) -> bool:
    wanted = {(slot, index) for slot, count in family.slots.items() for index in range(count)}
    sound = {(row.slot, row.index) for row in rows if row.provenance.state != "failed"}
    return sound == wanted


def _failure(failed: Sequence[Description], folder: Path, dataset: Dataset, config: GenerateConfig) -> QualityError:
    lines = [f"{row.class_name}, {row.slot}: {row.provenance.reason}" for row in failed]
    shown = [*lines[:5], *([f"and {len(lines) - 5} more"] if len(lines) > 5 else [])]
    again, what = typed_command(generate_command(dataset, config)), "the same command asks for the rest"
    if config.options.recording:
        again = "replay with the data set and the prompts that were recorded, or ask a model"
        what = "nobody is asked"
    return QualityError(
        f"{len(failed)} answers failed; the texts that passed are kept in {folder}, {what}",
        why="\n        ".join(shown),
        mend=again,
    )


def _check_refresh(store: Store, plan: Plan, dataset: Dataset, config: GenerateConfig) -> None:
    """``--refresh`` cannot mean a bank that is finished: what was made from it could not be traced to its texts."""
    if not config.options.refresh or not store.finished(plan.recipe()):
        return
    options = config.options.model_copy(update={"refresh": False, "seed": (config.options.seed or 0) + 1})
    another = generate_command(dataset, config.model_copy(update={"options": options}))
    raise UsageError(
        f"--refresh asks nothing: the bank {store.path(plan.recipe())} is finished",
        why="a finished bank never changes, so that results can be traced to it",
        mend="sample another bank: " + typed_command(another, without="--refresh", more=f"--seed {options.seed}"),
    )


def generate_command(dataset: Dataset, config: GenerateConfig) -> str:
    """The command line that generates with this configuration."""
    words = ["zsl-semantics", "generate", "--dataset", dataset.name, "--backend", config.backend]
    for name in config.families or ():
        words += ["--family", name]
    words += ["--prompts", str(config.prompts)] if config.prompts else []
    words += ["--facts", str(config.semantics)] if config.semantics else []
    return shlex.join([*words, *config.options.words()])
