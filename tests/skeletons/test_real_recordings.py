"""The published recordings, where they are at hand: everything is read, and what is missing is known by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.skeletons.importing import import_recordings
from zsl_skeleton.skeletons.inspect import differences, inspect
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet

pytestmark = pytest.mark.real_data
ALL_ZERO = {"Seq2_10", "Seq4_10"}


@pytest.fixture(scope="module")
def imported(real_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """``imported("precog")``: its recordings as an artifact; every data set is read once."""
    store = Store(tmp_path_factory.mktemp("real") / "artifacts")
    return functools.cache(lambda name: import_recordings(store, load_dataset(name), real_data_dir / name, "hip-32"))


@pytest.mark.parametrize(
    ("name", "clips", "skipped", "frames", "zero_clips"),
    [
        ("utd-mhad", 861, 0, (41, 67, 125), 0),
        ("msr-action3d", 567, 1, (9, 38, 196), 18),
        ("nw-ucla", 1484, 0, (1, 31, 201), 0),
        ("precog", 360, 10, (7, 36, 88), 0),
    ],
)
def test_counts_are_as_published(
    imported: Callable[[str], Artifact],
    name: str,
    clips: int,
    skipped: int,
    frames: tuple[int, int, int],
    zero_clips: int,
) -> None:
    dataset = load_dataset(name)
    found = inspect(imported(name), dataset)
    assert found.total.found == clips - skipped
    assert found.total.expected == clips
    assert (len(found.skipped), found.absent, found.unexplained) == (skipped, (), 0)
    assert found.frames == frames
    assert len(found.dropped_frames) == zero_clips
    assert bool(differences(found)) == bool(skipped)
    assert found.far == ()


def test_the_skipped_clips_are_the_known_ones(imported: Callable[[str], Artifact]) -> None:
    def skipped(name: str) -> list[str]:
        entries = imported(name).card.summary["skipped"]
        assert all("all coordinates are zero" in entry["reason"] for entry in entries)
        return [entry["id"] for entry in entries]

    assert skipped("msr-action3d") == ["a13_s09_e02"]
    precog = skipped("precog")
    assert len(precog) == 10
    assert {name.rsplit("_", 1)[0] for name in precog} == ALL_ZERO


@pytest.mark.parametrize("name", ["utd-mhad", "msr-action3d", "nw-ucla", "precog"])
def test_people_stand_upright_with_their_left_on_the_left(imported: Callable[[str], Artifact], name: str) -> None:
    skeletons = SkeletonSet.open(imported(name))
    mean = np.asarray(skeletons.clips)[..., 0].mean(axis=2)
    head_above_feet = mean[:, 1, 3] > mean[:, 1, [15, 19]].max(axis=1)
    left_on_the_left = mean[:, 0, 4] < mean[:, 0, 8]
    assert head_above_feet.mean() > 0.98
    assert left_on_the_left.mean() > 0.95
