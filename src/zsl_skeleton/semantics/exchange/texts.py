"""Imports texts from files into a bank, and exports a bank into files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import sha256_file, write_text
from zsl_skeleton.progress import say
from zsl_skeleton.registry import find_name, resolve
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank, check_rows, write_lines
from zsl_skeleton.semantics.exchange import LAYOUTS
from zsl_skeleton.semantics.exchange.layout import Layout, Reading, Texts, chosen_slots

_VERSION = "import"


class TextImport(BaseModel):
    """How texts are imported.

    Args:
        layout: a name in ``LAYOUTS``; None: found out.
        slots: ``PART=SLOT`` where another slot than the usual one is to be filled.
        trust_order: row i is class i, also where its name differs from the catalog's.
        name: readable name of the bank; None: ``<dataset>-<layout>``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str | None = None
    slots: tuple[str, ...] = ()
    trust_order: bool = False
    name: str | None = None


def find_layout(path: Path) -> str:
    """Name of the layout that a file or folder has.

    Raises:
        InputError: the path does not exist, or no layout or several recognise it.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist")
    found = [name for name in LAYOUTS if resolve("layout", name, LAYOUTS).recognises(path)]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{path} has {'no known layout' if not found else 'several layouts'}",
        why=f"it could be {' or '.join(found)}" if found else f"known: {', '.join(LAYOUTS)}",
        mend="name it with --layout; the table that export --format csv writes is easy to fill in",
    )


def import_bank(store: Store, dataset: Dataset, path: Path, config: TextImport = TextImport()) -> Artifact:
    """Make a bank (stage ``banks``) of the texts in a file or folder; the same files give the same bank.

    Blanks within a text are squeezed, nothing else about it changes: ``lint`` says what is wrong with it. Where classes
    have different numbers of texts, a remark says so.

    Raises:
        UsageError: an unknown layout, part or slot.
        InputError: the files are not of the layout, or their rows do not fit the data set.
    """
    if not path.exists():
        words = f"--dataset {dataset.name} texts.csv"
        raise InputError(
            f"{path} does not exist",
            mend=f"zsl-semantics export {words} writes a table to fill in; then: zsl-semantics import {words}",
        )
    name = find_name("layout", config.layout, LAYOUTS) if config.layout else find_layout(path)
    layout: type[Layout] = resolve("layout", name, LAYOUTS)
    texts = layout.read(path, Reading(dataset, chosen_slots(layout, name, config.slots), config.trust_order))
    ragged = _check(texts, dataset, path)
    for remark in texts.remarks:
        say(remark)
    recipe = _recipe(dataset, texts, name, config, ragged=ragged)

    def build(folder: Path) -> Mapping[str, Any]:
        rows = _rows(texts, dataset, recipe.config["backend"]["parameters"])
        check_rows(rows, dataset.class_names, str(path), ragged=ragged)
        for family in recipe.config["families"]:
            write_lines(folder / f"{family}.jsonl", [row for row in rows if row.slot.partition(".")[0] == family])
        slots = {slot: max(map(len, lists)) for slot, lists in texts.slots.items()}
        return {"texts": len(rows), "classes": len(dataset.classes), "slots": slots, "remarks": texts.remarks}

    return store.make(recipe, build)


def _check(texts: Texts, dataset: Dataset, path: Path) -> bool:
    """Squeeze blanks; whether classes have different numbers of texts.

    Raises:
        InputError: a text is empty or no Unicode, or a class has none in a slot that others have.
    """
    if not texts.slots:
        raise InputError(f"{path} holds no texts")
    ragged = False
    for slot, rows in texts.slots.items():
        for name, row in zip(dataset.class_names, rows, strict=True):
            row[:] = [" ".join(text.split()) for text in row]
            if not row or not all(row):
                raise InputError(f"{path}: {name!r} has {'an empty' if row else 'no'} text in the slot {slot!r}")
            if any("\ud800" <= character <= "\udfff" for text in row for character in text):
                raise InputError(f"{path}: a text of {name!r} in the slot {slot!r} is not valid Unicode")
        counts = sorted(map(len, rows))
        if counts[0] != counts[-1]:
            ragged = True
            texts.remarks.append(f"{slot}: classes have {counts[0]} to {counts[-1]} texts")
    return ragged


def _recipe(dataset: Dataset, texts: Texts, layout: str, config: TextImport, *, ragged: bool) -> Recipe:
    files = {name: sha256_file(path) for name, path in sorted(texts.files.items())}
    families = dict.fromkeys(slot.partition(".")[0] for slot in texts.slots)
    return Recipe(
        stage="banks",
        name=config.name or f"{dataset.name}-{layout}",
        what=f"texts for the {len(dataset.classes)} classes of {dataset.title}, imported from {', '.join(files)}",
        config={
            "dataset": dataset.name,
            "class_names": list(dataset.class_names),
            "persons": [action.persons for action in dataset.classes],
            "families": {family: {"version": _VERSION, "template": ""} for family in families},
            "backend": {"name": "import", "model": None, "parameters": {"layout": layout, "sha256": files}},
            "slots": list(texts.slots),
        }
        | ({"ragged": True} if ragged else {}),
        synthetic=dataset.synthetic,
    )


def _rows(texts: Texts, dataset: Dataset, parameters: dict[str, Any]) -> list[Description]:
    return [
        Description(
            dataset=dataset.name,
            class_index=action.index,
            class_name=action.name,
            slot=slot,
            index=number,
            text=text,
            provenance=Provenance(
                family=f"{slot.partition('.')[0]}@{_VERSION}", template="", backend="import", parameters=parameters
            ),
        )
        for slot, rows in texts.slots.items()
        for action in dataset.classes
        for number, text in enumerate(rows[action.index])
    ]


def export_bank(
    bank: SemanticBank, path: Path, layout: str, slots: Sequence[str] = (), *, overwrite: bool = False
) -> list[Path]:
    """Write a bank into a file (``csv``, ``json``, ``smie``) or a folder (``msf``, ``neuron``).

    Args:
        bank: what to write.
        path: file or folder.
        layout: a name in ``LAYOUTS``.
        slots: ``PART=SLOT`` where another slot than the usual one is to be written.
        overwrite: replace files that exist.

    Returns:
        The files written.

    Raises:
        UsageError: an unknown layout, part or slot.
        InputError: the layout cannot hold the texts, or a file exists.
    """
    name = find_name("layout", layout, LAYOUTS)
    kind: type[Layout] = resolve("layout", name, LAYOUTS)
    contents = kind.files(bank, chosen_slots(kind, name, slots))
    files = {path / relative if relative else path: content for relative, content in contents.items()}
    refuse_existing(list(files), overwrite=overwrite)
    for file, content in files.items():
        write_text(file, content)
    return list(files)


def refuse_existing(files: Sequence[Path], *, overwrite: bool) -> None:
    """Make sure that an export destroys nothing, an edited table least of all.

    Raises:
        InputError: a file exists and may not be overwritten.
        UsageError: a folder is where a file should go.
    """
    for file in files:
        if file.is_dir():
            raise UsageError(f"{file} is a folder", mend=f"name a file in it, e.g. {file / 'texts'}")
        if file.exists() and not overwrite:
            raise InputError(f"{file} exists", mend="name another place, or add --overwrite")
