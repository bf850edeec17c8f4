"""Runs in the small world of ``training/conftest.py`` whose input was spoilt, and what must come of them.

``WORLD`` has the fixtures.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zsl_skeleton.artifacts import Artifact, Store
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import read_tensors
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import train

_SPEC = importlib.util.spec_from_file_location("toy_world", Path(__file__).with_name("training") / "conftest.py")
WORLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(WORLD)


def other_features(store: Store, task: Task, features: FeatureSet, **changes: Any) -> Task:
    """The task on features with these changes."""
    return replace(task, features=WORLD.make_features(store, replace(features, **changes)))


def other_texts(store: Store, task: Task, embeddings: ClassEmbeddings, mark: str, **changes: Any) -> Task:
    """The task on class embeddings with these changes; ``mark`` tells them from others."""
    changed = replace(embeddings, **changes)
    return replace(task, embeddings=WORLD.make_embeddings(store, changed, mark=mark))


def altered(arrays: dict[str, np.ndarray], key: str, where: Any, value: float | bool) -> dict[str, np.ndarray]:
    """The arrays with ``value`` at some place of one of them."""
    changed = arrays[key].copy()
    changed[where] = value
    return {**arrays, key: changed}


def refused(store: Store, task: Task, run: RunConfig) -> InputError:
    """The error that says why there is no run."""
    with pytest.raises(InputError) as caught:
        train(store, task, run)
    assert caught.value.exit_code == 3
    assert caught.value.what
    assert not store.all("runs")
    return caught.value


def sound(store: Store, task: Task, run: RunConfig) -> Artifact:
    """A run whose weights and scores are finite."""
    made = train(store, task, run)
    for file in ("weights", "scores"):
        for key, value in read_tensors(made.path / f"{file}.safetensors").items():
            assert np.isfinite(value).all(), (file, key)
    return made


def scores_of(run: Artifact) -> np.ndarray:
    """[N, U]."""
    return read_tensors(run.path / "scores.safetensors")["scores"]


def kept(store: Store, features: FeatureSet, keep: np.ndarray) -> Artifact:
    """Features of those clips only."""
    return WORLD.make_features(store, features.subset(keep))
