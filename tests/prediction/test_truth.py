"""Accuracy where the class of recordings is known from elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.prediction.predictions import Predictions
from zsl_skeleton.prediction.truth import Truth, measure, read_truth

CHANCES = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])


def predictions() -> Predictions:
    ids = ("one", "two", "three", "four")
    seen, labels = np.zeros(2, bool), np.array([1, 3, 3, 0])
    return Predictions(("kick", "squat"), seen, CHANCES, CHANCES.astype(np.float32), ids, labels=labels)


def test_labels_of_a_known_data_set(world) -> None:
    found = measure(predictions(), Truth(world.dataset))
    assert (found.clips, found.left_out, found.chance) == (3, 1, 0.5)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.mean_class_accuracy == pytest.approx((1 + 0.5) / 2)
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.2) / 3)
    assert "chance" in found.render()


def written(folder: Path, *rows: str) -> Path:
    path = folder / "truth.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_table_of_clips(tmp_path: Path) -> None:
    found = measure(
        predictions(), read_truth(written(tmp_path, "clip,class", "one,Kick", "three,squat", "x,kick"), None)
    )
    assert (found.clips, found.accuracy) == (2, 1.0)


def test_a_table_that_renames_labels(world, tmp_path: Path) -> None:
    path = written(tmp_path, "label,class", "wave,squat", "1,kick")
    found = measure(predictions(), read_truth(path, world.dataset))
    assert (found.clips, found.left_out) == (4, 0)
    assert found.per_class["squat"] == (3, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("rows", "said"),
    [(("what,class",), "no table"), (("clip,class", "one"), "1 cells"), (("label,class", "1,kick"), "which data set")],
)
def test_other_tables_are_refused(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_truth(written(tmp_path, *rows), None)


def test_a_misspelt_class_and_strangers(world, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'squat'"):
        read_truth(written(tmp_path, "label,class", "sqat,kick"), world.dataset)
    with pytest.raises(InputError, match="no clip is known to show one of the classes"):
        measure(predictions(), Truth(clips={"one": "juggle"}))
