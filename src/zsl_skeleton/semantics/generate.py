"""From prompts to a bank: leads the dialogue of every class through every family and keeps what passes the checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import QualityError
from zsl_skeleton.progress import track
from zsl_skeleton.registry import resolve
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.backends import BACKENDS, Backend, Setting
from zsl_skeleton.semantics.bank import Description, Provenance, check_rows, read_lines, write_lines
from zsl_skeleton.semantics.dialogue import Dialogue
from zsl_skeleton.semantics.prompts import PromptFamily, load_families

T = TypeVar("T")


class GenerateConfig(BaseModel):
    """What to generate.

    Args:
        families: ``"spatial"`` or ``"spatial@v1"``; None: every family in its newest version.
        backend: a name in ``BACKENDS``.
        prompts: folder of prompt families; None: the packaged one.
        semantics: folder of facts; None: the packaged one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: tuple[str, ...] | None = None
    backend: str = "compose"
    prompts: Path | None = None
    semantics: Path | None = None


def generate(store: Store, dataset: Dataset, config: GenerateConfig = GenerateConfig()) -> Artifact:
    """Make the bank of a data set (stage ``banks``), or return it if it exists.

    A killed run goes on after the last finished family. Texts that fail are kept with their reason in the partial
    folder, and only their dialogues are asked again by the same command.

    Raises:
        UsageError: an unknown family or backend.
        InputError: prompts or facts are missing or not valid.
        QualityError: texts failed; no finished bank is made.
    """
    families = load_families(data_folder("prompts", config.prompts), config.families)
    opener: type[Backend] = resolve("backend", config.backend, BACKENDS)
    backend = opener.open(Setting(dataset, data_folder("semantics", config.semantics)))

    def build(folder: Path) -> Mapping[str, Any]:
        rows: list[Description] = []
        for family in families.values():
            rows += _family(folder / f"{family.name}.jsonl", dataset, family, backend)
        failed = [row for row in rows if row.provenance.state == "failed"]
        if failed:
            raise _failure(failed, folder, dataset, config)
        check_rows(rows, dataset.class_names, str(folder))
        slots = {slot: count for family in families.values() for slot, count in family.slots.items()}
        return {"texts": len(rows), "classes": len(dataset.classes), "slots": slots}

    return store.make(_recipe(dataset, families, backend), build)


def _recipe(dataset: Dataset, families: Mapping[str, PromptFamily], backend: Backend) -> Recipe:
    asked = {name: {"version": family.card.version, "template": family.hash} for name, family in families.items()}
    return Recipe(
        stage="banks",
        name=f"{dataset.name}-{backend.name}",
        what=f"texts for the {len(dataset.classes)} classes of {dataset.title}",
        config={
            "dataset": dataset.name,
            "class_names": list(dataset.class_names),
            "persons": [action.persons for action in dataset.classes],
            "families": asked,
            "backend": dict(backend.fingerprint),
        },
        synthetic=dataset.synthetic,
    )


def _family(path: Path, dataset: Dataset, family: PromptFamily, backend: Backend) -> list[Description]:
    """Rows of one family, class by class; dialogues that a former run finished are taken from ``path``."""
    common = Provenance(family=family.id, template=family.hash, backend=backend.name, model=backend.model)
    rows: dict[int, list[Description]] = {action.index: [] for action in dataset.classes}
    for row in read_lines(path, dataset.name, common) if path.exists() else []:
        rows[row.class_index].append(row)
    open_classes = [action for action in dataset.classes if not _whole(rows[action.index], family)]
    if open_classes:
        dialogues = {a.index: Dialogue(backend, family, dataset.name, a, common) for a in open_classes}

        def keep(index: int, found: list[Description]) -> None:
            rows[index] = found

        try:
            _run(_all(dialogues, backend.concurrency, f"{dataset.name}: {family.id}", keep))
        finally:
            # Also when the backend gives up: what it answered is not asked again.
            write_lines(path, [row for index in sorted(rows) for row in rows[index]])
    return [row for index in sorted(rows) for row in rows[index]]


async def _all(
    dialogues: Mapping[int, Dialogue], concurrency: int, label: str, keep: Callable[[int, list[Description]], None]
) -> None:
    gate = asyncio.Semaphore(concurrency)

    async def one(index: int, dialogue: Dialogue) -> None:
        async with gate:
            keep(index, await dialogue.run())

    tasks = [asyncio.create_task(one(index, dialogue)) for index, dialogue in dialogues.items()]
    for finished in track(asyncio.as_completed(tasks), label, total=len(tasks)):
        await finished


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    # Called from a notebook, whose loop is running already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _whole(rows: Sequence[Description], family: PromptFamily) -> bool:
    wanted = {(slot, index) for slot, count in family.slots.items() for index in range(count)}
    sound = {(row.slot, row.index) for row in rows if row.provenance.state != "failed"}
    return sound == wanted


def _failure(failed: Sequence[Description], folder: Path, dataset: Dataset, config: GenerateConfig) -> QualityError:
    lines = [f"{row.class_name}, {row.slot}: {row.provenance.reason}" for row in failed]
    shown = "; ".join(lines[:5]) + (f"; and {len(lines) - 5} more" if len(lines) > 5 else "")
    options = "".join(f" --family {name}" for name in config.families or ())
    return QualityError(
        f"{len(failed)} answers failed; the texts that passed are kept in {folder} and are not asked for again",
        why=shown,
        mend=f"zsl-semantics generate --dataset {dataset.name} --backend {config.backend}{options}",
    )
