"""``zsl-semantics`` as a user types it: generate, lint, curate, exchange, compare versions, draft facts."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_testing import command_line, environment, run_command

Command = Callable[..., subprocess.CompletedProcess[str]]
PRECOG = ("--dataset", "precog")
TEXT = "The right fist shoots straight out from the chest to shoulder height while both feet stay planted on the floor."


def succeeds(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts with the composed bank of precog."""
    artifacts = tmp_path_factory.mktemp("words") / "artifacts"
    succeeds(run_command("zsl-semantics", "generate", *PRECOG, artifacts=artifacts))
    return artifacts


@pytest.fixture
def command(made: Path, tmp_path: Path) -> Command:
    """Run a command on a copy of those artifacts."""
    shutil.copytree(made, tmp_path / "artifacts")
    return lambda *arguments, **variables: run_command(*arguments, artifacts=tmp_path / "artifacts", **variables)


def test_generate_says_what_it_chose_and_is_clean_under_strict(command: Command) -> None:
    result = command("zsl-semantics", "generate", *PRECOG, "--strict", "--json")
    assert "backend: compose (" in result.stderr
    assert json.loads(succeeds(result))["card"]["summary"]["lint"] == {}


def test_dry_run_asks_nobody_and_needs_no_key(command: Command) -> None:
    options = ("--backend", "openai", "--model", "gpt-4o-mini", "--family", "spatial", "--dry-run")
    environment = {"OPENAI_API_KEY": ""}
    text = succeeds(command("zsl-semantics", "generate", *PRECOG, *options, **environment))
    assert "Action: right punch" in text and "would be asked" in text and "US $" in text
    document = json.loads(succeeds(command("zsl-semantics", "generate", *PRECOG, *options, "--json", **environment)))
    assert len(document["calls"]) == 8 * 3
    assert document["estimate"][0]["cost"] > 0


def test_lint_strict_fails_on_a_bad_text(command: Command) -> None:
    assert "no findings" in succeeds(command("zsl-semantics", "lint", *PRECOG, "--strict"))
    edited = command("zsl-semantics", "edit", *PRECOG, "0", "--slot", "motion", "--text", "He is happy.", "--insist")
    assert "edited" in succeeds(edited)
    bank = ("--bank", "precog-curated")
    assert json.loads(succeeds(command("zsl-semantics", "lint", *PRECOG, *bank, "--json")))["findings"]
    assert command("zsl-semantics", "lint", *PRECOG, *bank, "--strict").returncode == 5


def test_edit_approve_reject_and_generate_anew(command: Command) -> None:
    edited = command("zsl-semantics", "edit", *PRECOG, "0", "--slot", "motion", "--text", TEXT, "--by", "Eva")
    assert "its curated copy is" in edited.stderr
    before = json.loads(succeeds(command("zsl-semantics", "show", *PRECOG, "1", "--slot", "spatial.fine", "--json")))
    fine = before["slots"]["spatial.fine"]
    reject = ("zsl-semantics", "reject", *PRECOG, "1", "--slot", "spatial.fine", "--index", "2")
    succeeds(command(*reject, "--reason", "not seen in the clips"))
    succeeds(command("zsl-semantics", "approve", *PRECOG, "2", "--slot", "temporal"))
    again = command("zsl-semantics", "generate", *PRECOG, "--keep", "precog-curated", "--json")
    bank = ("--bank", json.loads(succeeds(again))["path"])
    shown = succeeds(command("zsl-semantics", "show", *PRECOG, "0", "--slot", "motion", *bank))
    assert f"{TEXT}  [edited]" in shown
    after = json.loads(succeeds(command("zsl-semantics", "show", *PRECOG, "1", *bank, "--json")))["slots"]
    assert fine[2] not in after["spatial.fine"] and len(after["spatial.fine"]) == 10


def test_a_change_that_is_refused_leaves_no_copy(command: Command, tmp_path: Path) -> None:
    edit = ("zsl-semantics", "edit", *PRECOG)
    refused(command(*edit, "0", "--slot", "motion", "--text", "lower case no stop"), 3, "the text was refused")
    refused(command(*edit, "right kick off", "--slot", "motion", "--text", TEXT), 2, "unknown class")
    refused(command("zsl-semantics", "approve", *PRECOG, "0", "--slot", "mtion"), 2, "unknown slot")
    refused(command(*edit, "99", "--editor", "true"), 2, "there is no class 99")
    assert not (tmp_path / "artifacts" / "banks" / "precog-curated").exists()


def test_editor_round_trip(command: Command, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "s/^The right fist.*/' + TEXT + "/; s/^[A-Z].*$/" + TEXT + '/" "$1"\n')
    editor.chmod(0o755)
    result = command("zsl-semantics", "edit", *PRECOG, "0", "--slot", "motion", EDITOR=os.fspath(editor), VISUAL="")
    assert TEXT in succeeds(result)


def test_table_round_trip(command: Command, tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    succeeds(command("zsl-semantics", "export", *PRECOG, str(table)))
    rows = list(csv.DictReader(table.open(encoding="utf-8", newline="")))
    next(row for row in rows if row["slot"] == "motion" and row["class"] == "0")["text"] = TEXT
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    changed = json.loads(succeeds(command("zsl-semantics", "edit", *PRECOG, "--csv", str(table), "--json")))["changed"]
    assert [row["text"] for row in changed] == [TEXT]
    assert command("zsl-semantics", "export", *PRECOG, str(table)).returncode != 0, "a file is not replaced in silence"
    imported = json.loads(succeeds(command("zsl-semantics", "import", *PRECOG, str(table), "--json")))
    differing = succeeds(command("zsl-semantics", "diff", *PRECOG, "precog-compose", imported["path"]))
    assert "motion: 8 -> 8 texts; 1 changed in 1 classes" in differing


def test_vectors_leave_and_come_back(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    succeeds(command("zsl-semantics", "export", *PRECOG, str(folder), "--format", "npy", "--encoder", "hashing"))
    source = (folder / "motion.npy").rename(tmp_path / "lonely.npy")
    bring = ("zsl-semantics", "import", *PRECOG, "--embeddings", f"motion={source}", "--encoder", "mine")
    assert "--names-file" in command(*bring).stderr, "nobody has said which row is which class"
    made = json.loads(succeeds(command(*bring, "--trust-order", "--json")))
    assert made["card"]["config"]["encoder"]["name"] == "mine"


def test_report_is_one_page(command: Command, tmp_path: Path) -> None:
    page = tmp_path / "bank.html"
    succeeds(command("zsl-semantics", "report", *PRECOG, "--encoder", "hashing", "--out", str(page)))
    html = page.read_text()
    assert html.startswith("<!doctype html>") and "right punch" in html and 'src="http' not in html


def test_new_version_of_a_prompt(command: Command, tmp_path: Path) -> None:
    mine = tmp_path / "prompts"
    path = Path(succeeds(command("zsl-semantics", "new-version", "motion", "--to", str(mine))).strip())
    assert path == mine / "motion" / "v2"
    assert "version: v2" in (path / "card.yaml").read_text()
    generated = command("zsl-semantics", "generate", *PRECOG, "--prompts", str(mine), "--family", "motion", "--json")
    assert json.loads(succeeds(generated))["card"]["config"]["families"]["motion"]["version"] == "v2"


OWN = """
name: own
title: "Own data"
synthetic: false
layout: ntu-25
fps: 30
persons: 1
classes:
  - {code: "1", name: "hand waving"}
  - {code: "2", name: "polish a window"}
protocols:
  xsub: {by: subject, train: [1]}
default_protocol: xsub
"""


def test_facts_of_an_own_data_set_are_drafted(command: Command, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "own.yaml").write_text(OWN)
    draft = tmp_path / "facts.yaml"
    options = ("--dataset", "own", "--catalog", str(tmp_path / "catalog"), "--out", str(draft), "--json")
    document = json.loads(succeeds(command("zsl-semantics", "facts", *options)))
    assert (document["known"], document["missing"]) == (["hand waving"], ["polish a window"])
    assert "same_as" in draft.read_text()
    assert command("zsl-semantics", "facts", *options).returncode == 2, "a draft may have been corrected"


def test_unknown_names_are_told(command: Command) -> None:
    for arguments, message in (
        (("generate", *PRECOG, "--backend", "opnai"), "Did you mean 'openai'"),
        (("lint", *PRECOG, "--bank", "nowhere"), "nowhere"),
        (("generate", *PRECOG, "--top-p", "7"), "--top-p 7"),
        (("diff", *PRECOG, "precog-compose", "gone"), "gone"),
    ):
        result = command("zsl-semantics", *arguments)
        assert result.returncode in (2, 3) and message in result.stderr and "Traceback" not in result.stderr


def refused(result: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    assert result.returncode == code and "Traceback" not in result.stderr, result.stderr
    for text in texts:
        assert text in result.stderr


def test_places_that_cannot_be_written_are_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "own").mkdir()
    below = str(tmp_path / "file" / "texts.csv")
    refused(command("zsl-semantics", "export", *PRECOG, below), 3, f"{below} cannot be written", "OUT")
    refused(command("zsl-semantics", "export", *PRECOG, "/proc/texts.csv"), 3, "/proc/texts.csv cannot be written")
    refused(
        command("zsl-semantics", "facts", *PRECOG, "--out", "/proc/facts.yaml"), 3, "mend: name another place: --out"
    )
    folder = ("--out", str(tmp_path / "own"), "--force")
    refused(command("zsl-semantics", "facts", *PRECOG, *folder), 3, "mend: name another place: --out FILE")
    refused(command("zsl-semantics", "new-version", "motion", "--to", str(tmp_path / "file")), 3, "--to DIR")


def test_a_result_that_cannot_be_printed_is_an_error(made: Path) -> None:
    show = shlex.join(command_line("zsl-semantics", "show", *PRECOG, "0"))
    for where in (">&-", ">/dev/full"):
        line = ["bash", "-c", f"{show} {where}"]
        result = subprocess.run(line, env=environment(made), capture_output=True, text=True, check=False)
        refused(result, 3, "the result cannot be printed")


def test_nothing_is_opened_without_a_terminal(command: Command) -> None:
    result = command("zsl-semantics", "edit", *PRECOG, "0", EDITOR="", VISUAL="")
    refused(result, 2, "there is no terminal", "--text")
    assert result.stdout == ""


def test_what_an_editor_prints_is_not_the_result(command: Command, tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text("#!/bin/sh\necho hello\n")
    editor.chmod(0o755)
    edited = command("zsl-semantics", "edit", *PRECOG, "0", "--editor", str(editor), "--json")
    assert json.loads(succeeds(edited))["changed"] == []


def test_one_way_to_change_texts_at_a_time(command: Command) -> None:
    edit = ("zsl-semantics", "edit", *PRECOG)
    refused(command(*edit, "0", "--text", TEXT, "--csv", "t.csv"), 2, "--text and --csv are two ways")
    refused(command(*edit, "0", "--csv", "t.csv"), 2, "leave out the class")


def test_the_same_command_as_it_was_typed_mends(command: Command, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "own.yaml").write_text(OWN)
    generate = ("zsl-semantics", "generate", "--dataset", "own", "--catalog", str(tmp_path / "catalog"))
    refused(command(*generate, "--backend", "openai"), 2, f"mend: {' '.join(generate)} --backend openai --model NAME")
    refused(command(*generate), 3, "zsl-semantics facts --dataset own", "--facts semantics")


def test_refresh_does_not_pass_over_a_finished_bank_in_silence(command: Command) -> None:
    result = command("zsl-semantics", "generate", *PRECOG, "--refresh", "--backend", "compose")
    refused(result, 2, "is finished", "mend: sample another bank: zsl-semantics generate --dataset precog --backend")
    assert "--refresh" not in result.stderr.partition("mend:")[2]


def test_dry_run_without_a_model_costs_nothing(command: Command) -> None:
    result = command("zsl-semantics", "generate", *PRECOG, "--dry-run", "--family", "motion")
    assert "no model is asked" in succeeds(result) and "unknown" not in result.stdout
    other = command("zsl-semantics", "generate", *PRECOG, "--dry-run")
    assert "is finished" in other.stderr


def test_a_folder_without_prompts_is_no_empty_bank(command: Command, tmp_path: Path) -> None:
    refused(command("zsl-semantics", "generate", *PRECOG, "--prompts", str(tmp_path)), 2, "holds no prompt families")


def test_composed_texts_need_no_recording(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    result = command("zsl-semantics", "record", *PRECOG, "--bank", "precog-compose", "--out", str(out))
    refused(result, 3, "nothing to record", "no model was asked")
    replay = ("zsl-semantics", "generate", *PRECOG, "--recording", str(out))
    refused(command(*replay), 3, "there is no such file", "zsl-semantics record --dataset precog")


def test_export_knows_all_its_formats(command: Command, tmp_path: Path) -> None:
    result = command("zsl-semantics", "export", *PRECOG, str(tmp_path / "out"), "--format", "npz")
    refused(result, 2, "unknown format 'npz'. Did you mean 'npy'?", "safetensors")


def test_list_shows_what_is_the_users_own(command: Command, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "own.yaml").write_text(OWN)
    listed = json.loads(succeeds(command("zsl-semantics", "list", "--catalog", str(tmp_path / "catalog"), "--json")))
    assert "own" in listed["datasets"]
    assert [name.rpartition("-")[0] for name in listed["banks"]] == ["precog-compose"]
