"""The demo data: a skeleton set of made-up recordings, in the form that imported recordings have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.files import canonical_json, sha256_text
from zsl_skeleton.progress import track
from zsl_skeleton.skeletons.recipes import ClipRecipe, find_recipe
from zsl_skeleton.skeletons.skeleton_set import Clip, write_skeleton_set
from zsl_skeleton.skeletons.synthesis.classes import COMPOSITIONS, Composition
from zsl_skeleton.skeletons.synthesis.takes import Camera, Take

VERSION = 1
"""Raised whenever the same configuration would give other recordings."""


class SynthesisConfig(BaseModel):
    """How much is recorded: one clip per class, subject and repetition.

    The cameras take turns, so that every class, subject and repetition is spread evenly over them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subjects: PositiveInt = Field(default=10, le=999)
    repetitions: PositiveInt = Field(default=2, le=999)
    cameras: tuple[Camera, ...] = Field(default=(1, 2, 3), min_length=1)
    seed: NonNegativeInt = 0


def synthesize_set(
    store: Store, dataset: Dataset, config: SynthesisConfig | None = None, recipe: str = "aimclr-50"
) -> Artifact:
    """Record a skeleton set of made-up clips, or return it if it exists.

    Args:
        store: where the artifact goes (stage ``skeletons``).
        dataset: a data set all of whose classes are demo classes, such as ``demo``.
        config: how much is recorded.
        recipe: name of the preprocessing recipe.

    Raises:
        UsageError: the data set has a class that no composition makes, or there is no such recipe.
    """
    config = config or SynthesisConfig()
    chosen, performed = find_recipe(recipe), compositions(dataset)
    settings: dict[str, Any] = {"version": VERSION, **config.model_dump(mode="json"), "classes": dataset.class_names}
    plan = Recipe(
        stage="skeletons",
        name=f"{dataset.name}-{chosen.name}",
        what=f"{dataset.title}: synthetic recordings, preprocessed by {chosen.name}",
        config={
            "dataset": dataset.name,
            "recipe": chosen.name,
            "recipe_version": chosen.version,
            "reader": "synthesis",
            "source": sha256_text(canonical_json(settings)),
            "synthesis": settings,
        },
        synthetic=True,
    )

    def build(folder: Path) -> Mapping[str, Any]:
        total = len(performed) * config.subjects * config.repetitions
        clips = track(_clips(performed, config, chosen), "synthesize", total)
        return {**write_skeleton_set(folder, clips, len(performed)), "skipped": [], "made_up_joints": []}

    return store.make(plan, build)


def compositions(dataset: Dataset) -> tuple[Composition, ...]:
    """The composition that performs each class of a data set, in label order.

    Raises:
        UsageError: a class is none of the demo classes.
    """
    known = {composition.name: composition for composition in COMPOSITIONS}
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise UsageError(
            f"the data set {dataset.name!r} cannot be synthesized",
            why=f"nobody knows how to perform {unknown[0]!r} ({len(unknown)} such classes)",
            mend="zsl-data synthesize --dataset demo",
        )
    return tuple(known[name] for name in dataset.class_names)


def _clips(performed: tuple[Composition, ...], config: SynthesisConfig, recipe: ClipRecipe) -> Iterator[Clip]:
    for label, composition in enumerate(performed):
        for subject in range(1, config.subjects + 1):
            for repetition in range(1, config.repetitions + 1):
                camera = config.cameras[(label + subject + repetition) % len(config.cameras)]
                setup = (subject + 1) // 2
                take = Take(composition, subject, camera, repetition, setup, config.seed)
                joints = take.shoot().joints
                yield Clip(
                    id=f"S{setup:03}C{camera:03}P{subject:03}R{repetition:03}A{label + 1:03}",
                    label=label,
                    subject=subject,
                    view=camera,
                    length=len(joints),
                    joints=recipe(joints[None]),
                )
