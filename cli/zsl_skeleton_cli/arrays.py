"""``zsl-data inspect | convert``: what somebody's files hold, and pickles into plain arrays."""

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
    SkeletonsOption,
    emit,
    open_store,
    writing,
)


def inspect(
    path: Annotated[
        Path | None, typer.Argument(help="A folder, zip or file: recordings, or other people's arrays.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set; without PATH its imported recordings.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the features at PATH (default: found out).")] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol of the features at PATH, e.g. xsub.")] = None,
    recipe: RecipeOption = "aimclr-50",
    skeletons: SkeletonsOption = None,
    catalog: CatalogOption = None,
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Say what a PATH holds and how to import it; or count imported clips against the catalog (--dataset)."""
    from zsl_skeleton.errors import InputError, UsageError

    if path is not None:
        from zsl_skeleton.skeletons.arrays.inspection.path import inspect_path
        from zsl_skeleton.skeletons.arrays.inspection.recognise import Hints
        from zsl_skeleton.skeletons.arrays.inspection.text import render as render_path

        found = inspect_path(path, Hints(dataset, split, protocol, catalog))
        emit(found.model_dump(mode="json"), render_path(found), as_json=as_json)
        if found.problem:
            raise typer.Exit(InputError.exit_code)
        return
    if dataset is None:
        raise UsageError("nothing to inspect is named", mend="zsl-data inspect PATH, or zsl-data inspect --dataset D")
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.pipeline import skeletons_for
    from zsl_skeleton.skeletons.inspect import inspect as inspect_set
    from zsl_skeleton.skeletons.inspect import render as render_set

    entry = load_dataset(dataset, catalog)
    inspection = inspect_set(skeletons_for(open_store(artifacts), entry, recipe, skeletons), entry)
    emit(inspection.model_dump(mode="json"), render_set(inspection), as_json=as_json)


def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE.pkl", help="pyskl's annotations, e.g. ntu60_3danno.pkl.")],
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Turn pyskl's pickle of annotations into an .npz file, without running anything that the pickle asks for."""
    from zsl_skeleton.skeletons.arrays.pickles.pyskl import convert as convert_file
    from zsl_skeleton.skeletons.arrays.pickles.pyskl import render

    with writing(out, "--out FILE"):
        made = convert_file(source, out, overwrite=overwrite)
    emit(made.model_dump(mode="json"), render(made), as_json=as_json)
