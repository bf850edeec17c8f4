from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeletons.arrays.written_arrays import features, write_flora, write_own, write_synse, write_synse_val
from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import SplitClips
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.arrays.features.base import Reading, find_layout, open_layout
from zsl_skeleton.skeletons.arrays.features.importing import import_features
from zsl_skeleton.skeletons.features import FeatureSet, partition

TRAIN, UNSEEN, SEEN_TEST = [0, 1, 59, 0], [10, 56, 10], [0, 2, 3, 58]


def read(path: Path, reading: Reading) -> Any:
    name = find_layout(path)
    assert name is not None
    return open_layout(name).read(path, reading)


def imported(tmp_path: Path, path: Path, reading: Reading) -> FeatureSet:
    made = import_features(Store(tmp_path / "artifacts"), reading.dataset, reading.split, reading.protocol, path)
    return FeatureSet.open(made)


@pytest.mark.parametrize("layout", ["synse", "flora"])
def test_published_parts_come_back_as_the_parts_of_a_run(tmp_path: Path, reading: Reading, layout: str) -> None:
    if layout == "synse":
        path = write_synse(tmp_path / "shift_5_r", TRAIN, UNSEEN, SEEN_TEST)
    else:
        path = write_flora(tmp_path / "star_features" / "ntu60_seen55_unseen5.npz", TRAIN, UNSEEN, SEEN_TEST)
    found = imported(tmp_path, path, reading)
    parts = partition(found, reading.dataset, reading.split, reading.protocol)
    for part, labels, seed in (
        (parts.train, TRAIN, 1),
        (parts.test_unseen, UNSEEN, 2),
        (parts.test_seen, SEEN_TEST, 3),
    ):
        order = slice(None, None, -1) if layout == "synse" and seed == 2 else slice(None)
        np.testing.assert_array_equal(part.arrays["pooled"], features(labels, seed=seed)[order])
        assert part.labels.tolist() == labels[order]
    assert found.trained_on == reading.dataset.seen(reading.split)
    assert (found.protocol, found.backbone) == ("xsub", {"synse": "synse/shift", "flora": "flora/star"}[layout])
    assert set(found.subjects.tolist()) == {-1}
    assert found.source is not None
    assert found.source.card.config["trained_on_stated"].startswith("as the publisher states")
    assert found.source.card.summary["counts"][1] == {
        "name": "unseen_test", "found": 3, "expected": 1368, "reason": "only a part of the clips",
    }  # fmt: skip


def test_without_test_clips_of_seen_classes(tmp_path: Path, reading: Reading) -> None:
    nothing = dict.fromkeys(("gtest", "g_label", "gtest_out"))
    found = read(write_synse(tmp_path / "tdsm", TRAIN, UNSEEN, SEEN_TEST, **nothing), reading)
    assert found.features.ids == tuple(f"{p}/{i:06d}" for p, n in (("train", 4), ("ztest", 3)) for i in range(n))
    assert "--gzsl is not possible" in found.remarks[0]


def test_where_the_two_unseen_parts_differ_the_smaller_array_counts(tmp_path: Path, reading: Reading) -> None:
    folder = write_synse(tmp_path / "shift_5_r", TRAIN, UNSEEN, SEEN_TEST)
    shorter = {"ztest": features(UNSEEN, seed=2)[:2], "z_label": np.array(UNSEEN[:2])}
    write_synse(folder, TRAIN, UNSEEN, SEEN_TEST, **shorter)
    found = read(folder, reading)
    assert "0 clips stand only in the smaller one, 1 only among all test clips" in found.remarks[0]
    assert found.features.labels.tolist() == [*TRAIN, *SEEN_TEST, *UNSEEN[:2]]


def test_logits_stay_where_every_clip_has_them(tmp_path: Path, reading: Reading) -> None:
    without = read(write_synse(tmp_path / "a", TRAIN, UNSEEN, SEEN_TEST), reading)
    assert list(without.features.arrays) == ["pooled"]
    assert "train has none" in without.remarks[0]
    logits = np.arange(4 * 60, dtype=np.float32).reshape(4, 60)
    found = read(write_synse(tmp_path / "b", TRAIN, UNSEEN, SEEN_TEST, train_out=logits), reading)
    np.testing.assert_array_equal(found.features.arrays["logits"][:4], logits)
    assert found.features.arrays["logits"].shape == (11, 60)


def test_a_gate_folder_is_of_a_backbone_without_the_validation_classes(tmp_path: Path, reading: Reading) -> None:
    found = read(write_synse_val(tmp_path / "shift_val_5_r", [0, 1], [16, 48], [2, 2]), reading)
    assert found.validation
    assert found.features.parts["xsub"].all()
    assert not {16, 21, 25, 31, 48, 10} & set(found.features.trained_on)
    assert len(found.features.trained_on) == 50
    with pytest.raises(InputError, match="is not of split synse-55-5"):
        read(write_synse_val(tmp_path / "wrong", [0, 16], [48], [2]), reading)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ztest": features(UNSEEN, width=7)}, "different widths"),
        ({"train": features(TRAIN[:3])}, "expected 3 whole numbers"),
        ({"train": np.full((4, 8), np.nan, np.float32)}, "row 0 is not finite"),
        ({"train": np.full((4, 8), 1e300)}, "row 0 is not finite"),
        ({"train": np.zeros((4, 8), np.float32)}, "all zeros"),
        ({"train": np.ones((4, 8), np.int64)}, "expected floats"),
        ({"train": np.ones((4, 8, 1), np.float32)}, "expected floats"),
        ({"train": np.array([None] * 4)}, "Python objects"),
        ({"train_label": np.array([0.0, 1, 59, 0])}, "whole numbers"),
        ({"train_label": np.array([0, 1, 60, 0])}, "labels lie in 0..59"),
        ({"train_label": np.array([0, 1, -1, 0])}, "labels count from 0"),
        ({"train_label": None}, "lacks train_label"),
        ({"train_label": np.array([0, 1, 10, 0])}, "training clips include the unseen classes [10]"),
        ({"z_label": np.array([10, 56, 0])}, "unseen clips include the seen classes [0]"),
        ({"ztest": features(UNSEEN)[:0], "z_label": np.zeros(0, np.int64)}, "holds no clip"),
        ({"g_label": np.array([0, 2, 7, 56, 10, 3, 58])}, "counts clips twice"),
        ({"gtest_out": np.zeros((7, 59), np.float32)}, "the logits of all classes"),
        (
            {"train": features(SEEN_TEST, seed=3), "train_label": np.array(SEEN_TEST)},
            "counts clips twice",
        ),
    ],
)
def test_features_that_break_the_rules_are_refused(
    tmp_path: Path, reading: Reading, changes: dict[str, Any], message: str
) -> None:
    folder = write_synse(tmp_path / "shift_5_r", TRAIN, UNSEEN, SEEN_TEST, **changes)
    with pytest.raises(InputError) as caught:
        read(folder, reading)
    assert message in str(caught.value)


def test_labels_of_another_split_name_it(tmp_path: Path, reading: Reading) -> None:
    other = reading.dataset.split("smie-1")
    folder = write_synse(tmp_path / "shift_5_r", [0, 10], list(other.unseen), [0])
    with pytest.raises(InputError) as caught:
        read(folder, reading)
    assert caught.value.mend == "--split smie-1"


def test_counts_of_another_protocol_name_it(tmp_path: Path, reading: Reading) -> None:
    clips = {name: SplitClips(seen_train=n, unseen_test=3, seen_test=4) for name, n in (("xsub", 5), ("xview", 4))}
    changed = replace(reading, split=reading.split.model_copy(update={"clips": clips}))
    folder = write_synse(tmp_path / "shift_5_r", TRAIN, UNSEEN, SEEN_TEST)
    with pytest.raises(InputError, match="those of protocol xview") as caught:
        imported(tmp_path, folder, changed)
    assert caught.value.mend == "--protocol xview"


def test_a_few_clips_less_are_the_publishers_filter(tmp_path: Path, reading: Reading) -> None:
    clips = {"xsub": SplitClips(seen_train=4, unseen_test=101, seen_test=4)}
    changed = replace(reading, split=reading.split.model_copy(update={"clips": clips}))
    unseen = [10] * 100
    found = imported(tmp_path, write_synse(tmp_path / "shift_5_r", TRAIN, unseen, SEEN_TEST), changed)
    assert found.source is not None
    assert [count["reason"][:13] for count in found.source.card.summary["counts"]] == ["", "the publisher", ""]


def test_own_features_keep_all_arrays_and_their_types(tmp_path: Path, reading: Reading) -> None:
    labels = [0, 10, 1, 56, 2, 2]
    path = write_own(tmp_path / "own.npz", labels, [0, 1, 2])
    found = imported(tmp_path, path, reading)
    with np.load(path) as given:
        for name in ("pooled", "joints", "frames", "masked", "logits"):
            np.testing.assert_array_equal(found.arrays[name], given[name])
            assert found.arrays[name].dtype == given[name].dtype
        assert found.ids == tuple(given["names"])
    assert (found.backbone, found.trained_on) == ("mine", (0, 1, 2))
    parts = partition(found, reading.dataset, reading.split, reading.protocol)
    assert (parts.train.labels.tolist(), parts.test_unseen.labels.tolist()) == ([0, 1, 2], [10, 56])


def test_own_features_may_go_by_subjects(tmp_path: Path, reading: Reading) -> None:
    changes = {"part.xsub": None, "subject": np.array([1, 3, 3, 3, 2, 3]), "backbone": None}
    path = write_own(tmp_path / "own.npz", [0, 10, 1, 56, 2, 2], [], **changes)
    found = imported(tmp_path, path, reading)
    assert found.backbone == "imported/own"
    assert partition(found, reading.dataset, reading.split, reading.protocol).train.ids == ("clip 0", "clip 4")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part.xsub": None}, "which of them protocol xsub trains on"),
        ({"part.xsub": np.zeros(4)}, "whether it is a training clip"),
        ({"trained_on": None}, "lacks trained_on"),
        ({"trained_on": np.array([0, 10])}, "trained on the unseen classes [10]"),
        ({"trained_on": np.array([60])}, "no class 60"),
        ({"names": np.array(["a", "b", "a", "c"])}, "a name twice"),
        ({"names": np.array(["a", "b\nc", "d", "e"])}, "'b\\nc'"),
        ({"names": np.array([1, 2, 3, 4])}, "not a name for each"),
        ({"label": np.array([0, 10, 1, 60])}, "no class 60"),
        ({"logits": np.zeros((4, 59), np.float32)}, "different widths"),
        ({"joints": np.zeros((3, 25, 8), np.float32)}, "contradicts itself"),
        ({"masked": np.ones((4, 2, 7), np.float32)}, "different widths"),
        ({"pooled": np.ones((4, 8), np.float32), "label": np.zeros(4, np.int64)}, "counts clips twice"),
    ],
)
def test_own_features_that_break_the_rules_are_refused(
    tmp_path: Path, reading: Reading, changes: dict[str, Any], message: str
) -> None:
    path = write_own(tmp_path / "own.npz", [0, 10, 1, 56], [0, 1], **changes)
    with pytest.raises(InputError) as caught:
        imported(tmp_path, path, reading)
    assert message in str(caught.value)


def test_nothing_known_is_said(tmp_path: Path, reading: Reading) -> None:
    with pytest.raises(InputError, match="no features in a known layout"):
        imported(tmp_path, tmp_path, reading)
