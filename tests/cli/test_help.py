from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]
COMMANDS = ("data", "semantics", "train")
HEAVY = {"torch", "openai", "transformers", "sentence_transformers"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_the_commands(command: Command, name: str) -> None:
    result = command(f"zsl-{name}", "--help")
    assert result.returncode == 0
    assert "Commands:" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("argument", ["--help", "list"])
def test_help_and_list_import_neither_torch_nor_a_language_model_client(name: str, argument: str) -> None:
    # What makes an answer in well under half a second possible; the time itself is in BENCHMARKS.md.
    assert modules_of(name, argument) & HEAVY == set()


@pytest.mark.parametrize(
    "line",
    [
        "train --method mlla --dataset demo",
        "train --method mla --dataset demmo",
        "train --method mla --dataset demo --split nowhere",
        "train --method mla --dataset demo --control shufled",
        "train settings --method mla --dataset demmo",
        "data pretrain --dataset demo --split nowhere",
        "semantics compare --dataset demmo",
    ],
)
def test_a_mistyped_word_is_told_before_torch_is_imported(line: str) -> None:
    assert modules_of(*line.split()) & HEAVY == set()


def modules_of(name: str, *arguments: str) -> set[str]:
    """What a process of its own has imported after a command that ends at once."""
    code = f"""
import sys
from zsl_skeleton.errors import UsageError
from zsl_skeleton_cli.{name} import app
try:
    app({list(arguments)!r}, standalone_mode=False)
except (SystemExit, UsageError):
    pass
sys.stderr.write("\\n" + " ".join({{m.partition(".")[0] for m in sys.modules}}))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("name", ["show", "eval", "resume", "report", "export", "lineage", "tensorboard"])
def test_usage_names_runs_as_people_do(command: Command, name: str) -> None:
    usage = command("zsl-train", name, "--help").stdout.split("\n\n")[0]
    assert "RUN" in usage and "run_" not in usage and "{runs}" not in usage


def test_settings_says_what_can_be_set(command: Command) -> None:
    result = command("zsl-train", "settings", "--method", "mla", "--set", "epochs=3")
    assert result.returncode == 0
    assert "\n  epochs = 3\n" in result.stdout
    document = json.loads(command("zsl-train", "settings", "--method", "mla", "--json").stdout)
    assert {"text_scale", "learning_rate"} <= {one["name"] for one in document["settings"]}


def test_list_as_json_is_one_document(command: Command) -> None:
    document = json.loads(command("zsl-train", "list", "--json").stdout)
    assert document["schema_version"] == 1
    assert {"mla", "ridge"} <= set(document["methods"])
