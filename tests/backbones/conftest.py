"""A tiny data set whose classes differ in which limb moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import ActionClass, Dataset, Protocol, Split
from zsl_skeleton.skeletons.skeleton_set import Clip, write_skeleton_set

FRAMES = 12

MakeSkeletons = Callable[..., Artifact]


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Five classes, four subjects of whom 1 and 3 train; class 4 is unseen."""
    return Dataset(
        name="tiny",
        title="made up",
        synthetic=True,
        layout="ntu-25",
        fps=30,
        persons=1,
        classes=tuple(ActionClass(index=i, code=f"a{i + 1}", name=f"move {i}") for i in range(5)),
        protocols={"xsub": Protocol(name="xsub", by="subject", train=(1, 3))},
        default_protocol="xsub",
        splits={"one": Split(name="one", unseen=(4,), validation_unseen=(3,), source="made up")},
    )


@pytest.fixture(scope="session")
def split(dataset: Dataset) -> Split:
    return dataset.split("one")


def clips(persons: int = 1, poison: Callable[[Clip], bool] = lambda clip: False) -> list[Clip]:
    """Three clips per class and subject; poisoned ones hold a NaN; every second clip has a second person."""
    rng = np.random.default_rng(0)
    body = rng.standard_normal((3, 1, 25, 1))
    made = []
    for label, subject, take in np.ndindex(5, 4, 3):
        joints = np.zeros((3, FRAMES, 25, persons), dtype=np.float32)
        there = 2 if persons == 2 and len(made) % 2 else 1
        joints[..., :there] = body + 0.2 * rng.standard_normal((3, FRAMES, 25, 1))
        joints[:, :, 4 * label : 4 * label + 4, 0] += 2 * np.sin(np.linspace(0, 3, FRAMES))[:, None]
        clip = Clip(f"a{label}_s{subject + 1}_t{take}", label, subject + 1, 0, FRAMES, joints)
        if poison(clip):
            joints[0, 3, 2, 0] = np.nan
        made.append(clip)
    return made


@pytest.fixture
def skeletons(store: Store) -> MakeSkeletons:
    """``skeletons(persons=, poison=, recipe=, store=)``: the clips as an artifact of stage "skeletons"."""

    def make(
        store: Store = store, recipe: str = "aimclr-50", change: Callable = lambda clip: clip, **options
    ) -> Artifact:
        made = [change(clip) for clip in clips(**options)]
        config = {"dataset": "tiny", "recipe": recipe}
        return store.make(
            Recipe(stage="skeletons", name="tiny", what="made up", config=config, synthetic=True),
            lambda folder: write_skeleton_set(folder, made, classes=5),
        )

    return make
