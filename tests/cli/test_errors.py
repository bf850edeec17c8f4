"""Every way to go wrong named in the documentation: the text, the mending command, the exit code."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

IMPORT = ("zsl-data", "import", "--dataset")


def fails(result: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for text in texts:
        assert text in result.stderr


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        ((*IMPORT, "utd-mhda", "--root", "."), ["unknown dataset 'utd-mhda'", "Did you mean 'utd-mhad'?", "ntu120"]),
        ((*IMPORT, "utd-mhad", "--root", ".", "--recipe", "aimclr-5"), ["unknown recipe", "aimclr-50"]),
        (
            ("zsl-semantics", "generate", "--dataset", "demo", "--family", "spatail"),
            ["spatail", "Did you mean 'spatial'?"],
        ),
        (
            ("zsl-semantics", "generate", "--dataset", "demo", "--backend", "oracle"),
            ["unknown backend 'oracle'", "compose"],
        ),
        (("zsl-train", "--method", "mlaa", "--dataset", "demo"), ["unknown method 'mlaa'", "Did you mean 'mla'?"]),
        (("zsl-train", "--method", "mla", "--dataset", "demo", "--split", "random-9"), ["unknown split", "random-1"]),
        (("zsl-train", "--method", "mla", "--dataset", "demo", "--protocol", "xset"), ["unknown protocol", "xsub"]),
        (
            ("zsl-train", "--method", "mla", "--dataset", "demo", "--control", "shufled"),
            ["unknown control", "'shuffled'?"],
        ),
        (
            ("zsl-train", "--method", "mla", "--dataset", "demo", "--select", "best"),
            ["unknown selection rule", "oracle"],
        ),
        (("zsl-train", "--method", "mla", "--dataset", "demo", "--seeds", "0-4"), ["--seeds '0-4'", "0..4"]),
        (("zsl-train", "--dataset", "demo"), ["--method is missing", "zsl-train --method mla"]),
        (("zsl-train", "resume"), ["0 unfinished runs", "zsl-train list"]),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else None,
)
def test_usage_errors(command: Command, arguments: tuple[str, ...], texts: list[str]) -> None:
    fails(command(*arguments), 2, *texts)


def test_unknown_option_is_a_usage_error(command: Command) -> None:
    result = command("zsl-train", "--methud", "mla")
    assert result.returncode == 2
    assert "--methud" in result.stderr


def test_missing_root(command: Command, tmp_path: Path) -> None:
    result = command(*IMPORT, "utd-mhad", "--root", str(tmp_path / "nowhere"))
    fails(result, 3, "does not exist", "mend: zsl-data import --dataset utd-mhad --root DIR, where DIR is a folder")


def test_empty_root(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fails(command(*IMPORT, "utd-mhad", "--root", str(tmp_path / "empty")), 3, "is empty", "a1_s1_t1_skeleton.mat")


def test_recordings_of_another_data_set(command: Command, tmp_path: Path) -> None:
    frame = "\n".join("0.1 0.2 2.5 1.0" for _ in range(20))
    (tmp_path / "msr").mkdir()
    (tmp_path / "msr" / "a01_s01_e01_skeleton3D.txt").write_text(f"{frame}\n{frame}\n")
    result = command(*IMPORT, "utd-mhad", "--root", str(tmp_path / "msr"))
    fails(result, 3, "holds no recordings of UTD-MHAD", "mend: zsl-data import --dataset msr-action3d")


def test_nothing_imported_yet(command: Command) -> None:
    arguments = ("--dataset", "utd-mhad", "--split", "random-1")
    mend = "zsl-data import --dataset utd-mhad --recipe aimclr-50 --root DIR"
    fails(command("zsl-train", "--method", "mla", *arguments), 3, "no recordings of UTD-MHAD", mend)
    fails(command("zsl-data", "pretrain", *arguments), 3, "no recordings of UTD-MHAD", mend)
    fails(command("zsl-data", "inspect", "--dataset", "utd-mhad"), 3, "no recordings of UTD-MHAD", mend)


def test_data_set_without_facts(command: Command, tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    result = command("zsl-semantics", "generate", "--dataset", "utd-mhad", ZSL_SEMANTICS=str(tmp_path / "facts"))
    fails(result, 3, "facts.yaml")


def test_prompts_folder_that_does_not_exist(command: Command) -> None:
    result = command("zsl-semantics", "generate", "--dataset", "demo", "--prompts", "nowhere")
    fails(result, 3, "prompts folder nowhere does not exist", "ZSL_PROMPTS")


def test_unknown_artifact(command: Command) -> None:
    fails(command("zsl-train", "show", "nothing"), 3, "no artifact 'nothing'", "zsl-train list")
    arguments = ("zsl-train", "--method", "ridge", "--dataset", "demo", "--features", "nothing")
    fails(command(*arguments), 3, "no artifact 'nothing'", "zsl-data extract --dataset demo")


def test_broken_user_catalog(command: Command, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "mine.yaml").write_text("name: mine\nclasses: 3\n")
    result = command("zsl-train", "--method", "mla", "--dataset", "mine", "--catalog", str(tmp_path / "catalog"))
    fails(result, 3, "mine.yaml", "classes")


def test_artifacts_folder_that_is_a_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = command("zsl-semantics", "generate", "--dataset", "demo", "--artifacts", str(tmp_path / "file"))
    fails(result, 3, "mend: name a folder, not a file, with --artifacts DIR")
