"""The page about a bank: all that is measured and listed, put into its template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.html import Pages
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.lint import Finding
from zsl_skeleton.semantics.report.classes import class_list, coverage, slot_table
from zsl_skeleton.semantics.report.contents import About, all_places, by_place, facts, rule_table
from zsl_skeleton.semantics.report.similarities import check_vectors, similarities
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

_PAGES = Pages(
    Path(__file__).resolve().parent / "template", ("style.css",), ("texts.js", "heatmap.js", "neighbours.js")
)


def bank_report(
    bank: SemanticBank,
    dataset: Dataset,
    findings: Sequence[Finding],
    embeddings: ClassEmbeddings | None = None,
    about: About | None = None,
) -> str:
    """One self-contained HTML page about a bank; equal input gives equal bytes.

    Args:
        bank: the texts.
        dataset: the classes and splits.
        findings: what lint found in the bank.
        embeddings: of the same bank, for similarities and the effective number of descriptions; None: without these.
        about: card of the bank and split to show first; None: neither.

    Raises:
        UsageError: the data set has no such split.
        InputError: the bank or the embeddings are not those of the data set, or not of each other.
    """
    bank.check_dataset(dataset)
    about = about or About()
    split = dataset.split(about.split).name if about.split else None
    if embeddings is not None:
        check_vectors(embeddings, bank, dataset)
    places = all_places(bank)
    marks = by_place(findings, places)
    classes = class_list(bank, dataset, marks, embeddings)
    values: dict[str, Any] = {
        "dataset": dataset,
        "bank": bank,
        "facts": facts(bank, about),
        "by_text": marks,
        "names": bank.class_names,
        "rules": rule_table(findings, places),
        "findings": findings,
        "classes": classes,
        "coverage": coverage(classes),
        "slots": slot_table(classes),
        "encoder": embeddings.encoder if embeddings else None,
        "data": similarities(embeddings, dataset, split, bank.slots) if embeddings else None,
    }
    return _PAGES.render("page.html.j2", values)
