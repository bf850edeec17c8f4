"""The bench: what it times is the real loop, and what it says about memory and sizes is true."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import UsageError
from zsl_skeleton.methods import METHODS
from zsl_skeleton.methods.mla import MLA
from zsl_skeleton.training.bench import scene as scene_module
from zsl_skeleton.training.bench.measure import BenchOptions, bench
from zsl_skeleton.training.bench.report import render_bench
from zsl_skeleton.training.bench.scene import SIZES, clip_counts, make_scene
from zsl_skeleton.training.bench.stopwatch import Laps, Stopwatch, peak_rss
from zsl_skeleton.training.config import RunConfig

CPU = torch.device("cpu")
SMALL = ("hidden=[16,8]", "series=[1,3]", "batch=512")
FIELDS = {
    *("method", "size", "device", "dtype", "unit_seconds", "step_units", "epoch_units", "evaluate_units"),
    *("peak_rss_bytes", "peak_device_bytes"),
}


def run_of(method: str, *overrides: str) -> RunConfig:
    return RunConfig(method=method, preset="paper", overrides=overrides, device="cpu")


def test_a_bench_times_the_steps_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Counter[str]()
    original = MLA.losses

    def slow(self: MLA, batch):  # type: ignore[no-untyped-def]
        calls["losses"] += 1
        calls["epoch", batch.epoch] += 1  # type: ignore[index]
        time.sleep(0.05)
        return original(self, batch)

    monkeypatch.setattr(MLA, "losses", slow)
    report = bench(run_of("mla", *SMALL, "epochs=7"), BenchOptions("pku", threads=1, seconds=0))
    found = report.as_json()
    assert set(found) >= FIELDS
    assert report.step_units * report.unit_seconds >= 0.05
    assert report.steps_timed == 12 < calls["losses"]
    assert calls["epoch", 6] == calls["losses"]  # type: ignore[index]
    assert report.epoch_steps == -(-report.training_clips // 512) == 34
    assert report.epoch_units == pytest.approx(34 * report.step_units, rel=0.1)
    assert not report.epoch_measured
    assert report.evaluate_units > 0
    assert all(value > 0 for value in report.rows.values())
    assert report.peak_rss_bytes >= report.training_peak_rss_bytes > 2**27
    assert (report.threads, report.batch, report.dtype, report.device) == (1, 512, "float32", "cpu")
    text = render_bench(report)
    assert "extrapolated from 12 steps" in text
    assert "peak memory" in text


def test_a_full_epoch_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench(run_of("mla", *SMALL, "batch=4096"), BenchOptions("pku", seconds=0, full=True))
    assert (report.epoch_steps, report.steps_timed, report.epoch_measured) == (5, 5, True)
    assert report.epoch_units == pytest.approx(5 * report.step_units, rel=1)


def test_a_bench_says_how_exact_the_products_of_its_steps_are() -> None:
    report = bench(run_of("mla", *SMALL, "batch=4096", "matmul_precision=medium"), BenchOptions("pku", seconds=0))
    assert report.dtype == "float32, steps with products of medium precision"
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_closed_form_method_is_one_step() -> None:
    report = bench(run_of("ridge"), BenchOptions("pku", seconds=0))
    assert report.step_units == report.epoch_units > 0
    assert (report.batch, report.epoch_steps) == (None, 1)
    text = render_bench(report)
    assert "closed form" in text
    assert "epoch" not in text


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_data_are_what_the_method_asks_for_in_the_true_size(name: str) -> None:
    scene = make_scene(run_of(name), "ntu60", CPU)
    assert set(scene.clips.features) == set(scene.settings.method.needed_inputs)
    assert set(scene.clips.text.slots) == set(scene.settings.method.needed_slots)
    assert scene.counts.seen_train == 36758
    assert scene.counts.unseen_test == 1368
    assert scene.clips.sizes.classes == 55
    assert {len(value) for value in scene.unseen.slots.values()} == {5}
    held = sum(value.nbytes for value in scene.clips.features.values())
    assert held <= scene_module._LARGE_TABLE
    assert len(scene.clips) == 36758 or held > 0.9 * scene_module._PART_TABLE
    assert scene.clips.labels.unique().tolist() == list(range(55))


@pytest.mark.parametrize(("size", "seen", "train"), [("ntu120", 110, 57767), ("pku", 46, 16994)])
def test_the_other_sizes(size: str, seen: int, train: int) -> None:
    dataset_name, split_name = SIZES[size]
    dataset = load_dataset(dataset_name)
    split = dataset.split(split_name)
    assert len(dataset.seen(split)) == seen
    assert clip_counts(dataset, split).seen_train == train


def test_clips_that_are_not_held_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_module, "_LARGE_TABLE", 0)
    monkeypatch.setattr(scene_module, "_PART_TABLE", 100 * 4 * 256)
    report = bench(run_of("mla", *SMALL, "batch=32"), BenchOptions("pku", seconds=0))
    assert (report.training_clips_held, report.training_clips, report.test_clips_scored) == (100, 16994, 100)
    assert report.full_table_bytes == 16994 * 4 * 256
    text = render_bench(report)
    assert "100 of 16994 training clips were held" in text
    assert "extrapolated from 100 clips" in text


def test_what_cannot_be_benched_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown size"):
        make_scene(run_of("mla"), "ntu61", CPU)
    with pytest.raises(UsageError, match="unknown method"):
        make_scene(run_of("mlp"), "pku", CPU)
    with pytest.raises(UsageError, match="clips"):
        make_scene(run_of("smie", "temporal=clips"), "pku", CPU)


def test_laps_leave_out_the_units(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    times, units = [0.0], []
    watch = Stopwatch(CPU)
    monkeypatch.setattr(watch, "now", lambda: times[-1])
    monkeypatch.setattr(watch, "unit", lambda: (units.append(next(clock)), times.append(times[-1] + 10.0)))
    laps = Laps(watch)
    for _ in range(6):  # steps of 20 ms: read after the third of them, and at the end
        laps.next()
        times.append(times[-1] + 0.02)
    laps.end()
    assert laps.seconds == pytest.approx([0.02] * 6)
    assert len(units) == 2


def test_the_peak_is_that_of_this_process_alone() -> None:
    block = bytearray(400 * 2**20)  # the parent's peak must not be the child's
    block[:: 2**12] = b"x" * len(block[:: 2**12])
    code = "from zsl_skeleton.training.bench.stopwatch import peak_rss; print(peak_rss())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert peak_rss() > 400 * 2**20
    if Path("/proc/self/status").is_file():
        assert 2**26 < int(child.stdout) < 400 * 2**20
