"""``zsl-semantics lint | report | compare``: what is wrong with texts, how they look, what they promise."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    BankOption,
    CatalogOption,
    DatasetOption,
    JsonOption,
    PromptsOption,
    catalog_words,
    emit,
    open_named,
    open_store,
)
from zsl_skeleton_cli.options import takes

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Artifact


def gate(bank: Artifact, catalog: Path | None, *, strict: bool) -> None:
    """Say on stderr what lint found while the bank was made; with ``strict``, fail on it.

    Raises:
        QualityError: lint found something and ``strict`` is set.
    """
    from zsl_skeleton.errors import QualityError
    from zsl_skeleton.progress import say

    found = bank.card.summary.get("lint") or {}
    if not found:
        return
    counts = ", ".join(f"{rule} {count}" for rule, count in found.items())
    words = ["zsl-semantics", "lint", "--dataset", bank.card.config["dataset"], "--bank", str(bank.path)]
    command = shlex.join([*words, *catalog_words(catalog)])
    if strict:
        raise QualityError(f"lint found: {counts}", why="--strict allows nothing", mend=command)
    say(f"lint found: {counts}; see {command}")


def lint(
    dataset: DatasetOption,
    bank: BankOption = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="Text encoder whose longest text must not be passed; repeatable.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Findings shown per rule.")] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 5 if anything is found.")] = False,
    prompts: PromptsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Check texts: leaks, unseen things, wrong senses, duplicates, drift, length, form, coverage."""
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.errors import QualityError
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.lint import as_json as findings_json
    from zsl_skeleton.semantics.lint import lint_bank, prompt_slots, render
    from zsl_skeleton.text.encoders import load_encoder

    entry = load_dataset(dataset, catalog)
    source = bank_for(open_store(artifacts), entry, bank)
    encoders = [load_encoder(name) for name in encoder or ()]
    found = lint_bank(SemanticBank.open(source), entry, encoders, prompt_slots(prompts))
    emit({"bank": str(source.path), **findings_json(found)}, render(found, examples), as_json=as_json)
    if strict and found:
        where = shlex.join(["--dataset", entry.name, "--bank", str(source.path), *catalog_words(catalog)])
        raise QualityError(
            f"lint found {len(found)} things in {source.path}",
            why="--strict allows nothing",
            mend=f"zsl-semantics edit {where} CLASS --slot SLOT",
        )


def report(
    dataset: DatasetOption,
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("bank.html"),
    bank: BankOption = None,
    encoder: Annotated[str, typer.Option(help="Text encoder of the similarity maps, or none.")] = "minilm",
    split: Annotated[str | None, typer.Option(help="Split shown first. Default: the first one.")] = None,
    prompts: PromptsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML page with all texts of a bank, lint marks, class similarities and coverage."""
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.semantics.bank import SemanticBank
    from zsl_skeleton.semantics.lint import lint_bank, prompt_slots
    from zsl_skeleton.semantics.report import About, bank_report, write_report
    from zsl_skeleton.text.class_embeddings import ClassEmbeddings
    from zsl_skeleton.text.encode import encode

    entry, store = load_dataset(dataset, catalog), open_store(artifacts)
    source = bank_for(store, entry, bank)
    opened = SemanticBank.open(source)
    embeddings = None if encoder == "none" else ClassEmbeddings.open(encode(store, source, encoder))
    findings = lint_bank(opened, entry, slots=prompt_slots(prompts))
    write_report(out, bank_report(opened, entry, findings, embeddings, About(source.card, split)))
    emit({"path": str(out), "bank": str(source.path)}, str(out), as_json=as_json)


@takes(CompareConfig, "config")
def compare(
    dataset: DatasetOption,
    banks: Annotated[list[str] | None, typer.Argument(help="Banks. Default: the composed one.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Split; only its seen classes are looked at. Default: the first one.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol. Default: the data set's.")] = None,
    features: Annotated[str | None, typer.Option(help="Feature set: a path or a name.")] = None,
    backbone: Annotated[str, typer.Option(help="Backbone whose features are taken.")] = "st-gcn",
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
    config: CompareConfig = CompareConfig(),
) -> None:
    """Say before training which bank promises most: held-out seen classes, agreement with the clips, controls."""
    setting = open_named(artifacts, catalog, {"dataset": dataset, "split": split, "protocol": protocol})
    from zsl_skeleton.banks import bank_for
    from zsl_skeleton.pipeline import Extraction, features_for
    from zsl_skeleton.quality.compare import compare_banks
    from zsl_skeleton.quality.predict import Seen
    from zsl_skeleton.quality.render import as_json as comparison_json
    from zsl_skeleton.quality.render import render
    from zsl_skeleton.skeletons.features import FeatureSet

    chosen = [bank_for(setting.store, setting.dataset, name) for name in banks or (None,)]
    clips = FeatureSet.open(features_for(setting, Extraction(backbone), features))
    seen = Seen.of(clips, setting.dataset, setting.split, setting.protocol)
    found = compare_banks(setting.store, chosen, seen, config)
    emit(comparison_json(found), render(found), as_json=as_json)
