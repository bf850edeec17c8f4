"""A small world: ten classes whose clips follow their texts linearly, four subjects, two of them for training.

Its features hold every visual input and its texts every slot that some method asks for, but ``body-parts``.
"""

from __future__ import annotations

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import ActionClass, Dataset, Protocol, Split
from zsl_skeleton.files import sha256_text
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard
from zsl_skeleton.training.inputs import Task

CLASSES, TEXTS, TEXT_DIM, VISUAL_DIM, SUBJECTS, TRIALS = 10, 6, 12, 8, 4, 3
JOINTS, FRAMES, VIEWS = 5, 8, 3
SLOTS = {
    **{"label": 1, "motion": 1, "codebook": TEXTS, "action": 1},
    **{f"spatial.{level}": 4 for level in ("coarse", "medium", "fine")},
    **{f"temporal.{phase}": 4 for phase in ("start", "main", "end")},
}


def toy_features() -> FeatureSet:
    rng = np.random.default_rng(0)
    labels, subjects, trials = (
        part.ravel() for part in np.meshgrid(range(CLASSES), range(1, SUBJECTS + 1), range(TRIALS), indexing="ij")
    )
    pooled = _directions() @ rng.normal(size=(TEXT_DIM, VISUAL_DIM))
    pooled = pooled[labels] + 0.05 * rng.normal(size=(len(labels), VISUAL_DIM))
    ids = tuple(f"c{c}s{s}t{t}" for c, s, t in zip(labels, subjects, trials, strict=True))
    return FeatureSet(
        {name: value.astype(np.float32) for name, value in visual_inputs(pooled, rng).items()},
        labels.astype(np.int64),
        subjects.astype(np.int64),
        np.zeros(len(labels), np.int64),
        ids,
        dataset="toy",
        backbone="none",
        trained_on=(),
        synthetic=True,
    )


def visual_inputs(pooled: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All inputs of the clips: joints and frames have the pooled features as their mean, views are near them."""
    inputs = {"pooled": pooled, "logits": pooled @ rng.normal(size=(VISUAL_DIM, CLASSES))}
    for name, parts in {"joints": JOINTS, "frames": FRAMES}.items():
        deviation = 0.3 * rng.normal(size=(len(pooled), parts, VISUAL_DIM))
        inputs[name] = pooled[:, None] + deviation - deviation.mean(1, keepdims=True)
    inputs["masked"] = pooled[:, None] + 0.1 * rng.normal(size=(len(pooled), VIEWS, VISUAL_DIM))
    return inputs


def _directions() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(CLASSES, TEXT_DIM))


def toy_embeddings() -> ClassEmbeddings:
    rng = np.random.default_rng(2)
    slots, masks = {}, {}
    for slot, count in SLOTS.items():
        rows = _directions()[:, None] + 0.1 * rng.normal(size=(CLASSES, count, TEXT_DIM))
        slots[slot] = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
        masks[slot] = np.ones((CLASSES, count), dtype=bool)
    for slot in ("codebook", "spatial.medium", "temporal.end"):
        masks[slot][3, -1] = False
        slots[slot][3, -1] = 0
    card = EncoderCard(name="toy", revision="1", pooling="none", normalise=True)
    names = tuple(f"class {i}" for i in range(CLASSES))
    return ClassEmbeddings("toy", names, card, slots, masks)


def toy_dataset() -> Dataset:
    return Dataset(
        name="toy",
        title="Toy",
        synthetic=True,
        layout="ntu-25",
        fps=30,
        persons=1,
        classes=tuple(ActionClass(index=i, code=f"a{i}", name=f"class {i}") for i in range(CLASSES)),
        protocols={"xsub": Protocol(name="xsub", by="subject", train=(1, 2))},
        default_protocol="xsub",
        splits={
            "first": Split(name="first", unseen=(0, 4, 7), validation_unseen=(1, 2), source="test"),
            "bare": Split(name="bare", unseen=(0, 4, 7), source="test"),
        },
    )


def make_features(store: Store, features: FeatureSet) -> Artifact:
    config = {"dataset": features.dataset, "backbone": features.backbone, "trained_on": list(features.trained_on)}
    arrays = {**features.arrays, "labels": features.labels, "subjects": features.subjects}
    digest = [sha256_text(value.tobytes().hex()) for value in arrays.values()]
    recipe = Recipe("features", "toy", "toy features", {**config, "digest": digest}, synthetic=features.synthetic)

    def build(folder):  # type: ignore[no-untyped-def]
        features.write(folder)
        return {}

    return store.make(recipe, build)


def make_embeddings(store: Store, embeddings: ClassEmbeddings, **extra: str) -> Artifact:
    config = {
        "dataset": embeddings.dataset,
        "class_names": list(embeddings.class_names),
        "encoder": embeddings.encoder.model_dump(),
        "slots": sorted(embeddings.slots),
        **extra,
    }

    def build(folder):  # type: ignore[no-untyped-def]
        embeddings.write(folder)
        return {}

    return store.make(Recipe("embeddings", "toy", "toy embeddings", config, synthetic=True), build)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return toy_dataset()


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    return toy_features()


@pytest.fixture(scope="session")
def embeddings() -> ClassEmbeddings:
    return toy_embeddings()


@pytest.fixture
def task(store: Store, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings) -> Task:
    return Task(
        features=make_features(store, features),
        embeddings=make_embeddings(store, embeddings),
        dataset=dataset,
        split=dataset.split("first"),
        protocol=dataset.protocol(),
    )
