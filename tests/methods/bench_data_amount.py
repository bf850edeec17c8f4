"""Do the methods need more classes, or more clips, to beat the closed-form ridge? Run by hand, on real features:

    python tests/methods/bench_data_amount.py --artifacts artifacts --dataset utd-mhad

Every method is trained with its ``default`` settings but without the ridge that they add at test, on a share of the
seen classes or of each seen class's clips, for as many steps as on all of them. Beside it the ridge is solved on the
same clips and texts. Printed is how many points of zero-shot accuracy the method lies above the ridge, mean over
splits and drawn shares with a 95 % interval over the splits. Needs finished ``default`` runs of the methods, whose
features and class embeddings are used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zsl_skeleton.artifacts import Store
from zsl_skeleton.evaluation.scoring import accuracy, class_scores
from zsl_skeleton.evaluation.statistics import clustered_interval
from zsl_skeleton.files import write_json
from zsl_skeleton.pipeline import task_of
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.data import Clips
from zsl_skeleton.training.device import training_device
from zsl_skeleton.training.inputs import Inputs, Task
from zsl_skeleton.training.job import Job, build_method
from zsl_skeleton.training.loop import Plan, fit
from zsl_skeleton.training.settings import resolve_settings

METHODS = ("smie", "msf", "mla", "neuron")
SHARES = ((1.0, 1.0), (1.0, 0.5), (1.0, 0.25), (0.75, 1.0), (0.5, 1.0))
"""Of the seen classes, and of the clips of each."""


@dataclass(frozen=True)
class Row:
    """Accuracies in percent of a method and of the ridge, on the same clips and texts."""

    method: str
    split: str
    classes: float
    clips: float
    draw: int
    accuracy: float
    ridge: float


def main() -> None:
    options = _options()
    store, device = Store(options.artifacts), training_device("cpu")
    rows: list[Row] = []
    for name in options.methods:
        for task in _tasks(store, options.dataset, name):
            rows += _measured(name, task, device, options.draws)
            sys.stderr.write(f"{name} {task.split.name}: {len(rows)} trainings\n")
        sys.stdout.write(_table(name, [row for row in rows if row.method == name]))
    if options.out:
        write_json(options.out, [vars(row) for row in rows])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, required=True, help="store with finished default runs")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--draws", type=int, default=2, help="times that a share is drawn, with another seed each")
    parser.add_argument("--out", type=Path, help="JSON file with all figures")
    return parser.parse_args()


def _tasks(store: Store, dataset: str, method: str) -> Iterator[Task]:
    """What the finished default runs were made from, one per split."""
    wanted = {"dataset": dataset, "method": method, "preset": "default", "control": "none", "seed": 0, "gzsl": True}
    found = {run.card.config["split"]: run for run in store.find("runs", **wanted)}
    if not found:
        sys.exit(f"no default run of {method} in {store.root}: zsl-train --method {method} --dataset {dataset} --gzsl")
    for _, run in sorted(found.items()):
        yield task_of(store, None, run)


def _measured(name: str, task: Task, device: torch.device, draws: int) -> Iterator[Row]:
    """One row per share and draw."""
    settings = resolve_settings(_run(name, ("linear_weight=0",)), task.dataset.name)
    slots = ", ".join(settings.method.needed_slots)
    ridge = resolve_settings(_run("ridge", (f"text=[{slots}]",)), task.dataset.name)
    both = [Inputs.open(task, each, {"control": "none", "seed": 0}, device) for each in (settings, ridge)]
    for classes, clips in SHARES:
        for draw in range(draws if clips * classes < 1 else 1):
            pair = (_trained(inputs, (classes, clips, draw)) for inputs in both)
            yield Row(name, task.split.name, classes, clips, draw, *pair)


def _run(method: str, overrides: Sequence[str]) -> RunConfig:
    return RunConfig(method=method, overrides=tuple(overrides))


def _trained(inputs: Inputs, share: tuple[float, float, int]) -> float:
    """Percent of the unseen classes' test clips that are named rightly after training on a share of the rest."""
    settings = inputs.settings
    job = inputs.job(_run(settings.name, ()), Path("unused"))  # no checkpoint is written
    part = _part(job, *share)
    method = build_method(settings, part, seed=share[2])
    if settings.train is not None:
        steps = -(-len(job.seen) // settings.train.batch) if settings.train.steps is None else settings.train.steps
        config = settings.train.model_copy(update={"steps": steps})
        fit(method, part, config, Plan(seed=share[2], stop=config.epochs))
    return 100 * accuracy(class_scores(method, inputs.test.features, inputs.test.text), inputs.test.labels)


def _part(job: Job, classes: float, clips: float, draw: int) -> Clips:
    """Clips of a share of the classes, and of these classes' clips the same share each."""
    generator = np.random.default_rng(draw)
    count = round(classes * len(job.classes))
    part = job.clips(tuple(sorted(generator.choice(job.classes, count, replace=False).tolist())))
    if clips == 1.0:
        return part
    labels = part.labels.numpy()
    chosen = [generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    rows = torch.from_numpy(np.sort(np.concatenate([c[: max(round(clips * len(c)), 1)] for c in chosen])))
    return _at(part, rows)


def _at(clips: Clips, rows: Tensor) -> Clips:
    features = {name: value[rows] for name, value in clips.features.items()}
    return replace(clips, features=features, labels=clips.labels[rows])


def _table(name: str, rows: Sequence[Row]) -> str:
    lines = [f"{name}: accuracy; ridge; difference"]
    for classes, clips in SHARES:
        here = [row for row in rows if (row.classes, row.clips) == (classes, clips)]
        columns = (
            [(row.split, row.accuracy) for row in here],
            [(row.split, row.ridge) for row in here],
            [(row.split, row.accuracy - row.ridge) for row in here],
        )
        cells = "; ".join(map(_interval, columns))
        lines.append(f"  {classes:4.0%} of the classes, {clips:4.0%} of their clips: {cells}")
    return "\n".join(lines) + "\n"


def _interval(values: Sequence[tuple[str, float]]) -> str:
    """Mean over splits of the means over draws, and its interval."""
    groups: dict[str, list[float]] = {}
    for split, value in values:
        groups.setdefault(split, []).append(value)
    found = clustered_interval(groups)
    return f"{found.value:.1f} [{found.low:.1f}, {found.high:.1f}]" if found else f"{values[0][1]:.1f}"


if __name__ == "__main__":
    main()
