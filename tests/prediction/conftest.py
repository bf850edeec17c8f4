"""A world from recordings to runs: made-up clips, a backbone trained for an epoch, echoed texts, hashed vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from toy_methods import run_config
from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.backbones.config import ExtractConfig, PretrainConfig
from zsl_skeleton.backbones.extract import extract
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.prediction.export import ExportOptions, Source, export_run
from zsl_skeleton.prediction.predictor import Predictor, load
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.skeletons.recipes import find_recipe
from zsl_skeleton.skeletons.skeleton_set import Clip, write_skeleton_set
from zsl_skeleton.text.encode import EncodeOptions, encode_all
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import train

NAMES = ("wave", "kick", "bow", "squat", "punch", "clap", "turn around", "march")
SUBJECTS, TAKES, FRAMES = 4, 2, 20
RECIPE = "aimclr-50"


@dataclass(frozen=True)
class World:
    """A store, a data set, its recordings [T, 25, 3] by name, and what runs are made from."""

    store: Store
    catalog: Path
    dataset: Dataset
    recordings: dict[str, np.ndarray]
    features: Artifact

    def run(self, method: str) -> Artifact:
        """A small run of a method."""
        return train(self.store, self.task(method), run_config(method))

    def task(self, method: str) -> Task:
        """What it learns from."""
        join = "temporal" if method == "neuron" else "none"
        bank = generate(self.store, self.dataset, GenerateConfig(backend="echo"))
        embeddings = encode_all(self.store, bank, ("hashing",), EncodeOptions(join=join))[0]
        return Task(self.features, embeddings, self.dataset, self.dataset.split("one"), self.dataset.protocol())

    def source(self, method: str) -> Source:
        """A run with all around it."""
        return Source(self.store, self.run(method), self.task(method))

    def export(self, method: str) -> Path:
        """Its export, made once."""
        out = self.catalog.parent / "exports" / method
        return out if out.exists() else export_run(self.source(method), out, ExportOptions(draws=2, device="cpu"))

    def predictor(self, method: str) -> Predictor:
        """The export, opened."""
        return load(self.export(method), "cpu")


def _recordings() -> dict[str, np.ndarray]:
    """Bodies of one shape whose classes move different joints."""
    rng = np.random.default_rng(0)
    body = rng.normal(size=(1, 25, 3)) + 2
    made = {}
    for label, subject, take in np.ndindex(len(NAMES), SUBJECTS, TAKES):
        joints = body + 0.02 * rng.normal(size=(FRAMES, 25, 3))
        joints[:, 3 * label + 1 : 3 * label + 4, label % 3] += np.sin(np.linspace(0, 3, FRAMES))[:, None]
        made[f"a{label}_s{subject + 1}_t{take}"] = joints
    return made


def _catalog(folder: Path) -> Path:
    content = {
        "name": "moves",
        "title": "Made-up moves",
        "synthetic": True,
        "layout": "ntu-25",
        "fps": 30,
        "persons": 1,
        "reader": "npz",
        "classes": [{"name": name} for name in NAMES],
        "protocols": {"xsub": {"by": "subject", "train": [1, 2]}},
        "default_protocol": "xsub",
        "splits": {"one": {"unseen": [2, 5], "validation_unseen": [0, 4], "source": "made up"}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "moves.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def _skeletons(store: Store, recordings: dict[str, np.ndarray]) -> Artifact:
    def clips() -> list[Clip]:
        recipe = find_recipe(RECIPE)
        places = ((name, *(int(part[1:]) for part in name.split("_"))) for name in recordings)
        return [Clip(name, a, s, 0, FRAMES, recipe(recordings[name][None])) for name, a, s, _ in places]

    config = {"dataset": "moves", "recipe": RECIPE, "recipe_version": find_recipe(RECIPE).version}
    wanted = Recipe(stage="skeletons", name="moves", what="made up", config=config, synthetic=True)
    return store.make(wanted, lambda folder: write_skeleton_set(folder, clips(), len(NAMES)))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    store, catalog, recordings = Store(folder / "artifacts"), _catalog(folder / "catalog"), _recordings()
    dataset = load_dataset("moves", catalog)
    skeletons = _skeletons(store, recordings)
    config = PretrainConfig(epochs=1, batch=16, validation_fraction=0, device="cpu")
    backbone = pretrain(store, skeletons, dataset, dataset.split("one"), config)
    features = extract(store, skeletons, backbone, ExtractConfig(masked_views=2, device="cpu"))
    return World(store, catalog, dataset, recordings, features)


@pytest.fixture
def copied(world: World, tmp_path: Path) -> Callable[[], Path]:
    """``copied() -> folder``: a copy of the export of ``ridge`` that a test may spoil."""
    import shutil

    return lambda: Path(shutil.copytree(world.export("ridge"), tmp_path / "export"))


@pytest.fixture
def write_msr(tmp_path: Path) -> Callable[..., Path]:
    """``write_msr("a01_s01_e01") -> path``: one MSR-Action3D file below ``tmp_path / "msr"``."""

    def write(name: str) -> Path:
        joints = np.random.default_rng(0).normal(size=(8 * 20, 3)) + 3
        path = tmp_path / "msr" / f"{name}_skeleton3D.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{x:.6f} {y:.6f} {z:.6f} 1\n" for x, y, z in joints))
        return path

    return write
