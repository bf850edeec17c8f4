"""``zsl-data synthesize``: made-up recordings, as a skeleton set or as raw files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    JsonOption,
    RecipeOption,
    announce,
    emit,
    open_store,
    writing,
)


def synthesize(
    dataset: Annotated[
        str, typer.Option(help="A synthetic data set, or with --files one with class names: ntu60, pku-mmd, ...")
    ] = "demo",
    subjects: Annotated[
        int | None, typer.Option(min=1, max=999, help="Performers; default: 10, of raw files as published.")
    ] = None,
    repetitions: Annotated[
        int | None, typer.Option(min=1, max=999, help="Clips per class and performer; default: 2.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn.")] = 0,
    recipe: RecipeOption = "aimclr-50",
    files: Annotated[
        Path | None, typer.Option(help="Write raw files, as NTU or PKU-MMD publishes them, into this folder instead.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Raw files: an evenly spread part of so many recordings.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Raw files: processes; default: one per core.")] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Make synthetic recordings: a kinematic body performs composed movements. They prove nothing about real ones."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set
    from zsl_skeleton.skeletons.synthesis.raw import RawOptions, write_raw_files

    entry = load_dataset(dataset, catalog)
    if files is None:
        config = SynthesisConfig(subjects=subjects or 10, repetitions=repetitions or 2, seed=seed)
        announce(synthesize_set(open_store(artifacts), entry, config, recipe), as_json=as_json)
        return
    with writing(files, "--files DIR"):
        written = write_raw_files(files, entry, RawOptions(subjects, repetitions, limit, seed), jobs)
    counts = {"recordings": written.recordings, "made": written.made, "bytes": written.bytes}
    emit(
        {"folder": str(files), **counts, "seconds": round(written.seconds, 1)}, f"{files}\n  {written}", as_json=as_json
    )
