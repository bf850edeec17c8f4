"""The page itself: one file that loads nothing, whose texts cannot become markup or script."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_text, write_text
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.lint import Finding
from zsl_skeleton.semantics.report.classes import class_list, coverage, slot_table
from zsl_skeleton.semantics.report.contents import About, all_places, by_place, facts, rule_table
from zsl_skeleton.semantics.report.similarities import check_vectors, similarities
from zsl_skeleton.text.class_embeddings import ClassEmbeddings

_TEMPLATES = Path(__file__).resolve().parent / "template"
_SCRIPTS = ("theme.js", "texts.js", "heatmap.js", "neighbours.js")


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
    script = "".join(_source(name) for name in _SCRIPTS)
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
        "style": Markup(_source("style.css")),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return _environment().get_template("page.html.j2").render(values)


def write_report(path: Path, page: str) -> None:
    """Atomically write a page that :func:`bank_report` made.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        write_text(path, page)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written", why=error.strerror or str(error), mend="name another file with --out FILE"
        ) from error


def visible(value: Any) -> Any:
    """The value with every character that does not show (line separators, direction marks, controls) spelled out."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in value)


def number(value: float | None, digits: int = 0) -> Markup | str:
    """A number for people, thousands set apart; ``unknown`` for None."""
    return "unknown" if value is None else Markup(f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}"))


def _source(name: str) -> str:
    return read_text(_TEMPLATES / name)


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    names = sorted(path.name for path in _TEMPLATES.glob("*.j2"))
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader({name: _source(name) for name in names}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    environment.globals["number"] = number
    return environment
