"""Study files: what they may say, and what is said about those that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.studies.grid import World, expand
from zsl_skeleton.studies.loading import EXAMPLE, load_study


def test_the_example_is_a_study_of_1020_runs(tmp_path: Path) -> None:
    runs = expand(load_study(EXAMPLE), World(tmp_path))
    assert len(runs) == 2 * 5 * (2 + 5 * (5 + 7 + 2 * 4))
    assert len({run.id for run in runs}) == len(runs)
    assert {run.config.gzsl for run in runs if run.config.control == "none"} == {True}


def test_short_and_long_spellings_mean_the_same(tmp_path: Path) -> None:
    short, long = tmp_path / "short.yaml", tmp_path / "long.yaml"
    short.write_text("runs: {methods: 'mla:paper, ridge', datasets: demo, splits: random_1, seeds: 0..2}\n")
    long.write_text(
        "common: {datasets: [demo], seeds: [9]}\n"
        "runs:\n  - methods: [{method: MLA, preset: paper}, {method: ridge}]\n    splits: [random-1]\n"
        "    seeds: [0, 1, 2]\n"
    )
    files = [load_study(path) for path in (short, long)]
    assert [file.study.name for file in files] == ["short", "long"]
    first, second = ([run.id for run in expand(file, World(tmp_path))] for file in files)
    assert first == second
    assert len(first) == 6


def test_a_run_that_two_blocks_name_is_one_run(written: Callable[..., Path], tmp_path: Path) -> None:
    blocks = {"methods": "ridge", "seeds": "0..2"}, {"methods": ["ridge", "eszsl"], "seeds": [2, 3]}
    file = load_study(written(*blocks, banks=[]))
    names = [f"{run.config.method}{run.config.seed}" for run in expand(file, World(tmp_path))]
    assert names == ["ridge0", "ridge1", "ridge2", "ridge3", "eszsl2", "eszsl3"]


_BLOCK = "runs:\n  - methods: ridge\n    datasets: demo\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("runs: []\n", "line 1, runs: "),
        (f"{_BLOCK}    splitz: random-1\n", "line 4, runs[0].splitz: Extra"),
        (f"common:\n  seeds: 0..x\n{_BLOCK}", "line 2, runs[0].seeds: write 0"),
        ("runs:\n  - methods: ridge\n", "line 2, runs[0].datasets: Field required"),
        (f"{_BLOCK}    controls: [shufled]\n", "line 4, runs[0].controls[0]: Input"),
        (f"{_BLOCK}    datasets: demo\n", "line 4: 'datasets' stands there twice"),
        ("runs:\n  - {methods: ridge, datasets: demo, embeddings: e, banks: b}\n", "line 2, runs[0]: embeddings were"),
        ("[1, 2]\n", "is no mapping"),
        ("", "is no mapping"),
        ("runs: [\n", "is not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_field_and_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_study(path)
    assert told in str(error.value)
    assert "bad.yaml" in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        load_study(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("block", "kind", "told"),
    [
        ("methods: [ridge, mlaa]", UsageError, "line 4, runs[0].methods[1]: unknown method 'mlaa'. Did you mean 'mla'"),
        ("methods: {method: ridge, set: {epochs: 3}}", UsageError, "methods[0]: unknown setting of ridge 'epochs'"),
        ("methods: mla:papper", UsageError, "unknown preset of mla 'papper'. Did you mean 'paper'"),
        ("{methods: mla, presets: tuned}", UsageError, "runs[0].methods[0]: unknown preset of mla 'tuned'"),
        ("{methods: mla, datasets: dmo}", UsageError, "runs[0].datasets[0]: unknown dataset 'dmo'"),
        ("{methods: mla, splits: [random-1, random-99]}", UsageError, "line 4, runs[0].splits[1]: unknown split"),
        ("{methods: mla, protocols: xviw}", UsageError, "runs[0].protocols[0]: unknown protocol of demo"),
        ("{methods: mla, backbones: st-gnn}", UsageError, "runs[0].backbones[0]: unknown backbone"),
        ("{methods: mla, encoders: minlm}", UsageError, "runs[0].encoders[0]: unknown encoder"),
        ("{methods: mla, banks: nobank}", InputError, "runs[0].banks[0]: "),
        ("{methods: mla, embeddings: none}", InputError, "runs[0].embeddings[0]: there is no artifact 'none'"),
        ("{methods: mla, validation_features: f}", InputError, "runs[0].validation_features: there is no artifact"),
    ],
)  # fmt: skip
def test_unknown_names_are_found_before_anything_runs(
    tmp_path: Path, block: str, kind: type[Exception], told: str
) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"common:\n  datasets: demo\nruns:\n  - {block}\n")
    with pytest.raises(kind) as error:
        expand(load_study(path), World(tmp_path / "artifacts"))
    assert told in str(error.value)
    assert not (tmp_path / "artifacts").exists()
