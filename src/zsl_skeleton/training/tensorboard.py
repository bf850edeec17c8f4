"""The training curves of a finished run as TensorBoard event files (extra ``tensorboard``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import Artifact
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.files import read_text
from zsl_skeleton.training.train import METRICS, read_report

_MEND = "pip install 'zsl-skeleton[tensorboard]'"


def write_events(run: Artifact, out: Path) -> Path:
    """Write the metrics of every epoch and the accuracies of a run; returns the folder, ``out/<run>``.

    Every phase of a training (validation, training) has curves of its own, named ``<phase>/<metric>``.

    Raises:
        UsageError: TensorBoard is not installed.
        InputError: the metrics are damaged, or the folder holds events already.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("TensorBoard is not installed", why=str(error), mend=_MEND) from error
    folder = out / run.path.name
    if any(folder.glob("events.out.*")):
        why = "a second set of the same curves would be drawn over the first"
        raise InputError(f"{folder} holds events already", why=why, mend=f"rm -r {folder}, or --out another folder")
    records = [_record(line, run) for line in read_text(run.path / METRICS).splitlines()]
    report = read_report(run)
    writer: Any = SummaryWriter(str(folder))
    try:
        for record in records:
            for name, value in record.items():
                if isinstance(value, float):
                    writer.add_scalar(f"{record['phase']}/{name}", value, record["epoch"] or 0)
        for name in ("accuracy", "mean_class_accuracy", "chance"):
            writer.add_scalar(f"test/{name}", getattr(report, name), 0)
        writer.add_text("run", f"{run.card.what}\n\n    {run.card.made.command}")
    finally:
        writer.close()
    return folder


def _record(line: str, run: Artifact) -> dict[str, Any]:
    try:
        found = json.loads(line)
        return {"phase": str(found["phase"]), "epoch": found["epoch"], **found}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{run.path / METRICS} is damaged", why=f"{type(error).__name__}: {error}") from error
