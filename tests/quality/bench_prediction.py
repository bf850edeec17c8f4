"""Does the predicted accuracy rank text sets as the obtained one does? Run by hand, on real features:

    python tests/quality/bench_prediction.py --artifacts artifacts --dataset utd-mhad

Per split, every text set (slots x encoders, and controls) is predicted from the seen classes' training clips, and then
obtained: the method ``ridge`` is trained on all seen classes and tested on the unseen classes' test clips. Needs the
features of every split (``zsl-data extract``) and a bank (``zsl-semantics generate``); runs go into the same store.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.banks import bank_for
from zsl_skeleton.catalog import Dataset, Split, load_dataset
from zsl_skeleton.files import write_json
from zsl_skeleton.quality.candidates import NAME_ONLY, RANDOM_WORDS, REAL, SHUFFLED, Candidate, TextSet, candidates
from zsl_skeleton.quality.compare import Measured, compare
from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton.quality.measures import spearman
from zsl_skeleton.quality.predict import Seen
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.encode import encode
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import read_report, train

GROUPS = [
    "label",
    "action",
    "motion",
    "body-parts",
    "codebook",
    "spatial",
    "temporal",
    "spatial+temporal",
    "default",
    "all",
]
ALTERED_GROUPS = ("codebook+motion", "all")
"""Groups that are also measured shuffled and as random words."""
SHUFFLES = 5
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Predictions, obtained accuracies and other measures [splits, text sets]."""

    names: tuple[TextSet, ...]
    splits: tuple[str, ...]
    columns: dict[str, Values]

    def only(self, keep: Callable[[TextSet], bool]) -> Table:
        chosen = [i for i, name in enumerate(self.names) if keep(name)]
        columns = {key: value[:, chosen] for key, value in self.columns.items()}
        return Table(tuple(self.names[i] for i in chosen), self.splits, columns)


def main() -> None:
    options = _options()
    store, dataset = Store(options.artifacts), load_dataset(options.dataset)
    bank = bank_for(store, dataset, options.bank)
    config = CompareConfig(encoder=options.encoder, slots=GROUPS, shuffles=SHUFFLES, folds=options.folds)
    texts = [candidate for candidate in candidates(store, [bank], config) if _wanted(candidate.name)]
    named = [dataset.split(name) for name in options.split] or list(dataset.splits.values())
    features = {split.name: _features(store, dataset, split, options.backbone) for split in named}
    splits = [split for split in named if features[split.name]]
    if not splits:
        sys.exit(f"no features in {options.artifacts}: zsl-data extract --dataset {dataset.name} --split SPLIT")
    measured, obtained = [], []
    for split in splits:
        task = Task(features[split.name][0], bank, dataset, split, dataset.protocol())
        seen = Seen.of(FeatureSet.open(task.features), dataset, split, task.protocol)
        started = time.perf_counter()
        measured.append(compare(texts, seen, config).rows)
        seconds = time.perf_counter() - started
        obtained.append([_obtained(store, task, candidate) for candidate in texts])
        sys.stderr.write(f"{split.name}: compared {len(texts)} text sets in {seconds:.1f} s\n")
    table = Table(tuple(c.name for c in texts), tuple(s.name for s in splits), _columns(measured, obtained))
    sys.stdout.write("\n".join([*_rows(table), "", *_findings(table)]) + "\n")
    if options.out:
        columns = {key: value.tolist() for key, value in table.columns.items()}
        write_json(options.out, {"names": [vars(n) for n in table.names], "splits": table.splits, **columns})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, required=True, help="store with features and bank")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--bank", help="default: the composed one")
    parser.add_argument("--backbone", default="st-gcn", choices=["st-gcn", "raw-joints"])
    parser.add_argument("--encoder", nargs="+", default=["minilm", "hashing"])
    parser.add_argument("--split", nargs="*", default=[], help="default: all that have features")
    parser.add_argument("--folds", type=int, default=30)
    parser.add_argument("--out", type=Path, help="JSON file with all figures")
    return parser.parse_args()


def _wanted(name: TextSet) -> bool:
    """Altered texts of two groups only; a bank's one label is what ``name-only`` writes everywhere."""
    return name.control == REAL or (name.control != NAME_ONLY and name.group in ALTERED_GROUPS)


def _features(store: Store, dataset: Dataset, split: Split, backbone: str) -> list[Artifact]:
    """Features that a split can be measured with, newest first."""
    wanted = {"backbone": backbone} if backbone == "raw-joints" else {"split": split.name}
    return store.find("features", dataset=dataset.name, **wanted)


def _obtained(store: Store, task: Task, candidate: Candidate) -> float:
    """Accuracy on the unseen classes' test clips, by the project's own training and evaluation."""
    name = candidate.name
    control = name.control if name.control == RANDOM_WORDS else "none"
    embeddings = encode(store, task.embeddings, name.encoder, control=control)
    task = Task(task.features, embeddings, task.dataset, task.split, task.protocol)
    settings = (f"text=[{', '.join(candidate.slots)}]",)
    seeds = range(SHUFFLES) if name.control == SHUFFLED else range(1)
    runs = [RunConfig(method="ridge", overrides=settings, control=name.control, seed=seed) for seed in seeds]  # type: ignore[arg-type]
    return float(np.mean([read_report(train(store, task, run)).accuracy for run in runs]))


def _columns(measured: Sequence[Sequence[Measured]], obtained: Sequence[Sequence[float]]) -> dict[str, Values]:
    def column(value: Callable[[Measured], float]) -> Values:
        return np.array([[value(row) for row in rows] for rows in measured])

    return {
        "predicted": column(lambda row: row.accuracy.value),
        "RSA": column(lambda row: row.agreement.rsa.value),
        "CKA": column(lambda row: row.agreement.cka.value),
        "neighbours": column(lambda row: row.agreement.neighbours.value),
        "low": column(lambda row: row.single[0]),
        "high": column(lambda row: row.single[1]),
        "obtained": np.array(obtained),
    }


def _rows(table: Table) -> list[str]:
    """One line per text set: means over the splits."""
    heads = ["texts", "encoder", "predicted %", f"obtained % ({', '.join(table.splits)})", "RSA", "CKA"]
    means = {key: value.mean(0) for key, value in table.columns.items()}
    lines = []
    for i in np.argsort(-means["predicted"], kind="stable"):
        name = table.names[i]
        texts = name.group if name.control == REAL else f"{name.group}, {name.control}"
        splits = " ".join(f"{100 * value:.1f}" for value in table.columns["obtained"][:, i])
        predicted, obtained = (f"{100 * means[key][i]:.1f}" for key in ("predicted", "obtained"))
        agreements = [f"{means[key][i]:.2f}" for key in ("RSA", "CKA")]
        lines.append([texts, name.encoder, predicted, f"{obtained} ({splits})", *agreements])
    return _markdown(heads, lines)


def _findings(table: Table) -> list[str]:
    real = table.only(lambda name: name.control == REAL)
    kinds = {"all text sets": table, "without controls": real}
    for encoder in dict.fromkeys(name.encoder for name in table.names):
        kinds[f"without controls, {encoder}"] = real.only(lambda name, wanted=encoder: name.encoder == wanted)  # type: ignore[misc]
    heads = ["Spearman with obtained", "sets", "prediction", "prediction, split by split", "RSA", "CKA", "neighbours"]
    lines = []
    for kind, part in kinds.items():
        pairs = zip(part.columns["predicted"], part.columns["obtained"], strict=True)
        each = " ".join(f"{spearman(*pair):.2f}" for pair in pairs)
        found = [_correlation(part, key) for key in ("predicted", "RSA", "CKA", "neighbours")]
        lines.append([kind, str(len(part.names)), found[0], each, *found[1:]])
    return [*_markdown(heads, lines), "", *_calibration(real)]


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *lines)]


def _correlation(table: Table, key: str, resamples: int = 2000) -> str:
    """Spearman over text sets of the means over splits; 95 % by resampling sets and splits independently."""
    first, second = table.columns[key], table.columns["obtained"]
    generator = np.random.default_rng(0)
    draws = []
    for _ in range(resamples):
        part = np.ix_(
            generator.integers(len(first), size=len(first)), generator.integers(first.shape[1], size=first.shape[1])
        )
        draws.append(spearman(first[part].mean(0), second[part].mean(0)))
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return f"{spearman(first.mean(0), second.mean(0)):.2f} [{low:.2f}, {high:.2f}]"


def _calibration(real: Table) -> list[str]:
    predicted, obtained = real.columns["predicted"], real.columns["obtained"]
    inside = (real.columns["low"] <= obtained) & (obtained <= real.columns["high"])
    chosen = obtained[np.arange(len(obtained)), predicted.argmax(1)]
    means = [100 * float(np.mean(part)) for part in (predicted - obtained, inside, chosen, obtained, obtained.max(1))]
    bias, covered, picked, mean, best = (f"{value:+.1f}" if i == 0 else f"{value:.1f}" for i, value in enumerate(means))
    return [
        f"Without controls: predicted minus obtained {bias} points; the obtained accuracy lies in the interval of",
        f"one draw in {covered} % of the {inside.size} cases. The set with the highest prediction in each split",
        f"obtains {picked} %, the mean set {mean} %, the best set of each split (known only afterwards) {best} %.",
    ]


if __name__ == "__main__":
    main()
