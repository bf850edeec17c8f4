"""A few synthetic recordings, an untrained small backbone, composed texts, and a run of every method on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from toy_methods import run_config
from zsl_skeleton.artifacts import Artifact, Recipe, Store
from zsl_skeleton.backbones.classifier import BackboneSpec
from zsl_skeleton.catalog import Dataset, load_dataset
from zsl_skeleton.semantics.generate import GenerateConfig, generate
from zsl_skeleton.skeletons.features import FeatureSet
from zsl_skeleton.skeletons.skeleton_set import SkeletonSet
from zsl_skeleton.skeletons.synthesis.demo_set import SynthesisConfig, synthesize_set
from zsl_skeleton.text.encode import encode
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import train

UNSEEN = (1, 12, 20, 26, 40)
KEPT = (*UNSEEN, 0, 3, 5, 7, 9, 14, 30, 35)
FAMILIES = ("label", "action", "motion", "spatial")
OVERRIDES = {
    "mla": ("codebook=spatial.fine",),
    "neuron": ("accumulate=mean", "temporal_slots=[spatial.coarse,spatial.medium,spatial.fine]", "epochs=1"),
    "smie": ("text=[motion]",),
    "msf": ("text=[label,action,motion]",),
    "ridge": ("text=[motion]",),
}
GENERALISED = ("mla", "msf")


@dataclass(frozen=True)
class World:
    """A store and its runs: ``mla``, ``mla-seed1``, ``mla-shuffled``, ``neuron``, ``smie``, ``msf``, ``ridge``."""

    store: Store
    runs: Mapping[str, Artifact]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    store = Store(tmp_path_factory.mktemp("reports") / "artifacts")
    dataset = load_dataset("demo")
    task = _task(store, dataset)
    runs = {
        name: train(store, task, run_config(name, *overrides, gzsl=name in GENERALISED, held_out=3))
        for name, overrides in OVERRIDES.items()
    }
    runs["mla-seed1"] = train(store, task, run_config("mla", *OVERRIDES["mla"], gzsl=True, held_out=3, seed=1))
    runs["mla-shuffled"] = train(store, task, run_config("mla", *OVERRIDES["mla"], control="shuffled"))
    return World(store, runs)


def _task(store: Store, dataset: Dataset) -> Task:
    skeletons = synthesize_set(store, dataset, SynthesisConfig(subjects=4, repetitions=1))
    embeddings = encode(store, generate(store, dataset, GenerateConfig(families=FAMILIES)), "hashing")
    return Task(_features(store, skeletons), embeddings, dataset, dataset.split("random-1"), dataset.protocol())


def _features(store: Store, skeletons: Artifact) -> Artifact:
    """All visual inputs of the clips of a few classes, by a backbone that nobody trained."""
    source = SkeletonSet.open(skeletons)
    rows = np.flatnonzero(np.isin(source.labels, KEPT))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        encoding = BackboneSpec.of("st-gcn", {}).build().eval()(torch.from_numpy(source.clips[rows]))
    pooled = encoding.pooled.numpy()
    arrays = {
        "pooled": pooled,
        "joints": encoding.joints.numpy(),
        "frames": encoding.frames.numpy(),
        "masked": np.stack([pooled, pooled], axis=1),
        "logits": np.ascontiguousarray(pooled[:, :50]),
    }
    config = {"dataset": "demo", "backbone": "st-gcn", "trained_on": []}
    recipe = Recipe("features", "demo", "features of the tests", config, {"skeletons": skeletons}, synthetic=True)
    columns = {name: getattr(source, name)[rows] for name in ("labels", "subjects", "views")}
    ids = tuple(source.ids[row] for row in rows)
    found = FeatureSet(arrays, **columns, ids=ids, dataset="demo", backbone="st-gcn", trained_on=(), synthetic=True)

    def build(folder: Path) -> dict[str, object]:
        found.write(folder)
        return {}

    return store.make(recipe, build)
