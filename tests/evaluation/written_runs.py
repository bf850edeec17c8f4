"""Runs written by hand, without training: a store with the reports that a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.evaluation.generalised import Accuracies, GeneralisedReport, GeneralisedRow
from zsl_skeleton.evaluation.report import ClassResult, Report, SelectionResult
from zsl_skeleton.files import write_json
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import resolve_settings

UNSEEN = {"random-1": (1, 2), "random-2": (3, 4), "random-3": (5, 6)}


def add(store: Store, method: str, cells: dict[tuple[str, int], float], **given: Any) -> list[Artifact]:
    """Write one run per (split, seed) with the given accuracy."""
    return [add_one(store, method, split, seed, value, **given) for (split, seed), value in cells.items()]


def add_one(store: Store, method: str, split: str, seed: int, accuracy: float, **given: Any) -> Artifact:
    about: dict[str, Any] = {
        "preset": "default", "overrides": (), "select": "last", "control": "none", "dataset": "utd-mhad",
        "protocol": "xsub", "epochs": 60, "encoder": "minilm", "gzsl": None, "synthetic": False, "drop": (),
        "unseen": UNSEEN[split], "chance": 0.5,
    } | given  # fmt: skip
    run = RunConfig(method=method, preset=about["preset"], overrides=about["overrides"])
    settings = resolve_settings(run, about["dataset"]).as_json()
    for name in about["drop"]:
        del settings["train"][name]
    features = _features(store, split, about)
    control = about["control"] if about["control"] == "random-words" else None
    made_of = {"encoder": {"name": about["encoder"]}, "bank": "1", "control": control, "dataset": about["dataset"]}
    embeddings = store.make(Recipe("embeddings", f"{about['dataset']}-{about['encoder']}", "", made_of), _nothing)
    names = {key: about[key] for key in ("dataset", "protocol", "preset", "select", "control")}
    config = {**names, "split": split, "seed": seed, "unseen": list(about["unseen"]), "method": method,
              "settings": settings, "gzsl": about["gzsl"] is not None}  # fmt: skip
    report = _report(about, features, method, split, seed, accuracy)
    recipe = Recipe("runs", f"{method}-{split}", "", config, {"features": features, "embeddings": embeddings})

    def build(folder: Path) -> dict[str, Any]:
        write_json(folder / "report.json", report.model_dump(mode="json"))
        return {"accuracy": accuracy}

    return store.make(recipe, build)


def _nothing(folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    return {}


def _features(store: Store, split: str, about: dict[str, Any]) -> Artifact:
    trained = {"backbone": "st-gcn", "epochs": about["epochs"], "split": split, "unseen": list(about["unseen"])}
    backbone = store.make(Recipe("backbones", f"{about['dataset']}-{split}-st-gcn", "", trained), _nothing)
    config = {"dataset": about["dataset"], "recipe": "aimclr-50", "split": split, "backbone": backbone.path.name}
    return store.make(
        Recipe("features", f"{about['dataset']}-{split}-st-gcn", "", config, {"backbone": backbone}), _nothing
    )


def _report(about: dict[str, Any], features: Artifact, method: str, split: str, seed: int, accuracy: float) -> Report:
    select = about["select"]
    return Report(
        **{key: about[key] for key in ("dataset", "synthetic", "protocol", "preset", "control", "chance")},
        split=split,
        method=method,
        seed=seed,
        selection=SelectionResult(rule=select, epoch=1, accuracy=None, oracle=select == "oracle"),
        accuracy=accuracy,
        mean_class_accuracy=accuracy / 2,
        clips=4,
        per_class=(ClassResult(index=1, name="run", clips=4, accuracy=accuracy),),
        confusion=((1,),),
        generalised=None if about["gzsl"] is None else _generalised(about["gzsl"]),
        slots=("motion",),
        encoder=f"{about['encoder']}@1",
        bank="bank-1",
        backbone=features.card.config["backbone"],
    )


def _generalised(harmonic: float) -> GeneralisedReport:
    both = Accuracies(seen=0.8, unseen=0.4, harmonic=harmonic)
    row = GeneralisedRow(
        rule="held-out", constant=0.1, sample=both, class_mean=both, routed_seen=1, routed_unseen=1, oracle=False,
        per_class=None,
    )  # fmt: skip
    return GeneralisedReport(
        seen_classes=3, unseen_classes=2, seen_clips=5, unseen_clips=5, rows=(row,), area=0.25, class_area=0.2,
        separation=0.5, calibration=None, curve=(),
    )  # fmt: skip
