"""A finished run opened for a report: what it wrote, and what can still be reached of what it was made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError, UsageError, ZslError
from zsl_skeleton.evaluation.calibration import Calibrated
from zsl_skeleton.evaluation.controls import shuffled_rows
from zsl_skeleton.evaluation.evidence import Evidence, gather_evidence
from zsl_skeleton.evaluation.report import Report
from zsl_skeleton.files import read_json, read_tensors, read_text
from zsl_skeleton.methods.base import ClassState, Method
from zsl_skeleton.pipeline import task_of
from zsl_skeleton.reports.sampling import some_clips
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.training import train
from zsl_skeleton.training.inputs import Inputs
from zsl_skeleton.training.train import CALIBRATION, METRICS, SAMPLES, SCORES, read_report

_MOST_CLIPS = 400


@dataclass(frozen=True)
class Inside:
    """The inputs of a run and its trained method, in eval mode on the CPU."""

    inputs: Inputs
    method: Method
    control: str

    @cached_property
    def state(self) -> ClassState:
        """What the method prepared for the unseen classes."""
        generator = torch.Generator().manual_seed(self.inputs.seed)
        with torch.no_grad():
            return self.method.prepare(self.inputs.test.text, generator)

    def explain(self, rows: NDArray[np.int64]) -> Mapping[str, Tensor]:
        """What the method tells about the unseen test clips at ``rows``."""
        chosen = torch.from_numpy(rows)
        with torch.no_grad():
            features = {name: value.index_select(0, chosen) for name, value in self.inputs.test.features.items()}
            return self.method.explain(features, self.state)

    @property
    def per_class(self) -> int:
        """Most test clips of a class in ``evidence``."""
        return max(4, _MOST_CLIPS // len(self.inputs.task.dataset.classes))

    @cached_property
    def evidence(self) -> Evidence:
        """Scores of test clips of all classes against all classes; ``per_class`` of a class at most."""
        clips = self.inputs.all_test()
        rows = torch.from_numpy(some_clips(clips.labels.numpy(), self.per_class))
        features = {name: value.index_select(0, rows) for name, value in clips.features.items()}
        some = replace(clips, features=features, labels=clips.labels.index_select(0, rows))
        seen = ~np.isin(clips.classes, self.inputs.task.split.unseen)
        return gather_evidence(self.method, some, seen, self.inputs.seed)

    @cached_property
    def text_rows(self) -> NDArray[np.int64]:
        """For every class of the data set the class whose texts it had [C]: another one under ``shuffled``."""
        classes = len(self.inputs.task.dataset.classes)
        shuffled = self.control == "shuffled"
        return shuffled_rows(classes, self.inputs.seed) if shuffled else np.arange(classes)


@dataclass(frozen=True)
class OpenedRun:
    """A run.

    Args:
        store: around the run.
        run: the artifact.
        report: as it was written.
        records: one per epoch of every phase.
        scores: float32 [N, U] of the unseen test clips.
        labels: int64 [N], columns of ``scores``.
        ids: names of these clips.
        found: opens the inputs; called once.
    """

    store: Store
    run: Artifact
    report: Report
    records: tuple[Mapping[str, Any], ...]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: tuple[str, ...]
    found: Callable[[], Inside]

    @cached_property
    def _inside(self) -> Inside | InputError:
        try:
            return self.found()
        except InputError as error:
            return error
        except UsageError as error:
            # A data set, split or setting that no longer exists: for a report just as gone as a file.
            return InputError(error.what, why=error.why, mend=error.mend)

    @property
    def inside(self) -> Inside | None:
        """Inputs and method; None where something is gone."""
        return self._inside if isinstance(self._inside, Inside) else None

    @property
    def missing(self) -> ZslError | None:
        """Why there is no ``inside``."""
        return self._inside if isinstance(self._inside, ZslError) else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the unseen classes [U]."""
        return tuple(row.name for row in self.report.per_class)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Indices of the unseen classes in the data set [U]."""
        return tuple(row.index for row in self.report.per_class)

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """Column of the highest score of every clip [N]."""
        return np.asarray(self.scores.argmax(1))

    @cached_property
    def calibration(self) -> Calibrated | None:
        """What was found on held-out seen classes, of a run with the generalised task."""
        path = self.run.path / CALIBRATION
        return Calibrated.model_validate(read_json(path)) if path.is_file() else None

    def source(self, role: str) -> Artifact:
        """The input of a run by its role: ``features`` or ``embeddings``.

        Raises:
            InputError: it is gone.
        """
        return input_of(self.store, self.run, role)

    def bank(self) -> SemanticBank:
        """The texts behind the class embeddings.

        Raises:
            InputError: there are none, or they are gone.
        """
        return SemanticBank.open(input_of(self.store, self.source("embeddings"), "bank"))


def open_run(store: Store, run: Artifact, catalog: Path | None = None) -> OpenedRun:
    """Open a finished run.

    Raises:
        InputError: the run itself is damaged. Inputs that are gone are told by ``missing``.
    """
    arrays = read_tensors(run.path / SCORES)
    lines = read_text(run.path / METRICS).splitlines()
    return OpenedRun(
        store=store,
        run=run,
        report=read_report(run),
        records=tuple(json.loads(line) for line in lines),
        scores=arrays["scores"],
        labels=np.searchsorted(arrays["classes"], arrays["labels"]).astype(np.int64),
        ids=tuple(read_text(run.path / SAMPLES).splitlines()),
        found=lambda: _open_inside(store, run, catalog),
    )


def input_of(store: Store, artifact: Artifact, role: str) -> Artifact:
    """The artifact that ``artifact`` was made from.

    Raises:
        InputError: it names none, it is gone, or it was made again differently.
    """
    found = store.origin(artifact, role)
    if found is None:
        raise InputError(f"{artifact.path.name} does not name its {role}", why="it was imported, or made without any")
    return found


def _open_inside(store: Store, run: Artifact, catalog: Path | None) -> Inside:
    inputs, method = train.open_run(run, task_of(store, catalog, run), "cpu")
    return Inside(inputs, method, run.card.config["control"])
