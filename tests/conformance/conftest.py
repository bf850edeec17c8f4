"""The small world of the training tests, for every registered method."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("toy_world", Path(__file__).parents[1] / "training" / "conftest.py")
_WORLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_WORLD)

dataset, features, embeddings, task = _WORLD.dataset, _WORLD.features, _WORLD.embeddings, _WORLD.task
