from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.errors import InputError
from zsl_skeleton.skeletons.readers.nw_ucla import NwUclaReader

NAME = "a08_s10_e00_v02"


@pytest.fixture
def document() -> dict[str, Any]:
    frames = np.random.default_rng(0).normal(size=(4, 20, 3)).tolist()
    return {"file_name": NAME, "skeletons": frames, "label": 7}


def read(folder: Path, document: Any) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / f"{NAME}.json").write_text(text)
    reader = NwUclaReader()
    (ref,) = reader.scan(folder).clips
    return reader.read(ref)


def test_joints_come_as_written(tmp_path: Path, document: dict[str, Any]) -> None:
    assert read(tmp_path, document).joints[0].tolist() == document["skeletons"]


@pytest.mark.parametrize(("action", "label"), [(1, 0), (6, 5), (8, 6), (9, 7), (11, 8), (12, 9)])
def test_the_gaps_in_the_numbering_are_closed(tmp_path: Path, action: int, label: int) -> None:
    (tmp_path / f"a{action:02d}_s03_e12_v03.json").touch()
    (ref,) = NwUclaReader().scan(tmp_path).clips
    assert (ref.label, ref.subject, ref.view, ref.id) == (label, 3, 3, f"a{action:02d}_s03_e12_v03")


def test_actions_that_do_not_exist_and_foreign_names_are_rejected(tmp_path: Path) -> None:
    for name in ("a07_s01_e00_v01", "a13_s01_e00_v01", "settings"):
        (tmp_path / f"{name}.json").touch()
    listing = NwUclaReader().scan(tmp_path)
    assert listing.clips == ()
    assert {entry.id for entry in listing.rejected} == {"a07_s01_e00_v01", "a13_s01_e00_v01", "settings"}


def change(document: dict[str, Any], frame: Any) -> dict[str, Any]:
    document["skeletons"][2] = frame
    return document


@pytest.mark.parametrize(
    "frame",
    [
        [[0.0, 0.0, 1.0]] * 19,
        [[0.0, 0.0]] * 20,
        [[0.0, 0.0, "1"]] * 20,
        [[0.0, 0.0, None]] * 20,
        [[0.0, 0.0, True]] * 20,
        None,
        7,
    ],
)
def test_a_frame_of_another_shape_is_named(tmp_path: Path, document: dict[str, Any], frame: Any) -> None:
    with pytest.raises(InputError, match=f"{NAME}.*frame 2"):
        read(tmp_path, change(document, frame))


def test_numbers_that_are_not_finite_are_named(tmp_path: Path, document: dict[str, Any]) -> None:
    document["skeletons"][3][4][2] = float("nan")
    with pytest.raises(InputError, match=r"frame 3, joint 4 \(left-shoulder\): z"):
        read(tmp_path, document)


@pytest.mark.parametrize("number", ["1" * 400, "1" * 5000])
def test_absurd_numbers_are_refused(tmp_path: Path, document: dict[str, Any], number: str) -> None:
    text = json.dumps(change(document, [[0.0, 0.0, 123456]] * 20)).replace("123456", number)
    with pytest.raises(InputError, match=NAME):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["[" * 100_000, "", "[", "[]", "{}", '{"skeletons": 3}', '{"skeletons": []}'])
def test_documents_of_another_kind_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=NAME):
        read(tmp_path, text)


def test_a_label_that_contradicts_the_name_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="label 8"):
        read(tmp_path, {**document, "label": 8})
