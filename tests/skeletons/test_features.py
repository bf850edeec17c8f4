from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Recipe, Store
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.features import FeatureSet, partition

CLASSES, SUBJECTS, VIEWS = 5, 4, 2


@pytest.fixture
def dataset() -> Dataset:
    protocols: dict[str, Any] = {
        "xsub": {"name": "xsub", "by": "subject", "train": [1, 3]},
        "xview": {"name": "xview", "by": "view", "train": [2]},
        "xset": {"name": "xset", "by": "setup", "train": [2]},
        "lists": {"name": "lists", "by": "recording", "train_list": "train.txt"},
        "nobody": {"name": "nobody", "by": "subject", "train": [9]},
    }
    return Dataset.model_validate(
        {
            "name": "toy",
            "title": "Toy",
            "synthetic": False,
            "layout": "ntu-25",
            "fps": 30,
            "persons": 1,
            "classes": [{"index": i, "code": f"A{i}", "name": f"action {i}"} for i in range(CLASSES)],
            "protocols": protocols,
            "default_protocol": "xsub",
            "splits": {"s": {"name": "s", "unseen": [1, 3], "source": "a test"}},
        }
    )


@pytest.fixture
def features() -> FeatureSet:
    """One clip of every class, subject and view; its row number is its only feature."""
    grid = np.stack(np.meshgrid(range(CLASSES), range(1, SUBJECTS + 1), [1, 2], indexing="ij"), -1).reshape(-1, 3)
    count = len(grid)
    rows = np.arange(count, dtype=np.float32)[:, None]
    labels, subjects, views = grid.T
    ids = tuple(f"S{subject:03d}C{view:03d}P001R001A{label + 1:03d}" for label, subject, view in grid)
    arrays = {"pooled": rows, "joints": rows[:, :, None].repeat(25, 1)}
    return FeatureSet(arrays, labels, subjects, views, ids, "toy", "st-gcn", (0, 2, 4), False, "xsub")


def test_partition_by_subject(features: FeatureSet, dataset: Dataset) -> None:
    parts = partition(features, dataset, dataset.split("s"), dataset.protocol())
    for part, classes, subjects in (
        (parts.train, {0, 2, 4}, {1, 3}),
        (parts.test_unseen, {1, 3}, {2, 4}),
        (parts.test_seen, {0, 2, 4}, {2, 4}),
    ):
        assert set(part.labels.tolist()) == classes
        assert set(part.subjects.tolist()) == subjects
        rows = part.arrays["pooled"][:, 0].astype(int)
        assert part.ids == tuple(features.ids[row] for row in rows)
        np.testing.assert_array_equal(part.labels, features.labels[rows])
        np.testing.assert_array_equal(part.arrays["joints"][:, 0, 0], rows)
    assert len(parts.train) + len(parts.test_unseen) + len(parts.test_seen) == len(features) - 2 * 2 * VIEWS


def test_partition_by_view_and_by_setup(features: FeatureSet, dataset: Dataset) -> None:
    untrained = replace(features, trained_on=(), protocol="")
    split = dataset.split("s")
    assert set(partition(untrained, dataset, split, dataset.protocol("xview")).train.views.tolist()) == {2}
    assert set(partition(untrained, dataset, split, dataset.protocol("xset")).train.subjects.tolist()) == {2}


def test_a_backbone_that_saw_an_unseen_class_is_refused(features: FeatureSet, dataset: Dataset) -> None:
    with pytest.raises(InputError, match="trained on unseen classes") as caught:
        partition(replace(features, trained_on=(0, 2, 3)), dataset, dataset.split("s"), dataset.protocol())
    assert "3 (action 3)" in caught.value.why
    assert "zsl-data pretrain --dataset toy --split s" in caught.value.mend
    assert caught.value.exit_code == 3


def test_a_backbone_of_another_protocol_is_refused(features: FeatureSet, dataset: Dataset) -> None:
    with pytest.raises(InputError, match="under protocol xsub, not xview"):
        partition(features, dataset, dataset.split("s"), dataset.protocol("xview"))


@pytest.mark.parametrize("name", ["pooled", "joints"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused_by_clip(
    features: FeatureSet, dataset: Dataset, name: str, value: float
) -> None:
    features.arrays[name][7] = value
    with pytest.raises(InputError, match=f"{name}.*{features.ids[7]}.*not finite"):
        partition(features, dataset, dataset.split("s"), dataset.protocol())


@pytest.mark.parametrize("label", [-1, CLASSES])
def test_labels_out_of_range_are_refused(features: FeatureSet, dataset: Dataset, label: int) -> None:
    features.labels[3] = label
    with pytest.raises(InputError, match=f"label {label}"):
        partition(features, dataset, dataset.split("s"), dataset.protocol())


def test_the_wrong_data_set_is_refused(features: FeatureSet, dataset: Dataset) -> None:
    with pytest.raises(InputError, match="of other, not of toy"):
        partition(replace(features, dataset="other"), dataset, dataset.split("s"), dataset.protocol())


def test_a_part_without_clips_is_refused(features: FeatureSet, dataset: Dataset) -> None:
    untrained = replace(features, trained_on=(), protocol="")
    with pytest.raises(InputError, match="no training clip of a seen class"):
        partition(untrained, dataset, dataset.split("s"), dataset.protocol("nobody"))
    without = untrained.subset(~np.isin(features.labels, [1, 3]))
    with pytest.raises(InputError, match="no test clip of an unseen class"):
        partition(without, dataset, dataset.split("s"), dataset.protocol())


def test_protocols_that_the_ids_cannot_answer_are_refused(features: FeatureSet, dataset: Dataset) -> None:
    renamed = replace(features, ids=("clip", *features.ids[1:]), protocol="")
    with pytest.raises(InputError, match="clip does not tell its camera set-up"):
        partition(renamed, dataset, dataset.split("s"), dataset.protocol("xset"))
    with pytest.raises(InputError, match=r"train\.txt"):
        partition(renamed, dataset, dataset.split("s"), dataset.protocol("lists"))


def test_what_the_source_states_goes_before_the_rule(features: FeatureSet, dataset: Dataset) -> None:
    odd = np.arange(len(features)) % 2 == 1
    stated = replace(features, parts={"lists": odd, "xsub": ~odd}, trained_on=(), protocol="")
    for name, part in stated.parts.items():
        train = partition(stated, dataset, dataset.split("s"), dataset.protocol(name)).train
        np.testing.assert_array_equal(
            train.arrays["pooled"][:, 0], np.flatnonzero(part & ~np.isin(stated.labels, [1, 3]))
        )
        assert train.parts[name].all()
    np.testing.assert_array_equal(stated.subset(odd).joined(stated.subset(~odd)).parts["xsub"], np.sort(~odd))


def test_unknown_subjects_cannot_answer_a_protocol_by_subject(features: FeatureSet, dataset: Dataset) -> None:
    unknown = replace(features, subjects=np.full(len(features), -1), parts={"xview": features.views == 2})
    with pytest.raises(InputError, match="protocol xsub trains on") as caught:
        partition(unknown, dataset, dataset.split("s"), dataset.protocol("xsub"))
    assert caught.value.mend == "choose another --protocol: xview"


def test_write_and_open(features: FeatureSet, store: Store) -> None:
    config = {"dataset": "toy", "split": "s", "protocol": "xsub", "backbone": "st-gcn", "trained_on": [0, 2, 4]}
    features = replace(features, parts={"lists": features.views == 1})

    def build(folder: Any) -> dict[str, Any]:
        features.write(folder)
        return {}

    opened = FeatureSet.open(store.make(Recipe("features", "toy", "a test", config, synthetic=True), build))
    assert opened.synthetic
    assert (opened.dataset, opened.backbone, opened.trained_on, opened.protocol) == ("toy", "st-gcn", (0, 2, 4), "xsub")
    assert opened.ids == features.ids
    np.testing.assert_array_equal(opened.parts["lists"], features.views == 1)
    for name, array in features.arrays.items():
        np.testing.assert_array_equal(opened.arrays[name], array)
    for name in ("labels", "subjects", "views"):
        np.testing.assert_array_equal(getattr(opened, name), getattr(features, name))


def test_a_card_that_hides_what_the_backbone_saw_is_refused(features: FeatureSet, store: Store) -> None:
    def build(folder: Any) -> dict[str, Any]:
        features.write(folder)
        return {}

    artifact = store.make(Recipe("features", "toy", "a test", {"dataset": "toy", "backbone": "st-gcn"}), build)
    with pytest.raises(InputError, match="does not say its trained_on"):
        FeatureSet.open(artifact)


def test_arrays_that_disagree_are_refused(features: FeatureSet) -> None:
    with pytest.raises(InputError, match="contradicts itself"):
        replace(features, labels=features.labels[:-1])
    with pytest.raises(InputError, match="pooled"):
        replace(features, arrays={"joints": features.arrays["joints"]})
    with pytest.raises(InputError, match="logits"):
        replace(features, arrays={**features.arrays, "logits": features.arrays["joints"]})


class Watched(dict[str, np.ndarray]):
    """Arrays that remember which of them were asked for."""

    def __init__(self, arrays: Any) -> None:
        super().__init__(arrays)
        self.read: list[str] = []

    def __getitem__(self, name: str) -> np.ndarray:
        self.read.append(name)
        return super().__getitem__(name)


def test_kinds_that_nobody_uses_are_not_read(features: FeatureSet, dataset: Dataset) -> None:
    broken = {**features.arrays, "frames": np.full((len(features), 2, 1), np.nan, np.float32)}
    watched = replace(features, arrays=Watched(broken))
    watched.arrays.read.clear()  # type: ignore[attr-defined]
    parts = partition(watched, dataset, dataset.split("s"), dataset.protocol(), ("pooled", "clips"))
    both = parts.test_seen.joined(parts.test_unseen).subset(
        np.arange(len(parts.test_seen) + len(parts.test_unseen)) > 2
    )
    assert "frames" in both.arrays
    assert both.arrays["pooled"][:, 0].tolist() == [features.ids.index(name) for name in both.ids]
    assert set(watched.arrays.read) == {"pooled"}  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"'frames'.*not finite"):
        partition(watched, dataset, dataset.split("s"), dataset.protocol(), ("frames",))


def test_what_was_chosen_can_be_changed_without_the_source(features: FeatureSet) -> None:
    part = features.subset(features.labels == 2)
    before = part.arrays["pooled"].copy()
    part.arrays["pooled"][:] = -1
    assert (part.arrays["pooled"] == -1).all()
    np.testing.assert_array_equal(features.arrays["pooled"][features.labels == 2], before)


def test_opened_arrays_lie_on_the_disk_in_the_type_they_were_written_in(features: FeatureSet, store: Store) -> None:
    halves = replace(features, arrays={name: array.astype(np.float16) for name, array in features.arrays.items()})
    config = {"dataset": "toy", "backbone": "st-gcn", "trained_on": []}

    def build(folder: Any) -> dict[str, Any]:
        halves.write(folder)
        return {}

    opened = FeatureSet.open(store.make(Recipe("features", "toy", "a test", config), build))
    for name, array in halves.arrays.items():
        assert opened.arrays[name].dtype == np.float16
        assert not opened.arrays[name].flags.owndata
        assert not opened.arrays[name].flags.writeable
        np.testing.assert_array_equal(opened.arrays[name], array)


def test_not_finite_is_found_in_any_block(features: FeatureSet, monkeypatch: pytest.MonkeyPatch) -> None:
    from zsl_skeleton.skeletons import chosen_rows

    monkeypatch.setattr(chosen_rows, "_BLOCK", 300)  # three rows of 25 numbers
    for row in (0, 2, 3, 38, 39):
        array = features.arrays["joints"].copy()
        array[row, 24] = np.inf
        assert np.flatnonzero(chosen_rows.broken_rows(array)).tolist() == [row]
