"""Every method small and quick, for the small world of ``training/conftest.py``."""

from __future__ import annotations

from zsl_skeleton.methods import METHODS
from zsl_skeleton.registry import resolve
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import Settings, resolve_settings

SMALL = {
    "mla": ("hidden=[16,8]", "series=[1,3]", "epochs=4", "batch=16", "learning_rate=1e-3", "warmup=1"),
    "devise": ("epochs=4", "batch=16", "learning_rate=1e-3", "warmup=1"),
    "smie": ("hidden=[16,8]", "epochs=4", "batch=16", "learning_rate=1e-3", "warmup=1"),
    "msf": ("latent=5", "latents=20", "classifier_steps=30", "epochs=4", "steps=3", "batch=16", "learning_rate=1e-3"),
    "neuron": ("prototypes=8", "epochs=4", "batch=16", "learning_rate=1e-2"),
}
"""Settings of a method that is trained in steps: four epochs, so that a training can be stopped after two."""

ITERATIVE = [name for name in METHODS if not resolve("method", name, METHODS).closed_form]


def run_config(name: str, *overrides: str, **changes: object) -> RunConfig:
    """A run of the method ``name``, made small."""
    values = {"method": name, "overrides": (*SMALL.get(name, ()), *overrides), "device": "cpu"}
    return RunConfig.model_validate(values | changes)


def settings_of(name: str, *overrides: str, preset: str = "default") -> Settings:
    """The settings of such a run."""
    return resolve_settings(run_config(name, *overrides, preset=preset), "toy")
