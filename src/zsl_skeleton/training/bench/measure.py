"""Times the real training loop, the real evaluation and their parts, and says under what they were timed."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zsl_skeleton.evaluation.gzsl import curve, margins
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods.base import Batch, Method
from zsl_skeleton.training.bench.report import BenchReport
from zsl_skeleton.training.bench.scene import Scene, make_scene
from zsl_skeleton.training.bench.stopwatch import Laps, Stopwatch, peak_device, peak_rss
from zsl_skeleton.training.config import RunConfig, TrainConfig
from zsl_skeleton.training.data import Clips
from zsl_skeleton.training.device import training_device
from zsl_skeleton.training.job import build_method
from zsl_skeleton.training.loop import Plan, epoch_order, fit

_WARM_UP, _FEWEST, _MOST = 3, 12, 400
_CLIPS, _CLASSES = 64, 12  # of the parts of an evaluation that are timed by themselves
_ENVIRONMENT = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "OMP_", "MKL_", "KMP_", "PYTORCH_")
_NO_RATE = 1e-12  # steps cost the same at any rate, and on random data a real one may diverge


@dataclass(frozen=True)
class BenchOptions:
    """What is timed besides the run's method and settings.

    Args:
        size: key of :data:`zsl_skeleton.training.bench.scene.SIZES`.
        threads: of the processor; None = as torch would.
        seconds: about how long each thing is repeated.
        full: run a whole epoch instead of extrapolating from its steps.
    """

    size: str = "ntu60"
    threads: int | None = None
    seconds: float = 6.0
    full: bool = False


@dataclass(frozen=True, kw_only=True)
class _WatchedClips(Clips):
    """Clips that start a lap whenever the loop asks for a batch."""

    laps: Laps
    last_epoch: int = 0
    first_step: int = 0

    def batch(self, rows: Tensor, epoch: int, step: int = 0) -> Batch:
        self.laps.next()
        # The last steps of the last epoch: every term of a loss that is switched on late is on.
        return super().batch(rows, self.last_epoch, self.first_step + step)


@dataclass(frozen=True)
class _Training:
    """Seconds of a step and of an epoch, and the steps they come from."""

    step: float
    epoch: float
    timed: int
    steps: int
    measured: bool = False


def bench(run: RunConfig, options: BenchOptions) -> BenchReport:
    """Time the training step, an epoch and the evaluation of ``run``'s method.

    Raises:
        UsageError: an unknown method, preset, setting, size or device.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    device = training_device(run.device)
    scene = make_scene(run, options.size, device)
    watch = Stopwatch(device)
    method = build_method(scene.settings, scene.clips, run.seed)
    training = _train(method, scene, watch, options)
    training_peak = peak_rss()
    scored = min(scene.counts.unseen_test, len(scene.clips))
    features = {name: value[:scored] for name, value in scene.clips.features.items()}
    seconds = watch.median(lambda: class_scores(method, features, scene.unseen, run.seed), options.seconds)
    peaks = peak_rss(), peak_device(device)
    rows = _rows(method, scene, watch, options.seconds)
    unit = watch.unit_seconds
    return BenchReport(
        **_conditions(run, scene, options.size),
        peak_rss_bytes=peaks[0],
        peak_device_bytes=peaks[1],
        device=str(device),
        unit_seconds=unit,
        step_units=training.step / unit,
        epoch_units=training.epoch / unit,
        evaluate_units=seconds / unit * scene.counts.unseen_test / scored,
        training_peak_rss_bytes=training_peak,
        rows={name: value / unit for name, value in rows.items()},
        parameters=sum(parameter.numel() for parameter in method.parameters()),
        steps_timed=training.timed,
        epoch_steps=training.steps,
        epoch_measured=training.measured,
        test_clips_scored=scored,
    )


def _conditions(run: RunConfig, scene: Scene, size: str) -> dict[str, Any]:
    """The fields of a report that are no measurement: what is measured, and under what."""
    counts, held = scene.counts, len(scene.clips)
    table = sum(value.nbytes for value in scene.clips.features.values())
    return {
        "method": scene.settings.name,
        "size": size,
        "dtype": _dtype(scene.settings.train),
        "preset": run.preset,
        "overrides": run.overrides,
        "threads": torch.get_num_threads(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_ENVIRONMENT)},
        "batch": scene.settings.train.batch if scene.settings.train else None,
        "training_clips": counts.seen_train,
        "training_clips_held": held,
        "table_bytes": table,
        "full_table_bytes": table // held * counts.seen_train,
        "test_clips": counts.unseen_test,
    }


def _dtype(config: TrainConfig | None) -> str:
    """Of the steps' arithmetic; everything else is float32."""
    precision = config.matmul_precision if config else "highest"
    return "float32" if precision == "highest" else f"float32, steps with products of {precision} precision"


def _train(method: Method, scene: Scene, watch: Stopwatch, options: BenchOptions) -> _Training:
    """Seconds of a step and of an epoch."""
    config = scene.settings.train
    if config is None:
        step = watch.median(lambda: build_method(scene.settings, scene.clips, 0), options.seconds)
        return _Training(step, step, timed=0, steps=1)
    clips, generator = scene.counts.seen_train, torch.Generator(watch.device).manual_seed(0)
    start = watch.now()
    order = epoch_order(clips, config, generator)
    ordering = watch.now() - start
    steps = -(-len(order) // min(config.batch, clips))
    pilot = _laps(method, scene.clips, config, (_WARM_UP, steps), watch)
    wanted = round(options.seconds / statistics.median(pilot))
    timed = steps if options.full else min(max(wanted, _FEWEST), _MOST)
    laps = _laps(method, scene.clips, config, (timed + _WARM_UP, steps), watch)[_WARM_UP:]
    step = statistics.median(laps)
    epoch = (sum(laps) if options.full else step * steps) + ordering
    return _Training(step, epoch, timed=timed, steps=steps, measured=options.full)


def _laps(method: Method, clips: Clips, config: TrainConfig, steps: tuple[int, int], watch: Stopwatch) -> list[float]:
    """Seconds of every step of the loop's, for ``steps`` = (those to do, those of an epoch)."""
    laps, (count, epoch_steps) = Laps(watch), steps
    count = -(-count // watch.block) * watch.block
    config = config.model_copy(update={"steps": count, "learning_rate": _NO_RATE})
    watched = _WatchedClips(
        **vars(clips), laps=laps, last_epoch=config.epochs - 1, first_step=max(epoch_steps - count, 0)
    )
    fit(method, watched, config, Plan(seed=0, stop=1, label="steps"))
    laps.end()
    return laps.seconds


def _rows(method: Method, scene: Scene, watch: Stopwatch, seconds: float) -> dict[str, float]:
    """Seconds of parts of the evaluation."""
    generator = torch.Generator(watch.device)
    text = scene.clips.text.select(torch.arange(_CLASSES, device=watch.device))
    features = {name: value[:_CLIPS] for name, value in scene.clips.features.items()}
    clips = scene.counts.unseen_test + scene.counts.seen_test
    labels = np.arange(clips) % scene.classes
    seen = np.isin(np.arange(scene.classes), scene.clips.classes)
    scores = np.random.default_rng(0).random((clips, scene.classes), dtype=np.float32)
    with torch.no_grad():
        state = method.prepare(text, generator.manual_seed(0))
        prepared = watch.median(lambda: method.prepare(text, generator.manual_seed(0)), seconds)
    with torch.inference_mode():
        scored = watch.median(lambda: method.scores(features, state), seconds)
    return {
        f"prepare {_CLASSES} classes": prepared,
        f"score {_CLIPS} clips x {_CLASSES} prepared classes": scored,
        f"constants {clips} clips x {scene.classes} classes": watch.median(
            lambda: curve(margins(scores, labels, seen)), seconds
        ),
    }
