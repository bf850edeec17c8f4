"""Several data sets as one: their clips side by side, classes that are the same action joined, a catalog file written.

The result is a data set like any other, so that backbones, features and methods can be trained on all of it. Nothing
about who is unseen is decided anew: a joined class is unseen in a split only if it is unseen in every data set that has
it, and a clip trains only if it does so at home.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError, UsageError, unknown_name
from zsl_skeleton.files import read_text, write_text
from zsl_skeleton.semantics.words import same_key
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.skeleton_set import Clip, SkeletonSet, write_skeleton_set

_APART = 1000
"""Between the subject numbers of two data sets, so that nobody is taken for somebody else."""

Place = tuple[int, int]
"""A data set's place in the order of the merge, and a class of it."""


@dataclass(frozen=True)
class Part:
    """A data set and its clips."""

    dataset: Dataset
    skeletons: Artifact


@dataclass(frozen=True)
class MergePlan:
    """What is made of the parts.

    Args:
        name: of the new data set.
        same: pairs of class names that mean the same action; the first one is kept. Equal names need no pair.
        catalog: folder that its catalog file is written to.
    """

    name: str
    same: tuple[tuple[str, str], ...]
    catalog: Path


def merge(store: Store, parts: Sequence[Part], plan: MergePlan) -> Artifact:
    """Write the catalog file and the skeleton set (stage ``skeletons``) of the union.

    Raises:
        UsageError: fewer than two parts, or a pair names an unknown class or two classes of one data set.
        InputError: the parts are prepared by different recipes, share no protocol or no split, or another catalog file
            of that name exists.
    """
    if len(parts) < 2:
        raise UsageError("at least two data sets are merged", mend="--dataset ONE --dataset ANOTHER")
    sets = [SkeletonSet.open(part.skeletons) for part in parts]
    recipes = {(found.recipe, found.artifact.card.config.get("recipe_version", 1)) for found in sets}
    if len(recipes) > 1:
        why = "; ".join(f"{found.artifact.path.name}: {found.recipe}" for found in sets)
        raise InputError("the clips are prepared by different recipes", why=why, mend="zsl-data import --recipe NAME")
    joined = joined_classes([part.dataset for part in parts], plan.same)
    dataset = _write_catalog([part.dataset for part in parts], plan, joined)
    (recipe, version) = recipes.pop()
    wanted = Recipe(
        stage="skeletons",
        name=f"{dataset.name}-{recipe}",
        what=f"{dataset.title}: clips side by side",
        config={
            "dataset": dataset.name,
            "recipe": recipe,
            "recipe_version": version,
            "reader": None,
            "classes": len(dataset.classes),
            "persons": dataset.persons,
            "class_names": list(dataset.class_names),
            "protocols": list(dataset.protocols),
        },
        inputs={part.dataset.name: part.skeletons for part in parts},
        synthetic=any(part.skeletons.card.synthetic for part in parts),
    )

    def build(folder: Path) -> Mapping[str, Any]:
        clips = _clips(parts, sets, dataset, joined)
        return {**write_skeleton_set(folder, clips, len(dataset.classes)), "skipped": [], "made_up_joints": []}

    return store.make(wanted, build)


def joined_classes(datasets: Sequence[Dataset], same: Sequence[tuple[str, str]]) -> dict[str, list[Place]]:
    """Name of every class of the union -> where it comes from, in the order of the data sets.

    Raises:
        UsageError: a name is unknown, or a pair joins two classes of one data set.
    """
    names: dict[str, str] = {}
    for name in (name for one in datasets for name in one.class_names):
        names.setdefault(same_key(name), name)
    kept: dict[str, str] = {}

    def first_of(key: str) -> str:
        while key in kept:
            key = kept[key]
        return key

    for first, second in same:
        for name in (first, second):
            if same_key(name) not in names:
                raise unknown_name("class", name, names.values())
        one_key, other_key = first_of(same_key(first)), first_of(same_key(second))
        if one_key != other_key:
            kept[other_key] = one_key
    found: dict[str, list[Place]] = {}
    for number, one in enumerate(datasets):
        for action in one.classes:
            key = first_of(same_key(action.name))
            places = found.setdefault(names[key], [])
            if any(place == number for place, _ in places):
                raise UsageError(
                    f"{action.name!r} and {one.class_names[places[-1][1]]!r} are two classes of {one.name}",
                    mend="leave out that --same",
                )
            places.append((number, action.index))
    return found


def _write_catalog(datasets: Sequence[Dataset], plan: MergePlan, joined: Mapping[str, Sequence[Place]]) -> Dataset:
    shared = [name for name in datasets[0].protocols if all(name in one.protocols for one in datasets)]
    splits = _splits(datasets, list(joined.values()))
    if not shared or not splits:
        what = "protocol" if not shared else "split"
        raise InputError(f"{' and '.join(one.name for one in datasets)} share no {what}", mend="add one: --catalog DIR")
    persons = {name: max(datasets[n].classes[i].persons for n, i in places) for name, places in joined.items()}
    layouts = {one.layout for one in datasets}
    content = {
        "name": plan.name,
        "title": " + ".join(one.title for one in datasets),
        "synthetic": any(one.synthetic for one in datasets),
        "layout": layouts.pop() if len(layouts) == 1 else "ntu-25",
        "fps": min(one.fps for one in datasets),
        "persons": max(one.persons for one in datasets),
        "classes": [{"name": name, "persons": persons[name]} for name in joined],
        # The clips themselves say which of them train: as they do at home.
        "protocols": {name: {"by": "recording", "train_list": "the merged clips"} for name in shared},
        "default_protocol": datasets[0].default_protocol if datasets[0].default_protocol in shared else shared[0],
        "splits": splits,
    }
    path = plan.catalog / f"{plan.name}.yaml"
    text = yaml.safe_dump(content, sort_keys=False, width=120)
    if path.exists() and read_text(path) != text:
        raise InputError(f"{path} is there and says something else", mend="choose another --name")
    write_text(path, text)
    return load_dataset(plan.name, plan.catalog)


def _splits(datasets: Sequence[Dataset], places: Sequence[Sequence[Place]]) -> dict[str, Any]:
    """The splits that all data sets have by name, as far as they leave an unseen class."""
    found = {}
    for name in datasets[0].splits:
        if not all(name in one.splits for one in datasets):
            continue
        own = [one.splits[name] for one in datasets]
        unseen = [i for i, origins in enumerate(places) if all(c in own[n].unseen for n, c in origins)]
        held = [i for i, origins in enumerate(places) if all(c in own[n].validation_unseen for n, c in origins)]
        if unseen:
            source = f"{name} of {' and of '.join(one.name for one in datasets)}"
            found[name] = {"unseen": unseen, "validation_unseen": held if len(held) > 1 else [], "source": source}
    return found


def _clips(
    parts: Sequence[Part], sets: Sequence[SkeletonSet], dataset: Dataset, joined: Mapping[str, Sequence[Place]]
) -> Iterator[Clip]:
    label = {place: number for number, places in enumerate(joined.values()) for place in places}
    for number, (part, found) in enumerate(zip(parts, sets, strict=True)):
        trains = {name: training_part(found, part.dataset.protocols[name]) for name in dataset.protocols}
        for row, clip in enumerate(found.clips):
            joints = np.zeros((*clip.shape[:3], dataset.persons), dtype=np.float32)
            joints[..., : clip.shape[3]] = clip
            yield Clip(
                id=f"{part.dataset.name}:{found.ids[row]}",
                label=label[number, int(found.labels[row])],
                subject=_apart(number, int(found.subjects[row])),
                view=int(found.views[row]),
                length=int(found.lengths[row]),
                joints=joints,
                parts={name: bool(trained[row]) for name, trained in trains.items()},
            )


def _apart(number: int, subject: int) -> int:
    """A performer of the data set of this number; somebody unknown stays unknown."""
    return subject if subject < 0 else _APART * (number + 1) + subject
