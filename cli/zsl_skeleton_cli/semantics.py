"""``zsl-semantics``: facts and prompts -> banks of class texts -> class embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    DatasetOption,
    JsonOption,
    announce,
    emit,
    emit_tables,
    new_app,
    open_store,
    run,
)

app = new_app("Class texts: generate a bank, look at it, encode it into class embeddings.")

BankOption = Annotated[str | None, typer.Option("--bank", help="Bank: a path or a name (default: the composed one).")]
FolderHelp = "Folder to use instead of the packaged one."


@app.command()
def generate(
    dataset: DatasetOption,
    family: Annotated[
        list[str] | None, typer.Option(help="Family, e.g. spatial or spatial@v1; repeat for several. Default: all.")
    ] = None,
    backend: Annotated[str, typer.Option(help="Who writes: compose (offline, from facts).")] = "compose",
    prompts: Annotated[Path | None, typer.Option(envvar="ZSL_PROMPTS", help=FolderHelp)] = None,
    facts: Annotated[Path | None, typer.Option(envvar="ZSL_SEMANTICS", help=FolderHelp)] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write class texts in all families: label, action, motion, body-parts, codebook, spatial, temporal."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.generate import GenerateConfig, generate

    families = tuple(family) if family else None
    config = GenerateConfig(families=families, backend=backend, prompts=prompts, semantics=facts)
    announce(generate(open_store(artifacts), load_dataset(dataset, catalog), config), as_json=as_json)


@app.command()
def encode(
    dataset: DatasetOption,
    bank: BankOption = None,
    encoder: Annotated[str, typer.Option(help="Text encoder: minilm, or hashing (no weights, for tests).")] = "minilm",
    control: Annotated[str, typer.Option(help="Encode altered texts instead: random-words or name-only.")] = "none",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Turn a bank into class embeddings; texts encoded before are taken from the cache."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.pipeline import Words, embeddings_for

    words = Words(bank, encoder, control)
    announce(embeddings_for(open_store(artifacts), load_dataset(dataset, catalog), words), as_json=as_json)


@app.command()
def show(
    dataset: DatasetOption,
    action: Annotated[str, typer.Argument(help="Class: its name or its index.")],
    slot: Annotated[list[str] | None, typer.Option(help="Slot or family; repeat for several. Default: all.")] = None,
    bank: BankOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Print the texts of one class."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.pipeline import bank_for
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.show import class_texts

    opened = SemanticBank.open(bank_for(open_store(artifacts), load_dataset(dataset, catalog), bank))
    found = class_texts(opened, action, tuple(slot or ()))
    lines = [line for name, rows in found.items() for line in (name, *(f"  {row.text}" for row in rows))]
    document = {"dataset": opened.dataset, "slots": {name: [row.text for row in rows] for name, rows in found.items()}}
    emit(document, "\n".join(lines), as_json=as_json)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List prompt families, backends, encoders and data sets."""
    from zsl_skeleton.catalog import dataset_names
    from zsl_skeleton.resources import data_folder
    from zsl_skeleton.semantics.backends import BACKENDS
    from zsl_skeleton.text.encoders import ENCODERS

    cards = sorted(data_folder("prompts").glob("*/*/card.yaml"))
    families = [f"{card.parent.parent.name}@{card.parent.name}" for card in cards]
    with_facts = sorted(path.parent.name for path in data_folder("semantics").glob("*/facts.yaml"))
    tables = {"families": families, "backends": list(BACKENDS), "encoders": list(ENCODERS)}
    emit_tables({**tables, "datasets": list(dataset_names()), "facts": with_facts}, as_json=as_json)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
