"""``zsl-train export | predict | lineage`` as a user types them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from zsl_skeleton.errors import UsageError, ZslError
from zsl_skeleton_cli import predict as commands

Command = Callable[..., str]


@pytest.fixture
def command(world, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``command("predict", ...) -> stdout``, in the world's store and catalog."""
    app = typer.Typer()
    for name in ("export", "predict", "lineage", "tensorboard"):
        app.command(name)(getattr(commands, name))
    monkeypatch.setenv("ZSL_ARTIFACTS", str(world.store.root))
    monkeypatch.setenv("ZSL_CATALOG", str(world.catalog))

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(result.exception, ZslError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture
def recordings(world, tmp_path: Path) -> Path:
    """Test clips of two unseen classes as an npz of one's own."""
    names = [name for name in world.recordings if name[1] in "25" and name[4] in "34"]
    columns = {key: [int(n.split("_")[i][1:]) for n in names] for i, key in enumerate(("label", "subject"))}
    frames = np.stack([world.recordings[name] for name in names])
    np.savez(tmp_path / "clips.npz", frames=frames, lengths=[20] * len(names), names=np.array(names), **columns)
    return tmp_path


def test_several_names_follow_one_option(world, command: Command, recordings: Path) -> None:
    names = ("tie shoe laces", "wave with both hands", "juggle")
    where = ("predict", world.export("ridge"), "--root", recordings)
    for words in (
        ("--classes", *names, "--top", 2),
        tuple(word for name in names for word in ("--classes", name)),
    ):
        document = json.loads(command(*where, *words, "--json"))
        assert sorted(entry["name"] for entry in document["classes"]) == sorted(names)
        assert len(document["clips"]) == 8
    with pytest.raises(UsageError, match="is not expected here"):
        command(*where, "tie shoe laces")


def test_a_run_is_exported_first_and_its_accuracy_measured(world, command: Command, recordings: Path) -> None:
    words = ("predict", world.run("eszsl").path.name, "--root", recordings, "--classes", "unseen", "--device", "cpu")
    document = json.loads(command(*words, "--labels-from", "moves", "--json"))
    assert document["measured"]["clips"] == 8 and document["measured"]["chance"] == 0.5
    assert world.store.all("exports")
    assert "calibration error" in command(*words, "--labels-from", "moves", "--clips", 2)


def test_the_table_has_a_line_for_every_clip_and_rank(world, command: Command, recordings: Path) -> None:
    words = ("predict", world.export("ridge"), "--root", recordings, "--format", "npz", "--top", 2, "--csv")
    rows = list(csv.DictReader(io.StringIO(command(*words))))
    assert len(rows) == 8 * 2
    assert rows[0].keys() == {"clip", "rank", "class", "probability", "score"}


def test_export_says_how_far_probabilities_can_be_believed(world, command: Command, tmp_path: Path) -> None:
    run = world.run("ridge").path.name
    text = command("export", run, "--out", tmp_path / "out", "--draws", 2, "--device", "cpu")
    assert "SYNTHETIC" in text and "ECE with 15 bins" in text and "unseen test clips" in text
    assert json.loads((tmp_path / "out" / "export.json").read_text())["calibration"]["draws"] == 2


def test_lineage_prints_the_tree_and_the_prompt_of_a_class(world, command: Command) -> None:
    run = world.run("ridge").path.name
    text = command("lineage", run, "--class", "kick")
    assert "skeletons/moves" in text and "Action: kick" in text
    document = json.loads(command("lineage", run, "--class", "kick", "--json"))
    assert document["unsound"] == [] and document["class"]["prompts"][0]["proven"]


def test_event_files_need_their_extra(world, command: Command, tmp_path: Path) -> None:
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"not installed") as caught:
            command("tensorboard", world.run("mla").path, "--out", tmp_path / "events")
        assert "[tensorboard]" in caught.value.mend
        return
    command("tensorboard", world.run("mla").path, "--out", tmp_path / "events")
    assert list((tmp_path / "events").rglob("events.out.*"))
