"""``zsl-data merge``: several data sets as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsl_skeleton.errors import UsageError
from zsl_skeleton_cli.common import DEFAULT_ARTIFACTS, ArtifactsOption, JsonOption, announce, open_store


def merge(
    name: Annotated[str, typer.Option(help="Name of the new data set.")],
    dataset: Annotated[list[str], typer.Option(help="Data set; repeat for each.")],
    catalog: Annotated[
        Path, typer.Option("--catalog", envvar="ZSL_CATALOG", help="Folder that the new catalog file goes to.")
    ],
    same: Annotated[
        list[str] | None, typer.Option(help='"ONE=OTHER": two class names that mean the same action; repeatable.')
    ] = None,
    recipe: Annotated[str, typer.Option(help="Preprocessing recipe of the clips.")] = "aimclr-50",
    artifacts: ArtifactsOption = DEFAULT_ARTIFACTS,
    as_json: JsonOption = False,
) -> None:
    """Join the clips of several data sets into a data set of its own, and write its catalog file."""
    from zsl_skeleton.catalog import load_dataset
    from zsl_skeleton.pipeline import skeletons_for
    from zsl_skeleton.skeletons.merging import MergePlan, Part
    from zsl_skeleton.skeletons.merging import merge as join

    catalog.mkdir(parents=True, exist_ok=True)
    store, entries = open_store(artifacts), [load_dataset(one, catalog) for one in dataset]
    parts = [Part(entry, skeletons_for(store, entry, recipe)) for entry in entries]
    announce(join(store, parts, MergePlan(name, tuple(map(_pair, same or ())), catalog)), as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    first, equals, second = text.partition("=")
    if not equals or not first.strip() or not second.strip():
        raise UsageError(f"--same {text!r} is no pair", mend='write --same "jogging in place=jogging"')
    return first.strip(), second.strip()
