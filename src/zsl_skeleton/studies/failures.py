"""What failed in a study, one file per run, until the run is made."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from zsl_skeleton.errors import BackendError, InputError, QualityError, UsageError, ZslError, some_of
from zsl_skeleton.files import read_json, write_json
from zsl_skeleton.studies.grid import StudyRun


class Failure(BaseModel):
    """Why a run is not there: ``at`` in seconds since 1970, the exit code its own command would have had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    at: float
    what: str
    why: str = ""
    mend: str = ""
    exit_code: int = 1
    trace: str = ""


class Failures:
    """The failures of a study, in a folder that several processes may write to.

    Args:
        folder: made when something fails.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, run: StudyRun, error: Exception) -> Failure:
        """Keep that ``run`` failed with ``error``."""
        if isinstance(error, ZslError):
            told = {"what": error.what, "why": error.why, "mend": error.mend, "exit_code": error.exit_code}
        else:
            trace = "".join(traceback.format_exception(error))
            told = {"what": f"{type(error).__name__}: {error}", "trace": trace}
        failure = Failure.model_validate({"run": run.name, "at": time.time(), **told})
        write_json(self._path(run), failure.model_dump())
        return failure

    def of(self, run: StudyRun) -> Failure | None:
        """The last failure of a run; None where it has not failed, or was made since."""
        path = self._path(run)
        return Failure.model_validate(read_json(path)) if path.is_file() else None

    def forget(self, run: StudyRun) -> None:
        """The run is made."""
        self._path(run).unlink(missing_ok=True)

    def _path(self, run: StudyRun) -> Path:
        return self.folder / f"{run.id}.json"


def as_error(failures: list[Failure], again: str) -> ZslError:
    """One error for all failures, with the exit code they agree in, else 1; ``again`` is the command that retries."""
    codes = {failure.exit_code for failure in failures}
    kinds = {kind.exit_code: kind for kind in (UsageError, InputError, BackendError, QualityError)}
    kind = kinds.get(codes.pop(), ZslError) if len(codes) == 1 else ZslError
    alike: dict[str, list[str]] = {}
    for failure in failures:
        alike.setdefault(f"{failure.what} ({failure.why})" if failure.why else failure.what, []).append(failure.run)
    told = [f"{some_of(runs, 1)}: {what}" for what, runs in alike.items()]
    mends = list(dict.fromkeys(failure.mend for failure in failures if failure.mend))
    mend = some_of([*mends, f"then the same command tries them again: {again}"], 4)
    return kind(f"{len(failures)} runs of the study failed", why=some_of(told, 10), mend=mend)
