"""A small world: twelve classes whose clips follow their texts linearly; four subjects, two of them for training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from zsl_skeleton.catalog import ActionClass, Dataset, Protocol, Split
from zsl_skeleton.quality.candidates import Candidate, TextSet
from zsl_skeleton.quality.predict import Seen
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard

CLASSES, TEXT_DIM, VISUAL_DIM, SUBJECTS, TRIALS = 12, 4, 9, 4, 3
NAMES = tuple(f"class {index}" for index in range(CLASSES))
MakeCandidate = Callable[..., Candidate]


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset(
        name="toy",
        title="Toy",
        synthetic=True,
        layout="ntu-25",
        fps=30,
        persons=1,
        classes=tuple(ActionClass(index=i, code=f"a{i}", name=name) for i, name in enumerate(NAMES)),
        protocols={"xsub": Protocol(name="xsub", by="subject", train=(1, 2))},
        default_protocol="xsub",
        splits={
            "three": Split(name="three", unseen=(0, 4, 7), source="test"),
            "two": Split(name="two", unseen=(1, 2), source="test"),
            "many": Split(name="many", unseen=(0, 1, 2, 3, 4, 5), source="test"),
        },
    )


@pytest.fixture(scope="session")
def meanings() -> np.ndarray:
    """What every class is about: unit vectors [C, E]."""
    vectors = np.random.default_rng(1).normal(size=(CLASSES, TEXT_DIM))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="session")
def features(meanings: np.ndarray) -> FeatureSet:
    rng = np.random.default_rng(0)
    labels, subjects, _ = (
        part.ravel() for part in np.meshgrid(range(CLASSES), range(1, SUBJECTS + 1), range(TRIALS), indexing="ij")
    )
    pooled = (meanings @ rng.normal(size=(TEXT_DIM, VISUAL_DIM)))[labels]
    pooled = pooled + 0.1 * rng.normal(size=pooled.shape)
    return FeatureSet(
        {"pooled": pooled.astype(np.float32)},
        labels.astype(np.int64),
        subjects.astype(np.int64),
        np.zeros(len(labels), np.int64),
        tuple(f"clip{n}" for n in range(len(labels))),
        dataset="toy",
        backbone="none",
        trained_on=(),
        synthetic=True,
    )


@pytest.fixture
def seen(features: FeatureSet, dataset: Dataset) -> Seen:
    return Seen.of(features, dataset, dataset.split("three"), dataset.protocol())


@pytest.fixture(scope="session")
def candidate() -> MakeCandidate:
    def make(rows: np.ndarray | Mapping[str, np.ndarray], bank: str = "bank", **name: str) -> Candidate:
        """A candidate of texts [C, K, E], or of several slots of them; [C, E] is one text per class."""
        slots: Sequence[tuple[str, np.ndarray]] = list(rows.items()) if isinstance(rows, Mapping) else [("s", rows)]
        vectors = {slot: (value if value.ndim == 3 else value[:, None]).astype(np.float32) for slot, value in slots}
        masks = {slot: np.ones(value.shape[:2], dtype=bool) for slot, value in vectors.items()}
        card = EncoderCard(name="toy", revision="1", pooling="none", normalise=True)
        embeddings = ClassEmbeddings("toy", NAMES, card, vectors, masks)
        return Candidate(TextSet(bank, "toy", "all", **name), tuple(vectors), embeddings)

    return make
