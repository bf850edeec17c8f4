"""A user's own catalog files, and what is said about broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from zsl_skeleton.catalog import dataset_names, load_dataset
from zsl_skeleton.errors import InputError, UsageError


def definition() -> dict[str, Any]:
    return {
        "name": "my-set",
        "title": "My set",
        "synthetic": False,
        "layout": "ntu-25",
        "fps": 30,
        "persons": 1,
        "classes": [{"name": "wave"}, {"name": "squat"}, {"name": "walk", "code": "W"}],
        "protocols": {"xsub": {"by": "subject", "train": [3, 1]}},
        "default_protocol": "xsub",
        "splits": {"main": {"unseen": [2], "validation_unseen": [1], "source": "by hand"}},
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def save(content: Any, name: str = "my-set") -> Path:
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path

    return save


def test_a_user_data_set_loads(write: Callable[..., Path]) -> None:
    folder = write(definition())
    data = load_dataset("My_Set", folder)
    assert data.class_names == ("wave", "squat", "walk")
    assert [action.code for action in data.classes] == ["A1", "A2", "W"]
    assert data.protocol().train == (1, 3)
    assert data.seen(data.split("MAIN")) == (0, 1)
    assert "my-set" in dataset_names(folder)
    assert "my-set" not in dataset_names()


def test_the_folder_may_come_from_the_environment(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZSL_CATALOG", str(write(definition())))
    assert load_dataset("my-set").title == "My set"
    monkeypatch.setenv("ZSL_CATALOG", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere does not exist") as caught:
        dataset_names()
    assert "ZSL_CATALOG" in caught.value.mend


def test_an_edited_file_is_read_again(write: Callable[..., Path]) -> None:
    folder = write(definition())
    assert load_dataset("my-set", folder).title == "My set"
    write(definition() | {"title": "Another title"})
    assert load_dataset("my-set", folder).title == "Another title"


def test_user_files_may_borrow_packaged_classes(write: Callable[..., Path]) -> None:
    own = definition() | {"classes_from": {"dataset": "ntu120", "first": 3}}
    del own["classes"]
    assert load_dataset("my-set", write(own)).class_names == load_dataset("ntu60").class_names[:3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": [{"name": "wave"}, {"name": "wave"}]}, r"classes: two classes have the name 'wave'"),
        ({"classes": [{"name": "wave"}, {"code": "B"}]}, r"classes\.1\.name"),
        ({"colour": "red"}, r"field colour: Extra inputs"),
        ({"layout": "openpose"}, r"field layout"),
        ({"default_protocol": "xview"}, r"default_protocol: 'xview' is not among protocols"),
        ({"protocols": {"xsub": {"by": "subject"}}}, r"protocols\.xsub: a protocol by subject needs"),
        ({"protocols": {"xsub": {"by": "recording", "train": [1]}}}, r"protocols\.xsub: a protocol by recording"),
        ({"splits": {"main": {"unseen": [3], "source": ""}}}, r"splits\.main\.unseen: there is no class 3"),
        ({"splits": {"main": {"unseen": [-1], "source": ""}}}, r"splits\.main\.unseen\.0"),
        ({"splits": {"main": {"unseen": [0, 0], "source": ""}}}, r"splits\.main\.unseen: 0 is listed twice"),
        ({"splits": {"main": {"unseen": [0, 1, 2], "source": ""}}}, r"no seen class is left"),
        (
            {"splits": {"main": {"unseen": [1, 2], "validation_unseen": [2], "source": ""}}},
            r"splits\.main: validation_unseen must be seen classes, but \[2\]",
        ),
        ({"expected_clips": 9, "expected_per_class": [1, 2, 3]}, r"expected_per_class: the counts sum up to 6"),
        ({"expected_per_class": [1, 2]}, r"expected_per_class: 2 counts, 3 classes"),
        ({"name": "another"}, r"field name: is 'another', but the file is called 'my-set'"),
        ({"classes_from": {"dataset": "ntu120"}}, r"field classes_from"),
    ],
)
def test_broken_files_name_file_and_field(write: Callable[..., Path], change: dict[str, Any], message: str) -> None:
    folder = write(definition() | change)
    with pytest.raises(InputError, match=message) as caught:
        load_dataset("my-set", folder)
    assert str(folder / "my-set.yaml") in caught.value.what
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(("text", "message"), [("a: [1,", "not valid YAML"), ("- 1", "is not a catalog file")])
def test_files_that_are_no_mapping(write: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset("my-set", write(text))


def test_a_packaged_name_is_not_shadowed(write: Callable[..., Path]) -> None:
    folder = write(definition() | {"name": "UTD_MHAD"}, name="UTD_MHAD")
    with pytest.raises(InputError, match="takes the name of the packaged data set"):
        dataset_names(folder)


def test_names_are_forgiving_and_wrong_ones_get_a_suggestion() -> None:
    assert load_dataset("NTU-120").name == "ntu120"
    assert load_dataset("UTD_MHAD").name == "utd-mhad"
    with pytest.raises(UsageError, match="Did you mean 'utd-mhad'") as caught:
        load_dataset("utd-mhda")
    assert caught.value.exit_code == 2
    data = load_dataset("utd-mhad")
    with pytest.raises(UsageError, match=r"unknown split of utd-mhad 'radnom-1'.*Did you mean 'random-1'"):
        data.split("radnom-1")
    with pytest.raises(UsageError, match="unknown protocol of utd-mhad 'xview'"):
        data.protocol("xview")
