"""Where a study's processes run. Light: imported by the command line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Launcher = Literal["here", "slurm", "local-executor"]


class LaunchOptions(BaseModel):
    """Where and how the work is done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    launcher: Launcher = Field(
        default="here", description="here, slurm (a job array), or local-executor (the same without a cluster)."
    )
    partition: str | None = Field(default=None, description="Slurm partition.")
    shards: int = Field(default=4, ge=1, description="Jobs of the array; each works on its part of the runs.")
    gpus: int = Field(default=1, ge=0, description="GPUs of a job.")
    cpus: int = Field(default=4, ge=1, description="Processors of a job.")
    memory_gb: int | None = Field(default=None, ge=1, description="Memory of a job in GB.")
    time: int = Field(default=240, ge=1, description="Time limit of a job in minutes; it is requeued when it is over.")
    slurm: list[str] = Field(default=[], description="More sbatch options as key=value, e.g. account=me; repeat.")
    wait: bool = Field(default=False, description="Wait for the jobs and print the table.")
