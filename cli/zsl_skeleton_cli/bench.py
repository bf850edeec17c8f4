"""``zsl-train bench``: time and memory of a method on random data of a true size."""

from __future__ import annotations

from typing import Annotated

import typer

from zsl_skeleton_cli.common import DeviceOption, JsonOption, emit


def bench(
    method: Annotated[str, typer.Option(help="Method; see zsl-train list.")],
    size: Annotated[str, typer.Option(help="Size of the data: ntu60, ntu120 or pku.")] = "ntu60",
    preset: Annotated[str, typer.Option(help="Settings: paper or default.")] = "paper",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value; repeat for several.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the processor; default: torch's.")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="About how long each thing is repeated.")] = 6.0,
    full: Annotated[bool, typer.Option("--full", help="Run a whole epoch instead of extrapolating.")] = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Time the training step, an epoch and the evaluation, and measure peak memory, on random data of a true size."""
    from zsl_skeleton.training.bench.measure import BenchOptions
    from zsl_skeleton.training.bench.measure import bench as measure
    from zsl_skeleton.training.bench.report import render_bench
    from zsl_skeleton.training.config import RunConfig

    run = RunConfig(method=method, preset=preset, overrides=tuple(overrides or ()), device=device)
    report = measure(run, BenchOptions(size, threads, seconds, full))
    emit(report.as_json(), render_bench(report), as_json=as_json)
