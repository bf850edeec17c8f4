from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard

DATA = load_dataset("precog")
CARD = EncoderCard(name="hashing", revision="1", pooling="sum", normalise=True)


def made(classes: int = 8) -> ClassEmbeddings:
    draw = np.random.default_rng(0)
    sizes = {"label": 1, "body-parts.head": 2}
    return ClassEmbeddings(
        dataset="precog",
        class_names=DATA.class_names[:classes],
        encoder=CARD,
        slots={slot: draw.normal(size=(classes, k, 4)).astype(np.float32) for slot, k in sizes.items()},
        masks={slot: draw.random((classes, k)) < 0.7 for slot, k in sizes.items()},
    )


def stored(store: Store, embeddings: ClassEmbeddings, **changes: Any) -> Artifact:
    config = {
        "dataset": embeddings.dataset,
        "class_names": list(embeddings.class_names),
        "encoder": embeddings.encoder.model_dump(),
    } | changes

    def build(folder: Path) -> dict[str, Any]:
        embeddings.write(folder)
        return {}

    return store.make(Recipe(stage="embeddings", name="test", what="test", config=config), build)


def test_what_is_written_is_read(store: Store) -> None:
    original = made()
    found = ClassEmbeddings.open(stored(store, original))
    assert (found.dataset, found.class_names, found.encoder) == (original.dataset, original.class_names, CARD)
    assert found.dim == 4
    assert found.normalised
    for slot in original.slots:
        np.testing.assert_array_equal(found.slots[slot], original.slots[slot])
        np.testing.assert_array_equal(found.masks[slot], original.masks[slot])
    found.check(DATA)


def test_cut_rows_are_refused(store: Store) -> None:
    artifact = stored(store, made(7), class_names=list(DATA.class_names))
    with pytest.raises(InputError, match="not valid") as caught:
        ClassEmbeddings.open(artifact)
    assert "7 rows for 8 classes" in caught.value.why
    assert caught.value.mend == "zsl-semantics encode --dataset precog"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda e: {"class_names": e.class_names[::-1]}, "row 0 is 'elbow strike', class 0 is 'right punch'"),
        (lambda e: {"dataset": "utd-mhad"}, ""),
    ],
)
def test_other_classes_are_refused(change: Callable[[ClassEmbeddings], dict[str, Any]], why: str) -> None:
    with pytest.raises(InputError, match=r"class embeddings") as caught:
        replace(made(), **change(made())).check(DATA)
    assert caught.value.why == why
    assert caught.value.exit_code == 3


def test_fewer_classes_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        made(7).check(DATA)
    assert "7 rows, the data set has 8" in caught.value.why


def test_broken_arrays_are_refused() -> None:
    good = made()
    label = good.slots["label"]
    broken: list[dict[str, Any]] = [
        {"slots": good.slots | {"label": label.astype(np.float64)}},
        {"slots": good.slots | {"label": label[..., :3]}},
        {"slots": good.slots | {"label": label * np.float32("nan")}},
        {"masks": good.masks | {"label": good.masks["label"][:, :0]}},
        {"masks": {"label": good.masks["label"]}},
        {"slots": {}, "masks": {}},
    ]
    for change in broken:
        with pytest.raises(InputError, match="not valid"):
            replace(good, **change)


def test_other_artifacts_are_refused(store: Store) -> None:
    other = store.make(Recipe(stage="runs", name="x", what="x", config={}), lambda folder: {})
    with pytest.raises(InputError, match="holds no class embeddings") as caught:
        ClassEmbeddings.open(other)
    assert "stage runs" in caught.value.why
    with pytest.raises(InputError, match="holds no class embeddings"):
        ClassEmbeddings.open(stored(store, made(), encoder={"name": "x"}))
