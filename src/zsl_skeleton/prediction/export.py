"""Writes an export: what a run needs to classify clips elsewhere, in one folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import WORK, Artifact, Recipe
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.prediction.contents import Source, write_contents
from zsl_skeleton.prediction.manifest import MANIFEST

__all__ = ["ExportOptions", "Source", "export_run", "stored_export"]

STAGE = "exports"


@dataclass(frozen=True)
class ExportOptions:
    """How an export is written.

    Args:
        draws: how often seen classes are held out for the calibration; each time takes about as long as the run did.
        device: where that is computed.
        overwrite: replace an export that exists.
    """

    draws: int = 5
    device: str = "auto"
    overwrite: bool = False


def export_run(source: Source, out: Path, options: ExportOptions = ExportOptions()) -> Path:
    """Write the export of a run into the folder ``out``, which appears when it is whole.

    Raises:
        UsageError: the run's texts were altered for a control.
        InputError: ``out`` exists, or something the run was made from is gone.
    """
    if out.exists() and not (options.overwrite and (out / MANIFEST).is_file()):
        whole = "it is replaced with --overwrite" if (out / MANIFEST).is_file() else "it is no export"
        raise InputError(f"{out} exists", why=whole, mend="name another folder: --out DIR")
    _check_control(source.run)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    former = temporary.with_suffix(".old")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        write_contents(source, temporary, options.draws, options.device)
        shutil.rmtree(temporary / WORK, ignore_errors=True)
        if out.exists():
            out.rename(former)
        temporary.rename(out)
        shutil.rmtree(former, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def stored_export(source: Source, options: ExportOptions = ExportOptions()) -> Artifact:
    """The export of a run as an artifact of stage ``exports``, made when missing.

    Raises:
        UsageError: as :func:`export_run`.
        InputError: something the run was made from is gone.
    """
    _check_control(source.run)
    card = source.run.card
    recipe = Recipe(
        stage=STAGE,
        name=card.name,
        what=f"export of {card.what}",
        config={"run": source.run.path.name, "draws": options.draws},
        inputs={"run": source.run},
        synthetic=card.synthetic,
    )

    def build(folder: Path) -> Mapping[str, Any]:
        write_contents(source, folder, options.draws, options.device)
        return {}

    return source.store.make(recipe, build)


def _check_control(run: Artifact) -> None:
    control = run.card.config.get("control", "none")
    if control != "none":
        raise UsageError(
            f"the run {run.path.name} cannot be exported",
            why=f"its texts were altered on purpose (control {control}), so it names classes at random",
            mend="export the run with the same settings and --control none",
        )
