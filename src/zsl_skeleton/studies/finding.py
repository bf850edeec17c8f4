"""Finds what a study's runs are made from, once for all runs that are made from the same."""

from __future__ import annotations

import functools
from typing import Any

from zsl_skeleton.artifacts import Recipe, Store
from zsl_skeleton.pipeline import tasks_for
from zsl_skeleton.setting import open_setting
from zsl_skeleton.studies.grid import StudyRun, World
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.device import choose_device
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.settings import Settings, resolve_settings
from zsl_skeleton.training.train import run_recipe


class Finder:
    """The inputs and the recipe of every run.

    Args:
        store: where they lie; it decides what becomes of inputs that do not exist.
        world: catalog and device.
    """

    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self._world = world
        self._tasks: dict[tuple[object, ...], Task] = {}
        self._settings = functools.cache(self._settings_of)

    def needs(self, run: StudyRun) -> tuple[object, ...]:
        """Runs that need the same are made from the same inputs."""
        usual = run.config.model_copy(update={"seed": 0, "control": "none"})
        method = self._settings(usual, run.dataset).method
        texts = "none" if run.config.control == "shuffled" else run.config.control
        how = texts, "masked" in method.needed_inputs, method.joined_text, run.config.validates
        return (run.dataset, run.split, run.protocol, run.sources, *how)

    def task(self, run: StudyRun) -> Task:
        """What the run learns from.

        Raises:
            NotMadeError: an input does not exist, and the store makes none.
            BusyError: another process makes an input, and the store does not wait.
            ZslError: an input cannot be made.
        """
        key = self.needs(run)
        if key not in self._tasks:
            names = {"dataset": run.dataset, "split": run.split, "protocol": run.protocol, "device": self._world.device}
            setting = open_setting(self.store, self._world.catalog, names)
            self._tasks[key] = tasks_for(setting, [run.config], run.sources)[0]
        return self._tasks[key]

    def recipe(self, run: StudyRun) -> Recipe:
        """Name and identity of the run; raises as :meth:`task`."""
        task = self.task(run)
        return run_recipe(task, run.config, self._settings(run.config, run.dataset), self._device)

    @functools.cached_property
    def _device(self) -> Any:
        return choose_device(self._world.device).device

    def _settings_of(self, config: RunConfig, dataset: str) -> Settings:
        return resolve_settings(config, dataset)
