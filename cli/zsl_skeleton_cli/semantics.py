"""``zsl-semantics``: facts and prompts -> banks of class texts -> class embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsl_skeleton.semantics.options import Options
from zsl_skeleton_cli import batches, curation, exchange, judgement
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    BankOption,
    CatalogOption,
    DatasetOption,
    FactsOption,
    FamilyOption,
    JsonOption,
    KeepOption,
    PromptsOption,
    announce,
    announce_all,
    emit,
    emit_tables,
    new_app,
    open_store,
    run,
    typed_generate,
    writing,
)
from zsl_skeleton_cli.options import takes

if TYPE_CHECKING:
    from zsl_skeleton.semantics.generate import GenerateConfig, Plan

app = new_app("Class texts: generate a bank, check it, curate it, encode it into class embeddings.")

BackendOption = Annotated[
    str, typer.Option(help="Who writes: auto, compose (offline, from facts), openai, transformers, replay or echo.")
]


@app.command()
@takes(Options)
def generate(
    dataset: DatasetOption,
    family: FamilyOption = None,
    backend: BackendOption = "auto",
    keep: KeepOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nobody: prompts, calls, tokens, price.")] = False,
    show_class: Annotated[str, typer.Option(help="Class whose prompts --dry-run prints.")] = "0",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 5 if lint finds anything.")] = False,
    prompts: PromptsOption = None,
    facts: FactsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
    options: Options = Options(),
) -> None:
    """Write class texts in all families: label, action, motion, body-parts, codebook, spatial, temporal."""
    from zsl_skeleton.banks import find_bank
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.progress import say
    from zsl_skeleton.semantics.generate import GenerateConfig, generate, plan_bank

    store, entry = open_store(artifacts), load_dataset(dataset, catalog)
    config = GenerateConfig(
        families=tuple(family) if family else None, backend=backend, prompts=prompts, semantics=facts, options=options
    )
    kept = find_bank(store, entry, keep, facts) if keep else None
    if dry_run:
        plan = plan_bank(store, entry, config, kept, asks=False)
        _preview(plan, config, show_class, as_json=as_json)
        if store.finished(plan.recipe()):
            say(f"the bank {store.path(plan.recipe())} is finished: without --dry-run it is returned, nobody is asked")
        return
    bank = generate(store, entry, config, kept)
    announce(bank, as_json=as_json)
    judgement.gate(bank, catalog, strict=strict)


def _preview(plan: Plan, config: GenerateConfig, show_class: str, *, as_json: bool) -> None:
    from zsl_skeleton.semantics.show import class_index
    from zsl_skeleton.semantics.survey import estimate, render_estimate, render_prompts, survey

    asked = survey(plan)
    rows = estimate(asked, plan.backend.model, config.options)
    index = class_index(show_class, plan.dataset.class_names, plan.dataset.name)
    text = f"{render_prompts(asked, index, plan.backend.model)}\n\n{render_estimate(rows, plan.backend.model)}"
    calls = [item.as_json() for item in asked]
    document = {"backend": dict(plan.backend.fingerprint), "estimate": [asdict(row) for row in rows], "calls": calls}
    emit(document, text, as_json=as_json)


@app.command()
@takes(Options)
def facts(
    dataset: DatasetOption,
    backend: BackendOption = "auto",
    out: Annotated[Path | None, typer.Option(help="File. Default: semantics/DATASET/facts.yaml.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    known: FactsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
    options: Options = Options(),
) -> None:
    """Draft the facts of your own data set, for a person to correct."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.draft import DraftConfig, draft_facts
    from zsl_skeleton.semantics.facts import facts_path

    config = DraftConfig(backend=backend, out=out, force=force, semantics=known, options=options)
    store, entry = open_store(artifacts), load_dataset(dataset, catalog)
    with writing(out or facts_path(entry.name, Path("semantics")), "--out FILE", store.root):
        draft = draft_facts(store, entry, config)
    lines = [str(draft.path), f"  refer to known facts: {len(draft.known)}; written: {len(draft.written)}"]
    lines += [f"  to be written by you: {name}" for name in draft.missing]
    if out is None:
        lines.append(f"  correct it, then: {typed_generate(entry.name, catalog)} --facts semantics")
    document = {"path": str(draft.path), "known": list(draft.known), "written": list(draft.written)}
    emit({**document, "missing": list(draft.missing)}, "\n".join(lines), as_json=as_json)


@app.command()
def record(
    dataset: DatasetOption,
    bank: Annotated[str, typer.Option("--bank", help="Bank that a language model wrote: a path or a name.")],
    out: Annotated[Path, typer.Option("--out", help="File that --backend replay --recording FILE reads.")],
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write the answers behind a bank into a file from which anybody can make the same bank."""
    from zsl_skeleton.banks import find_bank
    from zsl_skeleton.cache import open_text_cache
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.backends.replay import record_bank

    store = open_store(artifacts)
    cache = open_text_cache(store.root / ".cache" / "responses", "response cache")
    with writing(out, "--out FILE", store.root):
        count = record_bank(find_bank(store, load_dataset(dataset, catalog), bank), cache, out)
    emit({"path": str(out), "answers": count}, f"{out}\n  {count} answers", as_json=as_json)


@app.command()
def encode(
    dataset: DatasetOption,
    bank: BankOption = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="minilm (default), hashing, clip-vit-b-32, ..., sentence-transformers:MODEL; repeatable."),
    ] = None,
    control: Annotated[str, typer.Option(help="Encode altered texts instead: random-words or name-only.")] = "none",
    join: Annotated[str, typer.Option(help="none, or temporal: each phase read after the phases before it.")] = "none",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, or bf16 on a GPU.")] = "float32",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Turn a bank into class embeddings; texts encoded before are taken from the cache."""
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.text.encode import EncodeOptions, encode_all

    store = open_store(artifacts)
    source = bank_for(store, load_dataset(dataset, catalog), bank)
    options = EncodeOptions(control=control, join=join, device=device, dtype=dtype)
    announce_all(encode_all(store, source, tuple(encoder or ("minilm",)), options), as_json=as_json)


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
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.show import class_texts, render_texts

    opened = SemanticBank.open(bank_for(open_store(artifacts), load_dataset(dataset, catalog), bank))
    found = class_texts(opened, action, tuple(slot or ()))
    document = {"dataset": opened.dataset, "slots": {name: [row.text for row in rows] for name, rows in found.items()}}
    emit(document, render_texts(found), as_json=as_json)


@app.command("list")
def list_(
    prompts: PromptsOption = None,
    facts: FactsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """List prompt families, backends, encoders, data sets, those with facts, and banks."""
    from zsl_skeleton.catalog import dataset_names
    from zsl_skeleton.resources import data_folder
    from zsl_skeleton.semantics.backends import BACKENDS
    from zsl_skeleton.text.encoders import ENCODERS

    cards = sorted(data_folder("prompts", prompts).glob("*/*/card.yaml"))
    families = [f"{card.parent.parent.name}@{card.parent.name}" for card in cards]
    with_facts = sorted(path.parent.name for path in data_folder("semantics", facts).glob("*/facts.yaml"))
    banks = sorted(path.parent.name for path in (artifacts / "banks").glob("[!.]*/card.json"))
    tables = {"families": families, "backends": list(BACKENDS), "encoders": list(ENCODERS)}
    datasets = {"datasets": list(dataset_names(catalog)), "facts": with_facts}
    emit_tables({**tables, **datasets, "banks": banks}, as_json=as_json)


_MORE: dict[str, Callable[..., None]] = {
    "lint": judgement.lint,
    "report": judgement.report,
    "compare": judgement.compare,
    "edit": curation.edit,
    "approve": curation.approve,
    "reject": curation.reject,
    "diff": curation.diff,
    "import": exchange.import_,
    "export": exchange.export,
    "new-version": curation.new_version,
}
for _name, _command in _MORE.items():
    app.command(_name)(_command)
app.add_typer(batches.app, name="batch")


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()
