"""Which report some runs get."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.reports.document import Document
from zsl_skeleton.reports.run_page import one_setting, run_document
from zsl_skeleton.reports.study import About, study_document


def report_document(
    store: Store, runs: Sequence[Artifact], catalog: Path | None = None, title: str | None = None
) -> Document:
    """Runs of one setting (seeds and controls may differ) in detail, of several settings side by side.

    Raises:
        InputError: a run is damaged, or there is none.
    """
    if runs and one_setting(runs):
        return run_document(store, runs, catalog)
    return study_document(store, runs, about=About(title) if title else About())
