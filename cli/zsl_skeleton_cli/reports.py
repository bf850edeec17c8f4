"""``zsl-train report``: finished runs as one page, or their tables for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    JsonOption,
    emit,
    find_run,
    open_store,
)

Format = Literal["html", "md", "csv", "latex"]


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Runs: paths, folder names, or readable names (the newest).")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="File to write. Default: run.html; tables: stdout.")] = None,
    form: Annotated[Format, typer.Option("--format", help="One HTML page, or its tables: md, csv or latex.")] = "html",
    title: Annotated[str | None, typer.Option(help="Of the page that compares several settings.")] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Report on finished runs: seeds and controls of one setting in detail, several settings side by side."""
    from zsl_skeleton.html import write_page
    from zsl_skeleton.reports.choice import report_document
    from zsl_skeleton.reports.render import render

    store = open_store(artifacts)
    found = [find_run(store, name) for name in dict.fromkeys(runs)]
    text = render(report_document(store, found, catalog, title), form)
    if out is None and form != "html":
        emit({"format": form, "text": text}, text, as_json=as_json)
        return
    path = out or Path("run.html")
    write_page(path, text)
    emit({"path": str(path), "runs": [str(run.path) for run in found]}, str(path), as_json=as_json)
