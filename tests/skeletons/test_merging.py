"""Several data sets as one: nobody changes sides, and a joined class is unseen only where it is unseen everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.skeletons.features import training_part
from zsl_skeleton.skeletons.merging import MergePlan, Part, joined_classes, merge
from zsl_skeleton.skeletons.skeleton_set import Clip, SkeletonSet, write_skeleton_set

Toy = Callable[..., Dataset]


def dataset(toy: Toy, name: str, names: tuple[str, ...], unseen: tuple[int, ...], train: int) -> Dataset:
    classes = [{"index": i, "code": f"a{i}", "name": text} for i, text in enumerate(names)]
    split = {"name": "one", "unseen": unseen, "source": "made up"}
    protocol = {"name": "xsub", "by": "subject", "train": [train]}
    return toy(name=name, title=name, classes=classes, splits={"one": split}, protocols={"xsub": protocol})


def clips(store: Store, entry: Dataset, recipe: str = "aimclr-50") -> Artifact:
    """A clip per class and subject, whose numbers say which one it is."""

    def build(folder: Path) -> dict[str, object]:
        made = [
            Clip(f"c{c}s{s}", c, s, 0, 4, np.full((3, 4, 25, 1), 10 * c + s, np.float32))
            for c in range(len(entry.classes))
            for s in (1, 2)
        ]
        return write_skeleton_set(folder, made, len(entry.classes))

    config = {"dataset": entry.name, "recipe": recipe, "recipe_version": 1}
    return store.make(Recipe(stage="skeletons", name=f"{entry.name}-{recipe}", what="", config=config), build)


@pytest.fixture
def both(toy: Toy) -> tuple[Dataset, Dataset]:
    first = dataset(toy, "first", ("jogging in place", "wave", "kick"), (0, 1), train=1)
    return first, dataset(toy, "second", ("Wave", "jogging", "bow"), (0, 2), train=2)


def test_the_union_keeps_sides_and_subjects_apart(store: Store, both: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    parts = [Part(entry, clips(store, entry)) for entry in both]
    plan = MergePlan("mix", (("jogging in place", "jogging"),), tmp_path / "catalog")
    made = merge(store, parts, plan)
    union, found = load_dataset("mix", tmp_path / "catalog"), SkeletonSet.open(made)
    assert union.class_names == ("jogging in place", "wave", "kick", "bow")
    assert union.splits["one"].unseen == (1, 3)  # jogging is seen in the second
    assert found.ids[0] == "first:c0s1" and len(set(found.ids)) == 12
    assert len(np.unique(found.subjects)) == 4
    trains = training_part(found, union.protocol())
    assert [name for name, side in zip(found.ids, trains, strict=True) if side] == [
        *(f"first:c{c}s1" for c in range(3)),
        *(f"second:c{c}s2" for c in range(3)),
    ]
    row = found.ids.index("second:c1s2")
    assert found.labels[row] == 0 and found.clips[row].max() == 12
    assert merge(store, parts, plan).card.made == made.card.made
    with pytest.raises(InputError, match="says something else"):
        merge(store, parts, MergePlan("mix", (), tmp_path / "catalog"))


@pytest.mark.parametrize("same", [(("a", "b"), ("b", "c")), (("b", "c"), ("a", "b")), (("a", "c"), ("b", "c"))])
def test_pairs_join_whatever_their_order(toy: Toy, same: tuple[tuple[str, str], ...]) -> None:
    three = [dataset(toy, f"set-{name}", (name, f"only {name}"), (0,), train=1) for name in "abc"]
    assert [(0, 0), (1, 0), (2, 0)] in joined_classes(three, same).values()


def test_what_cannot_be_joined(store: Store, both: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two classes of first"):
        joined_classes(both, [("wave", "kick")])
    with pytest.raises(UsageError, match="unknown class 'joging'"):
        joined_classes(both, [("wave", "joging")])
    first = Part(both[0], clips(store, both[0]))
    with pytest.raises(UsageError, match="at least two"):
        merge(store, [first], MergePlan("mix", (), tmp_path))
    with pytest.raises(InputError, match="different recipes"):
        merge(store, [first, Part(both[1], clips(store, both[1], "hip-32"))], MergePlan("mix", (), tmp_path))
