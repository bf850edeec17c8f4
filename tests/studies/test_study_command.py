"""``zsl-train study`` as people run it: several processes, killed ones, failures, formats."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accessibility import problems
from studies.toy_studies import STEPWISE
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.studies.running import parse_shard
from zsl_skeleton_cli.train import app
from zsl_testing import command_line, environment, run_command

GRID = {"methods": ["ridge", "eszsl"], "seeds": "0..2", "controls": ["none", "shuffled"]}
RUNS = 12


def study(root: Path, file: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_command("zsl-train", "study", str(file), "--jobs", "1", *more, artifacts=root, **variables)


def start(root: Path, file: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command_line("zsl-train", "study", str(file), "--checkpoint-seconds", "0", *more),
        env=environment(root),
        cwd=root.parent,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finished_lines(stderr: str) -> list[str]:
    return sorted(
        line.split("] ")[1].split(": ")[0] for line in stderr.splitlines() if line.startswith("[") and " %, " in line
    )


def cells(output: str) -> list[tuple[object, ...]]:
    """Everything in the table of ``--format json``."""
    (table,) = json.loads(output)["tables"]
    return [
        (row["name"], row["control"], row["seeds"], row["accuracy"], row["difference"])
        for section in table["sections"]
        for row in section["rows"]
    ]


def finished_here(root: Path, file: Path) -> list[tuple[object, ...]]:
    """The table after the study was finished in this process, which spares the start of another one."""
    result = CliRunner().invoke(
        app, ["study", str(file), "--jobs", "1", "--format", "json", "--artifacts", str(root), "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    return cells(result.stdout)


@pytest.mark.slow
def test_two_processes_make_each_run_once(root: Path, written: Callable[..., Path]) -> None:
    file = written(GRID)
    both = [start(root, file, "--jobs", jobs, "--format", "json") for jobs in ("1", "2")]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    made = finished_lines(told[0][1]) + finished_lines(told[1][1])
    assert len(made) == len(set(made)) == RUNS
    assert cells(told[0][0]) == cells(told[1][0])
    again = CliRunner().invoke(app, ["study", str(file), "--artifacts", str(root)])
    assert again.exit_code == 0, again.output
    assert finished_lines(again.stderr) == []
    assert "nothing is left to be made" in again.stderr


@pytest.mark.slow
def test_killed_twice_it_ends_with_the_same_table(root: Path, tmp_path: Path, written: Callable[..., Path]) -> None:
    file = written({"methods": ["ridge", STEPWISE], "seeds": [0, 1]}, {"methods": "eszsl"})
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    for stage in root.iterdir():
        (unbroken / stage.name).symlink_to(stage)
    expected = finished_here(unbroken, file)
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = start(root, file, "--jobs", "2")
        before = _made(root)
        while process.poll() is None and _made(root) == before:
            time.sleep(0.005)
        process.send_signal(number)
        process.communicate()
        assert process.returncode in ((-signal.SIGKILL,) if number == signal.SIGKILL else (143, 0))
    assert finished_here(root, file) == expected


def test_a_failing_run_is_named_and_the_rest_is_made(root: Path, written: Callable[..., Path]) -> None:
    file = written({"methods": "ridge"}, {"methods": "ridge", "datasets": "utd-mhad", "banks": []})
    result = study(root, file)
    assert result.returncode == 3
    assert "1 runs of the study failed" in result.stderr
    assert "utd-mhad" in result.stderr
    assert "zsl-data import --dataset utd-mhad" in result.stderr
    assert "ridge default" in result.stdout  # the table of what is finished
    assert len(list((root / "runs").glob("[!.]*"))) == 1
    assert len(list((root / "studies" / "toy" / "failed").iterdir())) == 1


def test_a_dry_run_prints_the_plan_and_makes_nothing(root: Path, written: Callable[..., Path]) -> None:
    options = ["--dry-run", "--shard", "2/3", "--artifacts", str(root)]
    result = CliRunner().invoke(app, ["study", str(written(GRID)), *options])
    assert result.exit_code == 0, result.output
    assert f"{RUNS // 3} runs: {RUNS // 3} new" in result.stdout
    assert not (root / "runs").exists()
    assert not (root / "studies").exists()


def test_what_is_finished_becomes_a_table_and_a_page_without_a_new_run(
    root: Path, tmp_path: Path, written: Callable[..., Path]
) -> None:
    half, whole = written({"methods": "ridge"}, name="half"), written({"methods": ["ridge", "eszsl"]}, name="whole")
    wanted = ["--finished", "--artifacts", str(root)]
    nothing = CliRunner().invoke(app, ["study", str(whole), *wanted])
    assert isinstance(nothing.exception, InputError)
    assert CliRunner().invoke(app, ["study", str(half), "--jobs", "1", "--artifacts", str(root)]).exit_code == 0
    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["study", str(whole), *wanted, "--report", str(page)])
    assert result.exit_code == 0, result.output
    assert "1 of 2 runs of the study are not finished" in result.stderr
    assert "ridge default" in result.stdout
    assert "eszsl" not in result.stdout
    assert page.is_file()
    assert len(list((root / "runs").glob("[!.]*"))) == 1
    refused = CliRunner().invoke(app, ["study", str(whole), "--dry-run", "--report", str(page)])
    assert isinstance(refused.exception, UsageError)


def test_a_study_becomes_a_page_and_says_what_is_blocked(
    root: Path, tmp_path: Path, written: Callable[..., Path]
) -> None:
    file, page = written({"methods": ["ridge", "eszsl"]}), tmp_path / "out" / "study.html"
    command = ["study", str(file), "--jobs", "1", "--artifacts", str(root), "--report", str(page)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "Study toy" in page.read_text()
    assert problems(page.read_text()) == []
    blocked = written({"methods": "ridge", "datasets": "utd-mhad", "banks": [], "seeds": [0, 1]}, name="blocked")
    told = CliRunner().invoke(app, ["study", str(blocked), "--dry-run", "--artifacts", str(root)]).stdout
    assert "2 runs are blocked" in told
    assert "nothing is left" not in told


def test_bad_input_has_the_documented_exit_codes(root: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("runs:\n  - {methods: ridge, datasets: demo, seed: 1}\n")
    result = CliRunner().invoke(app, ["study", str(bad), "--artifacts", str(root)])
    assert isinstance(result.exception, InputError)
    assert "line 2, runs[0].seed: Extra" in result.exception.what
    with pytest.raises(UsageError, match="no part of a whole"):
        parse_shard("4/3")
    assert parse_shard("3/4") == (3, 4)


def _made(root: Path) -> set[str]:
    """Runs that are finished, and checkpoints."""
    return {str(path) for path in (root / "runs").glob("*/*.json")} | {
        str(path) for path in (root / "runs").glob(".*/work/*.safetensors")
    }
