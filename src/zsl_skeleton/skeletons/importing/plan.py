"""What an import is asked for, made definite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError, unknown_name
from zsl_skeleton.registry import find_name
from zsl_skeleton.skeletons.arrays import LAYOUTS
from zsl_skeleton.skeletons.importing.clips import ImportJob
from zsl_skeleton.skeletons.importing.root import base_of
from zsl_skeleton.skeletons.readers import READERS, Reader, open_reader
from zsl_skeleton.skeletons.recipes import ClipRecipe, find_recipe


@dataclass(frozen=True)
class ImportOptions:
    """How recordings are read.

    Args:
        reader: a key of the reader table; None = the one that the catalog names.
        bodies: which of the tracked bodies are the persons, for formats that list more: those first in each frame,
            those that move most (CTR-GCN's denoising), or what the authors of the recipe do.
        second: what stands for a second person where there is none: zeros, or a copy of the first.
        jobs: processes that read; None = one per core, where there is enough to do.
    """

    reader: str | None = None
    bodies: Literal["recipe", "first", "motion"] = "recipe"
    second: Literal["zeros", "copy"] = "zeros"
    jobs: int | None = None


@dataclass(frozen=True)
class ImportPlan:
    """A data set, where its recordings lie, and how they become clips.

    Args:
        dataset: what the labels mean.
        root: folder, archive or file.
        recipe: the preprocessing.
        format: name of the reader.
        reader: an instance of it.
        bodies: the choice of bodies; None where the format leaves none.
        copy: whether a missing second person is a copy of the first.
        jobs: processes that read; None = as many as pay.
    """

    dataset: Dataset
    root: Path
    recipe: ClipRecipe
    format: str
    reader: Reader
    bodies: str | None
    copy: bool
    jobs: int | None

    @classmethod
    def of(cls, dataset: Dataset, root: Path, recipe: str, options: ImportOptions) -> ImportPlan:
        """Fill in what the options leave to the catalog and the recipe.

        Raises:
            UsageError: the recipe, the reader or a choice is unknown, the recordings went through another recipe, or
                nobody is to read.
            InputError: the catalog names no reader.
        """
        chosen, name = find_recipe(recipe), _format(dataset, options.reader)
        reader = open_reader(name)
        if reader.prepared not in (None, chosen.name):
            raise UsageError(
                f"recordings of the format {name} went through the recipe {reader.prepared} already",
                mend=f"choose it: --recipe {reader.prepared}",
            )
        if options.jobs is not None and options.jobs < 1:
            raise UsageError(
                f"{options.jobs} processes cannot read anything", mend="leave out --jobs, or write --jobs 1"
            )
        if options.second not in ("zeros", "copy"):
            raise unknown_name("second person", options.second, ("zeros", "copy"))
        bodies = chosen.bodies if options.bodies == "recipe" else options.bodies
        if reader.chooses_bodies:
            reader = open_reader(name, bodies=bodies)
        copy = options.second == "copy" and dataset.persons > 1 and reader.prepared is None
        return cls(dataset, root, chosen, name, reader, bodies if reader.chooses_bodies else None, copy, options.jobs)

    @property
    def choices(self) -> dict[str, Any]:
        """Those options that make a difference to the clips, for the configuration."""
        return {**({"bodies": self.bodies} if self.bodies else {}), **({"second": "copy"} if self.copy else {})}

    @property
    def job(self) -> ImportJob:
        """What the reading processes are told."""
        return ImportJob(
            reader=self.format,
            options={"bodies": self.bodies} if self.bodies else {},
            recipe=self.recipe.name,
            classes=len(self.dataset.classes),
            persons=self.dataset.persons,
            copy=self.copy,
            base=base_of(self.root),
        )


def _format(dataset: Dataset, chosen: str | None) -> str:
    name = chosen or dataset.reader
    if name is None:
        raise InputError(
            f"{dataset.title} cannot be imported",
            why="its catalog file names no reader",
            mend="zsl-data synthesize"
            if dataset.synthetic
            else f"add 'reader: npz' to a catalog file ({dataset.name})",
        )
    found = find_name("format", name, {**READERS, **LAYOUTS})
    if found not in READERS:
        raise UsageError(f"{found} is a format of features, not of recordings", mend="zsl-data inspect PATH")
    return found
