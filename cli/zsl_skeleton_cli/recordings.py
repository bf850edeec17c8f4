"""``zsl-data import``: recordings as published, or other people's arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zsl_skeleton.errors import UsageError
from zsl_skeleton_cli.common import (
    DEFAULT_ARTIFACTS,
    ArtifactsOption,
    CatalogOption,
    DatasetOption,
    JsonOption,
    ProtocolOption,
    RecipeOption,
    announce,
    open_store,
)

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Artifact, Store
    from zsl_skeleton.catalog import Dataset


def import_(
    dataset: DatasetOption,
    root: Annotated[Path, typer.Option(help="Folder, zip archive or file of the recordings, as published.")],
    form: Annotated[
        str | None,
        typer.Option("--format", help="Reader or layout, e.g. ctr-gcn, synse; default: the data set's own format."),
    ] = None,
    recipe: RecipeOption = "aimclr-50",
    bodies: Annotated[
        Literal["recipe", "first", "motion"],
        typer.Option(help="Which tracked bodies are the persons: the first, those that move most, or as the recipe's."),
    ] = "recipe",
    second: Annotated[
        Literal["zeros", "copy"], typer.Option("--second-person", help="Where there is one person only.")
    ] = "zeros",
    split: Annotated[str | None, typer.Option(help="Of features: the split their backbone was trained for.")] = None,
    protocol: ProtocolOption = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that read; default: one per core.")] = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Read recordings, map them to NTU's 25 joints, preprocess them; or take over features that others extracted."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.registry import normalise
    from zsl_skeleton.skeletons.arrays import LAYOUTS

    store, entry = open_store(artifacts), load_dataset(dataset, catalog)
    if form is not None and normalise(form) in LAYOUTS:
        announce(_features(store, entry, root, (form, split, protocol)), as_json=as_json)
        return
    from zsl_skeleton.skeletons.importing import ImportOptions, import_recordings

    options = ImportOptions(form, bodies, second, jobs)
    announce(import_recordings(store, entry, root, recipe, options), as_json=as_json)


def _features(store: Store, entry: Dataset, root: Path, named: tuple[str, str | None, str | None]) -> Artifact:
    from zsl_skeleton.skeletons.arrays.features.importing import import_features

    form, split, protocol = named
    if split is None:
        raise UsageError(
            "--split is missing",
            why="features belong to a split: their backbone knows its seen classes",
            mend=f"zsl-data inspect {root} finds out which one fits",
        )
    return import_features(store, entry, entry.split(split), entry.protocol(protocol), root, form)
