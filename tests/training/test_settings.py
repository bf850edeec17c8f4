"""Presets and overrides."""

from __future__ import annotations

import pytest

from zsl_skeleton.errors import UsageError
from zsl_skeleton.methods import METHODS
from zsl_skeleton.training.config import RunConfig, TrainConfig
from zsl_skeleton.training.presets import preset_names
from zsl_skeleton.training.settings import load_preset, resolve_settings, settings_from_json

EVERY = [(method, preset) for method in METHODS for preset in preset_names(method)]


def resolve(*overrides: str, method: str = "mla", preset: str = "paper", dataset: str = "utd-mhad"):
    return resolve_settings(RunConfig(method=method, preset=preset, overrides=overrides), dataset)


@pytest.mark.parametrize(("method", "preset"), EVERY)
def test_every_preset_is_valid_and_gives_its_reasons(method: str, preset: str) -> None:
    settings = resolve(method=method, preset=preset)
    assert settings_from_json(settings.name, settings.as_json()) == settings
    source = load_preset(method, preset)
    assert source.what
    base = resolve(method=method, preset=source.extends).as_json() if source.extends else None
    for key, change in source.changes.items():
        section, _, field = key.partition(".")
        assert len(change.reason) > 20
        assert settings.as_json()[section][field] != base[section][field], f"{key} changes nothing"


def test_paper_is_the_official_configuration() -> None:
    assert resolve().train == TrainConfig()
    assert resolve().method == type(resolve().method)()
    assert [len(resolve(dataset=d).method.ks) for d in ("ntu60", "ntu120", "pku-mmd", "utd-mhad")] == [12, 5, 3, 10]


@pytest.mark.parametrize("method", [method for method, preset in EVERY if preset == "paper-tuned"])
def test_paper_tuned_differs_from_paper_in_rate_and_length_only(method: str) -> None:
    source = load_preset(method, "paper-tuned")
    assert source.extends == "paper"
    assert set(source.changes) <= {"train.learning_rate", "train.epochs", "train.steps"}
    assert not source.method
    assert not source.train


def test_overrides_with_and_without_section() -> None:
    settings = resolve("learning_rate=1e-4", "method.series=[1, 2]", " motion = null", "text_scale=sqrt-dim")
    assert settings.train.learning_rate == 1e-4
    assert settings.method.series == (1, 2)
    assert settings.method.motion is None
    assert settings.method.text_scale == "sqrt-dim"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("learning_rat=1", "Did you mean 'learning_rate'"),
        ("epochs", "--set KEY=VALUE"),
        ("epochs=-3", "epochs"),
        ("text_scale=wide", "text_scale"),
        ("series=[]", "series"),
        ("epochs=[1", "epochs"),
    ],
)
def test_wrong_overrides_are_usage_errors(override: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("[", r"\[")):
        resolve(override)


def test_a_precision_that_was_chosen_is_part_of_a_runs_settings() -> None:
    plain, chosen = resolve(), resolve("matmul_precision=medium")
    assert "matmul_precision" not in plain.as_json()["train"]  # runs made before there was a choice keep their names
    assert chosen.as_json()["train"]["matmul_precision"] == "medium"
    for settings in (plain, chosen):
        assert settings_from_json("mla", settings.as_json()) == settings


def test_a_closed_form_method_has_no_training_settings() -> None:
    assert resolve(method="ridge", preset="default").train is None
    with pytest.raises(UsageError, match="unknown setting of ridge 'epochs'"):
        resolve("epochs=3", method="ridge")


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(UsageError, match=r"unknown method 'mlaa'.*'mla'"):
        resolve(method="mlaa")
    with pytest.raises(UsageError, match=r"unknown preset of mla 'papr'.*'paper'"):
        resolve(preset="papr")
