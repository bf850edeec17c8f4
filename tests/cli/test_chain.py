"""The whole chain, command by command, on a small synthetic set: what a new user types, and what is printed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_testing import run_command

pytestmark = pytest.mark.slow

Command = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--dataset", "demo", "--split", "random-1")
TRAIN = ("zsl-train", "--method", "mla", *SMALL, "--features", "demo-random-1-st-gcn", "--encoder", "hashing")
SHORT = ("--set", "epochs=2", "--set", "max_k=5", "--set", "warmup=1")


def succeeds(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Recordings, backbone, features, bank and embeddings of a tiny demo set are made; returns a command runner."""
    folder = tmp_path_factory.mktemp("chain")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_command(*arguments, artifacts=folder / "artifacts")

    made = succeeds(run("zsl-data", "synthesize", "--subjects", "2", "--repetitions", "1"))
    assert "synthetic" in made
    weights = succeeds(run("zsl-data", "pretrain", *SMALL, "--epochs", "1")).splitlines()[0]
    succeeds(run("zsl-data", "extract", *SMALL, "--weights", weights))
    succeeds(run("zsl-semantics", "generate", "--dataset", "demo"))
    succeeds(run("zsl-semantics", "encode", "--dataset", "demo", "--encoder", "hashing"))
    return run


def test_training_prints_accuracy_chance_and_control(chain: Command) -> None:
    text = succeeds(chain(*TRAIN, *SHORT, "--control", "none,shuffled", "--seeds", "0,1"))
    assert "SYNTHETIC" in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith(("real ", "shuffled "))]
    assert [row[:2] for row in rows] == [["real", "2"], ["shuffled", "2"]]
    assert [row[-1] for row in rows] == ["20.0", "20.0"]


def test_a_second_time_everything_is_reused(chain: Command) -> None:
    first = json.loads(succeeds(chain(*TRAIN, *SHORT, "--json")))
    second = json.loads(succeeds(chain(*TRAIN, *SHORT, "--json")))
    assert second == first
    assert second["schema_version"] == 1


def test_eval_computes_the_same_report_again_and_show_prints_it(chain: Command) -> None:
    run = json.loads(succeeds(chain(*TRAIN, *SHORT, "--json")))["runs"][0]
    again = json.loads(succeeds(chain("zsl-train", "eval", run["path"], "--json")))
    assert again["confusion"] == run["confusion"]
    shown = succeeds(chain("zsl-train", "show", Path(run["path"]).name))
    assert "ZSL accuracy" in shown
    assert "made by: " in shown


@pytest.mark.parametrize("control", ["random-words", "name-only"])
def test_controls_by_other_texts(chain: Command, control: str) -> None:
    document = json.loads(succeeds(chain(*TRAIN, *SHORT, "--control", control, "--json")))
    assert [row["control"] for row in document["summary"]] == [control]


@pytest.mark.parametrize("select", ["val", "oracle"])
def test_selection_is_printed(chain: Command, select: str) -> None:
    text = succeeds(chain(*TRAIN, *SHORT, "--select", select))
    assert ("oracle: chosen on the unseen test clips" in text) == (select == "oracle")


def test_ridge_on_the_same_features(chain: Command) -> None:
    arguments = ("zsl-train", "--method", "ridge", *TRAIN[3:])
    assert "closed form" in succeeds(chain(*arguments))


def test_backbone_that_saw_the_unseen_classes_is_refused(chain: Command) -> None:
    result = chain(*(("random-2" if part == "random-1" else part) for part in TRAIN))
    assert result.returncode == 3
    assert "was trained on unseen classes of split random-2" in result.stderr
    assert "mend: zsl-data pretrain --dataset demo --split random-2" in result.stderr


def test_unknown_setting_gets_a_did_you_mean(chain: Command) -> None:
    result = chain(*TRAIN, "--set", "epoch=2")
    assert result.returncode == 2
    assert "Did you mean 'epochs'?" in result.stderr


def test_inspect_counts_against_the_catalog(chain: Command) -> None:
    text = succeeds(chain("zsl-data", "inspect", "--dataset", "demo"))
    assert "100" in text
    assert "1000" in text


def test_show_prints_the_texts_of_a_class(chain: Command) -> None:
    document = json.loads(succeeds(chain("zsl-semantics", "show", "--dataset", "demo", "0", "--json")))
    assert len(document["slots"]["codebook"]) == 100


def test_a_bank_of_another_data_set_is_refused(chain: Command) -> None:
    succeeds(chain("zsl-semantics", "generate", "--dataset", "msr-action3d", "--family", "label"))
    result = chain("zsl-semantics", "encode", "--dataset", "demo", "--bank", "msr-action3d-compose")
    assert result.returncode == 3
    assert "msr-action3d" in result.stderr


def test_raw_ntu_files_are_written(chain: Command, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    arguments = ("--files", str(folder), "--dataset", "demo", "--subjects", "1", "--repetitions", "1")
    succeeds(chain("zsl-data", "synthesize", *arguments))
    assert (folder / "SYNTHETIC.txt").is_file()
    assert len(list(folder.rglob("*.skeleton"))) == 150
