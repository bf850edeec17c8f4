"""A store with the demo data's features and class embeddings, made once, and studies of closed forms on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from studies.toy_studies import COMMON
from zsl_skeleton.artifacts import Store
from zsl_skeleton.pipeline import Sources, Words, tasks_for
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.setting import open_setting
from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set
from zsl_skeleton.studies.grid import World
from zsl_skeleton.studies.loading import load_study
from zsl_skeleton.studies.plan import Planner
from zsl_skeleton.training.config import RunConfig


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts without runs: skeletons, features, a bank, embeddings."""
    root = tmp_path_factory.mktemp("inputs") / "artifacts"
    setting = open_setting(Store(root), None, {"dataset": "demo", "split": "random-1"})
    synthesize_set(setting.store, setting.dataset, SynthesisConfig(subjects=2, repetitions=1), "hip-32")
    bank = generate(setting.store, setting.dataset, GenerateConfig(families=("motion",)))
    sources = Sources("raw-joints", None, None, Words(bank.path.name, "hashing"))
    tasks_for(setting, [RunConfig(method="ridge")], sources)
    return root


@pytest.fixture
def root(inputs: Path, tmp_path: Path) -> Path:
    """Artifacts of a test, with the inputs in them."""
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    for stage in inputs.iterdir():
        if not stage.name.startswith("."):
            (artifacts / stage.name).symlink_to(stage)
    return artifacts


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a study file of these blocks."""

    def write(*blocks: object, name: str = "toy", **common: object) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"name": name, "common": {**COMMON, **common}, "runs": list(blocks)}))
        return path

    return write


@pytest.fixture
def planner(root: Path, written: Callable[..., Path]) -> Callable[..., Planner]:
    """A planner of a study of these blocks."""
    return lambda *blocks, **common: Planner(load_study(written(*blocks, **common)), World(root, device="cpu"))
