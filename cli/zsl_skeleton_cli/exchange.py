"""``zsl-semantics import | export``: texts and vectors from and for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    BankOption,
    CatalogOption,
    DatasetOption,
    JsonOption,
    announce,
    emit,
    open_store,
    writing,
)


def import_(
    dataset: DatasetOption,
    path: Annotated[list[str], typer.Argument(help="Texts: one file or folder. Vectors: FILE or SLOT=FILE, several.")],
    layout: Annotated[str | None, typer.Option(help="csv, json, smie, msf or neuron. Default: found out.")] = None,
    slot: Annotated[list[str] | None, typer.Option(help="PART=SLOT: fill another slot; repeatable.")] = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="The files hold vectors.")] = False,
    encoder: Annotated[str | None, typer.Option(help="What made the vectors (with --embeddings).")] = None,
    names_file: Annotated[Path | None, typer.Option(help="Class names, one a line, of the rows of vectors.")] = None,
    trust_order: Annotated[bool, typer.Option("--trust-order", help="Row i is class i, whatever its name.")] = False,
    name: Annotated[str | None, typer.Option(help="Readable name of what is made.")] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Bring in texts as a bank, or vectors as class embeddings; rows are bound to classes by name."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.errors import UsageError
    from zsl_skeleton.semantics.exchange.embeddings import VectorImport, import_embeddings
    from zsl_skeleton.semantics.exchange.texts import TextImport, import_bank

    store, entry = open_store(artifacts), load_dataset(dataset, catalog)
    if embeddings:
        config = VectorImport(encoder=encoder, names_file=names_file, trust_order=trust_order, name=name)
        announce(import_embeddings(store, entry, path, config), as_json=as_json)
        return
    if len(path) > 1:
        raise UsageError(
            "texts are imported from one file or folder", mend="name one of them; for vectors --embeddings"
        )
    wanted = TextImport(layout=layout, slots=tuple(slot or ()), trust_order=trust_order, name=name)
    announce(import_bank(store, entry, Path(path[0]), wanted), as_json=as_json)


def export(
    dataset: DatasetOption,
    out: Annotated[Path, typer.Argument(help="The file or folder to write.")],
    form: Annotated[str, typer.Option("--format", help="csv, json, smie, msf, neuron; npy or safetensors.")] = "csv",
    slot: Annotated[list[str] | None, typer.Option(help="PART=SLOT: write another slot; repeatable.")] = None,
    encoder: Annotated[str, typer.Option(help="Text encoder of npy and safetensors.")] = "minilm",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    bank: BankOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write a bank, or its vectors, for other programs."""
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.registry import find_name
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.exchange import LAYOUTS
    from zsl_skeleton.semantics.exchange.embeddings_out import FORMATS, export_embeddings
    from zsl_skeleton.semantics.exchange.texts import export_bank
    from zsl_skeleton.text.encode import encode

    form, store = find_name("format", form, {**LAYOUTS, **FORMATS}), open_store(artifacts)
    source = bank_for(store, load_dataset(dataset, catalog), bank)
    with writing(out, f"zsl-semantics export --dataset {dataset} OUT", store.root):
        if form in FORMATS:
            files = export_embeddings(encode(store, source, encoder), out, form, overwrite=overwrite)
        else:
            files = export_bank(SemanticBank.open(source), out, form, tuple(slot or ()), overwrite=overwrite)
    emit({"files": [str(file) for file in files]}, "\n".join(map(str, files)), as_json=as_json)
