"""What a command is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.setting import open_setting

NO_SPLIT = """
name: bare
title: Bare
synthetic: false
layout: ntu-25
fps: 30
persons: 1
reader: npz
classes: [{name: wave}, {name: bow}]
protocols: {all: {by: subject, train: [1]}}
default_protocol: all
"""


def test_what_is_not_named_is_the_data_sets_first_split_and_usual_protocol(tmp_path: Path) -> None:
    setting = open_setting(Store(tmp_path), None, {"dataset": "utd-mhad", "split": None})
    assert (setting.split.name, setting.protocol.name, setting.device) == ("random-1", "xsub", "auto")
    named = {"dataset": "utd-mhad", "split": "random-2", "protocol": "xsub", "device": "cpu"}
    setting = open_setting(Store(tmp_path), None, named)
    assert (setting.split.name, setting.protocol.name, setting.device) == ("random-2", "xsub", "cpu")


@pytest.mark.parametrize("name", ["dataset", "split", "protocol"])
def test_an_unknown_name_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown"):
        open_setting(Store(tmp_path), None, {"dataset": "demo", "split": "random-1", name: "nowhere"})


def test_a_data_set_without_a_split_says_how_to_add_one(tmp_path: Path) -> None:
    (tmp_path / "bare.yaml").write_text(NO_SPLIT)
    with pytest.raises(InputError, match="no seen/unseen split"):
        open_setting(Store(tmp_path), tmp_path, {"dataset": "bare"})
