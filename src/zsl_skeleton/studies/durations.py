"""How long runs and inputs take, as far as finished ones tell."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zsl_skeleton.artifacts import Recipe, Store
from zsl_skeleton.files import canonical_json
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.train import STAGE


class Durations:
    """Medians over finished runs, of those that are most alike; over finished inputs of the same data set.

    Args:
        store: whose runs and inputs tell.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, list[float]]] = {}

    def of(self, recipe: Recipe) -> float | None:
        """Seconds; None where nothing alike is finished."""
        if recipe.stage not in self._known:
            found = self._known[recipe.stage] = {}
            for artifact in self._store.all(recipe.stage):
                for key, trainings in _keys(recipe.stage, artifact.card.config):
                    found.setdefault(key, []).append(artifact.card.made.seconds / trainings)
        known = self._known[recipe.stage]
        alike = ((known[key], trainings) for key, trainings in _keys(recipe.stage, recipe.config) if key in known)
        return next((statistics.median(seconds) * trainings for seconds, trainings in alike), None)

    def of_run(self, run: RunConfig, dataset: str) -> float | None:
        """Of a run whose recipe cannot be known before its inputs are made."""
        config = {"method": run.method, "preset": run.preset, "dataset": dataset, "select": run.select}
        held_out = [None] * run.draws if run.validates else []
        return self.of(Recipe(STAGE, "", "", {**config, "gzsl": run.gzsl, "held_out": held_out}))


def _keys(stage: str, config: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
    """What makes durations alike, the nearest first, each with the number of trainings that they are divided by."""
    if stage != STAGE:
        return [(canonical_json([config.get("dataset"), config.get("backbone")]), 1)]
    same = [config.get(key) for key in ("method", "preset", "dataset")]
    held_out = len(config.get("held_out") or ())
    how = [config.get("gzsl", False), config.get("select", "last"), held_out]
    nearest = [canonical_json([same, how, config.get("settings")]), canonical_json([same, how])]
    # A training with held-out classes takes about as long as that of the run itself.
    return [*((key, 1) for key in nearest), (canonical_json(same), 1 + held_out)]
