"""The plan of a study: every run with whether it exists, what has to be made before it, and how long it may take."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zsl_skeleton.artifacts import LookingStore, NotMadeError, Store
from zsl_skeleton.errors import InputError, ZslError, some_of
from zsl_skeleton.studies.durations import Durations
from zsl_skeleton.studies.failures import Failures
from zsl_skeleton.studies.finding import Finder
from zsl_skeleton.studies.grid import StudyRun, World, expand
from zsl_skeleton.studies.loading import StudyFile

STAGE = "studies"
State = Literal["finished", "begun", "failed", "new", "blocked"]


@dataclass(frozen=True)
class PlannedRun:
    """A run and how far it is.

    Args:
        run: the run.
        state: ``begun``: stopped before its end, it will go on; ``failed``: it will be tried again; ``blocked``: an
            input is missing that only the user can provide.
        path: where it lies or will lie; None while its inputs do not exist.
        makes: the input that has to be made before it, as ``stage/folder`` (what is made from that one follows).
        features: folder of the feature set that it reads; None while that does not exist.
        why: of a blocked or failed run.
        seconds: how long it may take; None where nothing tells. 0 for a finished one.
    """

    run: StudyRun
    state: State
    path: Path | None = None
    features: Path | None = None
    makes: str = ""
    why: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class StudyPlan:
    """All runs of a study, or of a shard of it.

    Args:
        file: the study.
        world: where it is worked on.
        runs: in the order of the file.
        inputs: ``stage/folder`` of inputs to be made -> seconds, None where nothing tells.
    """

    file: StudyFile
    world: World
    runs: tuple[PlannedRun, ...]
    inputs: dict[str, float | None]

    @property
    def left(self) -> tuple[StudyRun, ...]:
        """The runs that are not finished."""
        return tuple(planned.run for planned in self.runs if planned.state != "finished")

    @property
    def features(self) -> set[Path]:
        """Folders of the feature sets that exist and that runs which are not finished read."""
        return {one.features for one in self.runs if one.features and one.state != "finished"}

    @property
    def folder(self) -> Path:
        """Where the study keeps what is not a run."""
        return self.world.root / STAGE / self.file.study.name

    def lost(self, file: str) -> ZslError | None:
        """After the work: what to say of runs that are neither finished nor have failed; None if there are none."""
        lost = [planned.run.name for planned in self.runs if planned.state in ("new", "begun")]
        if not lost:
            return None
        why = f"{some_of(lost, 5)}; jobs tell why in {self.folder / 'jobs'}"
        return InputError(f"{len(lost)} runs were not made", why=why, mend=f"zsl-train study {file} continues")

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {
            "study": self.file.study.name,
            "runs": [_as_json(planned) for planned in self.runs],
            "inputs": [{"artifact": name, "seconds": seconds} for name, seconds in self.inputs.items()],
        }


class Planner:
    """Plans a study, and plans it again when more of it is finished.

    Args:
        file: the study.
        world: where it is worked on. Nothing is written.

    Raises:
        UsageError: a name in the file is unknown.
        InputError: the catalog is broken, or a named bank, embeddings or features do not exist.
    """

    def __init__(self, file: StudyFile, world: World) -> None:
        self._file, self._world = file, world
        self.runs = expand(file, world)
        self._finder = Finder(LookingStore(world.root), world)

    def plan(self, shard: tuple[int, int] = (1, 1)) -> StudyPlan:
        """The plan as things stand; of ``shard`` (i, n) only: every n-th run from the i-th on, counted from 1."""
        chosen = self.runs[shard[0] - 1 :: shard[1]]
        durations = Durations(Store(self._world.root))
        failures = Failures(self._world.root / STAGE / self._file.study.name / "failed")
        inputs: dict[str, float | None] = {}
        missing: dict[str, NotMadeError] = {}
        planned = []
        # What is chosen is said again when it is used; here hundreds of lines would hide the plan.
        with contextlib.redirect_stderr(io.StringIO()):
            for run in chosen:
                try:
                    planned.append(self._found(run, durations, failures))
                except NotMadeError as error:
                    missing.setdefault(str(error), error)
                    seconds = durations.of_run(run.config, run.dataset)
                    planned.append(PlannedRun(run, "new", makes=str(error), seconds=seconds))
                except ZslError as error:
                    why = f"{error.what}; {error.mend}" if error.mend else error.what
                    planned.append(PlannedRun(run, "blocked", why=why))
        inputs |= {name: durations.of(error.recipe) for name, error in missing.items()}
        return StudyPlan(self._file, self._world, tuple(planned), inputs)

    def _found(self, run: StudyRun, durations: Durations, failures: Failures) -> PlannedRun:
        recipe = self._finder.recipe(run)
        store = self._finder.store
        path = store.path(recipe)
        if store.finished(recipe):
            return PlannedRun(run, "finished", path, seconds=0.0)
        failure = failures.of(run)
        state: State = "failed" if failure else "begun" if store.partial(recipe).is_dir() else "new"
        why, features = failure.what if failure else "", recipe.inputs["features"].path
        return PlannedRun(run, state, path, features, why=why, seconds=durations.of(recipe))


def total_seconds(seconds: Sequence[float | None]) -> tuple[float, int]:
    """Sum of what is known, and how many are not."""
    known = [value for value in seconds if value is not None]
    return sum(known), len(seconds) - len(known)


def _as_json(planned: PlannedRun) -> dict[str, Any]:
    run, config = planned.run, planned.run.config
    return {
        "id": run.id,
        "name": run.name,
        "state": planned.state,
        "path": str(planned.path) if planned.path else None,
        "makes": planned.makes,
        "why": planned.why,
        "seconds": planned.seconds,
        "dataset": run.dataset,
        "split": run.split,
        "protocol": run.protocol,
        "backbone": run.sources.backbone,
        "bank": run.sources.words.bank,
        "encoder": run.sources.words.encoder,
        "embeddings": run.sources.words.embeddings,
        **config.model_dump(mode="json", exclude={"device", "checkpoint_seconds"}),
    }
