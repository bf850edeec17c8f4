from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.skeleton_set import Clip, SkeletonSet, write_skeleton_set


def clips(count: int) -> list[Clip]:
    random = np.random.default_rng(0)
    return [
        Clip(f"clip {i}", i % 3, i % 4 + 1, 1, 10 + i, random.normal(size=(3, 5, 25, 1)).astype(np.float32))
        for i in range(count)
    ]


def make(store: Store, stream: list[Clip]) -> Artifact:
    recipe = Recipe("skeletons", "test", "a test", {"dataset": "demo", "recipe": "hip-32"})
    return store.make(recipe, lambda folder: write_skeleton_set(folder, stream, classes=4))


def test_what_was_written_is_read_back_without_loading_it(store: Store) -> None:
    written = clips(7)
    opened = SkeletonSet.open(make(store, written))
    assert isinstance(opened.clips, np.memmap)
    np.testing.assert_array_equal(opened.clips, np.stack([clip.joints for clip in written]))
    assert opened.ids == tuple(clip.id for clip in written)
    for name in ("labels", "subjects", "views", "lengths"):
        assert getattr(opened, name).tolist() == [getattr(clip, name.removesuffix("s")) for clip in written]
    assert (opened.dataset, opened.recipe) == ("demo", "hip-32")


def test_stated_parts_are_kept_and_must_agree(store: Store, tmp_path: Path) -> None:
    written = [replace(clip, parts={"lists": i > 2, "views": i == 0}) for i, clip in enumerate(clips(5))]
    opened = SkeletonSet.open(make(store, written))
    assert {name: part.tolist() for name, part in opened.parts.items()} == {
        "lists": [False, False, False, True, True],
        "views": [True, False, False, False, False],
    }
    with pytest.raises(InputError, match="clip 4 names the parts of protocols"):
        write_skeleton_set(tmp_path, [*written[:4], clips(5)[4]], classes=4)


def test_summary_counts_classes_without_clips_too(tmp_path: Path) -> None:
    assert write_skeleton_set(tmp_path, clips(7), classes=4) == {
        "clips": 7,
        "classes": 4,
        "per_class": [3, 2, 2, 0],
        "per_subject": {"1": 2, "2": 2, "3": 2, "4": 1},
        "persons": 1,
    }


def test_an_interrupted_stream_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def dying() -> Iterator[Clip]:
        yield from clips(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_skeleton_set(tmp_path / "", dying(), classes=4)
    assert not (tmp_path / "clips.npy").exists()
    write_skeleton_set(tmp_path, clips(2), classes=4)
    again = tmp_path / "again"
    again.mkdir()
    write_skeleton_set(again, clips(2), classes=4)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert written == {path.name: path.read_bytes() for path in again.iterdir()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "clip 0"}, "occurs twice"),
        ({"id": "two\nlines"}, "two"),
        ({"label": 4}, "label 4"),
        ({"label": -1}, "label -1"),
        ({"joints": np.zeros((3, 6, 25, 1), np.float32)}, r"\(3, 6, 25, 1\)"),
    ],
)
def test_a_stream_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_skeleton_set(tmp_path, [*clips(2), replace(clips(3)[2], **change)], classes=4)


def test_an_empty_stream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no clip"):
        write_skeleton_set(tmp_path, [], classes=4)


def test_files_that_disagree_are_refused_with_the_mending_command(store: Store) -> None:
    artifact = make(store, clips(7))
    names = artifact.path / "samples.txt"
    names.write_text("".join(names.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="contradicts itself") as caught:
        SkeletonSet.open(artifact)
    assert "delete the folder" in caught.value.mend


def test_another_stage_is_refused(store: Store) -> None:
    recipe = Recipe("features", "test", "a test", {})
    artifact = store.make(recipe, lambda folder: {})
    with pytest.raises(InputError, match="features, not skeletons"):
        SkeletonSet.open(artifact)
