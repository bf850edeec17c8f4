"""Exports: whole or not there, checked before they are used, never overwritten in silence."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from toy_methods import run_config
from zsl_skeleton import load
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.prediction import contents
from zsl_skeleton.prediction.export import ExportOptions, export_run, stored_export
from zsl_skeleton.training.train import train

Copied = Callable[[], Path]
QUICK = ExportOptions(draws=2, device="cpu")


def changed(folder: Path, **values: object) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return folder


def test_an_export_holds_texts_cards_and_lineage_in_safetensors_and_json(world) -> None:
    folder = world.export("ridge")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    cards = {f"cards/{role}.json" for role in ("run", "features", "skeletons", "backbone", "embeddings", "bank")}
    assert files == cards | {
        *("export.json", "lineage.json", "texts.json", "report.json"),
        *("method.safetensors", "backbone.safetensors", "classes.safetensors"),
    }
    assert set(json.loads((folder / "export.json").read_text())["files"]) == files - {"export.json"}
    assert set(json.loads((folder / "texts.json").read_text())["slots"]) == {"codebook", "motion"}


def test_the_same_run_gives_the_same_bytes(world, tmp_path: Path) -> None:
    again = export_run(world.source("ridge"), tmp_path / "again", QUICK)
    for path in world.export("ridge").rglob("*.*"):
        assert path.read_bytes() == (again / path.relative_to(world.export("ridge"))).read_bytes(), path


def test_nothing_is_overwritten_in_silence(world, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for options in (QUICK, replace(QUICK, overwrite=True)):
        with pytest.raises(InputError, match="exists"):
            export_run(world.source("ridge"), tmp_path / "mine", options)
    out = export_run(world.source("ridge"), tmp_path / "out", QUICK)
    with pytest.raises(InputError, match="exists"):
        export_run(world.source("ridge"), out, QUICK)
    (out / "texts.json").unlink()
    assert load(export_run(world.source("ridge"), out, replace(QUICK, overwrite=True)), "cpu").manifest.names


def test_a_full_disk_leaves_nothing_behind(world, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(contents, "_write_cards", full)
    with pytest.raises(OSError, match="No space"):
        export_run(world.source("ridge"), tmp_path / "out", QUICK)
    assert not list(tmp_path.iterdir())


def test_a_run_with_altered_texts_is_no_classifier(world, tmp_path: Path) -> None:
    run = train(world.store, world.task("ridge"), run_config("ridge", control="shuffled"))
    with pytest.raises(UsageError, match="cannot be exported"):
        export_run(replace(world.source("ridge"), run=run), tmp_path / "out", QUICK)


def test_an_export_in_the_store_is_found_again(world) -> None:
    made = stored_export(world.source("ridge"), QUICK)
    assert stored_export(world.source("ridge"), QUICK).card.made == made.card.made
    assert load(made.path, "cpu").manifest.run == world.run("ridge").path.name


@pytest.mark.parametrize("name", ["method.safetensors", "backbone.safetensors", "classes.safetensors", "texts.json"])
def test_a_changed_a_cut_and_a_missing_file_are_refused(copied: Copied, name: str) -> None:
    path = copied() / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match="was changed"):
        load(path.parent)
    path.write_bytes(content[:-1])
    with pytest.raises(InputError, match="damaged"):
        load(path.parent)
    path.unlink()
    with pytest.raises(InputError, match="damaged"):
        load(path.parent)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"version": 2}, "cannot be read"),
        ({"surprise": 1}, "not a valid description"),
        ({"slots": ["motion"]}, "contradicts itself"),
        ({"recipe": {"name": "aimclr-50", "version": 99, "persons": 1}}, "version 99"),
        ({"recipe": {"name": "nobody's", "version": 1, "persons": 1}}, "unknown here"),
        ({"files": {}}, "does not list"),
        ({"files": {"../outside": {"sha256": "0", "bytes": 1}}}, "outside"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(copied: Copied, values: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(changed(copied(), **values))


def test_weights_of_other_sizes_are_refused(copied: Copied) -> None:
    folder = copied()
    method = json.loads((folder / "export.json").read_text())["method"] | {"text": 7}
    with pytest.raises(InputError, match="do not fit"):
        load(changed(folder, method=method))


def test_a_folder_that_is_no_export_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not an export"):
        load(tmp_path)
