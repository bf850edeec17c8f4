"""Which data set, split and protocol somebody's arrays are of, from their labels and from the names in their path."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from zsl_skeleton.catalog import Dataset, Protocol, Split, dataset_names, load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.clips.base import protocol_in
from zsl_skeleton.skeletons.arrays.features.split_fit import fitting_splits


@dataclass(frozen=True)
class Hints:
    """What the user says already; names of data set, split and protocol, and a folder of catalog files."""

    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    catalog: Path | None = None


def datasets_like(path: Path, hints: Hints) -> list[Dataset]:
    """The data sets that may be meant, likeliest first: those that the path names, other real ones, synthetic ones."""
    if hints.dataset:
        return [load_dataset(hints.dataset, hints.catalog)]
    words = _squeezed("".join(path.resolve().parts[-4:]))
    known = [load_dataset(name, hints.catalog) for name in dataset_names(hints.catalog)]
    real = [dataset for dataset in known if not dataset.synthetic]
    # The longest name that stands there is meant: ntu60 is no part of ntu120, but pku-mmd is of pku-mmd-2.
    named = sorted((d for d in real if _squeezed(d.name) in words), key=lambda dataset: -len(dataset.name))
    # "pku51" and "pku" are what people call part I of PKU-MMD, which comes first in the catalog.
    named += [d for d in real if d not in named and "pku" in words and _squeezed(d.name).startswith("pku")]
    return [*named, *(d for d in real if d not in named), *(d for d in known if d.synthetic)]


def find_split(
    classes: tuple[Collection[int], Collection[int]], path: Path, hints: Hints
) -> tuple[Dataset, Split | None]:
    """The data set and split that training and unseen classes are of; None where no split fits.

    Raises:
        InputError: a label is beyond the classes of every data set that may be meant.
    """
    seen, unseen = classes
    datasets = datasets_like(path, hints)
    if hints.split and hints.dataset:
        return datasets[0], datasets[0].split(hints.split)
    fits = fitting_splits(seen, unseen, datasets)
    if fits:
        return fits[0].dataset, fits[0].split
    return find_dataset(max([*seen, *unseen], default=0) + 1, path, hints), None


def find_dataset(classes: int, path: Path, hints: Hints) -> Dataset:
    """The likeliest data set that has at least so many classes.

    Raises:
        InputError: no data set has so many.
    """
    datasets = datasets_like(path, hints)
    fits = [dataset for dataset in datasets if len(dataset.classes) >= classes]
    if not fits:
        raise InputError(
            f"{path} has labels up to {classes - 1}",
            why=f"{datasets[0].name} has {len(datasets[0].classes)} classes",
            mend="describe your data set in a catalog file: --catalog DIR",
        )
    return fits[0]


def find_protocol(dataset: Dataset, names: Sequence[str], hints: Hints) -> Protocol:
    """The protocol that the user or one of ``names`` tells; else the data set's usual one."""
    told = hints.protocol or protocol_in(*names)
    return dataset.protocol(told if hints.protocol or told in dataset.protocols else None)


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
