"""What ``zsl-train settings`` says."""

from __future__ import annotations

import pytest

from zsl_skeleton.errors import UsageError
from zsl_skeleton.methods import METHODS
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.explained import ExplainedSettings, explain_settings, render_settings
from zsl_skeleton.training.presets import preset_names
from zsl_skeleton.training.settings import load_preset, resolve_settings, value_text

EVERY = [(method, preset) for method in METHODS for preset in preset_names(method)]


def reasons(found: ExplainedSettings) -> dict[str, str]:
    return {one.name: one.reason for one in found.settings if one.reason}


@pytest.mark.parametrize(("method", "preset"), EVERY)
def test_what_is_printed_is_all_of_it_and_can_be_set(method: str, preset: str) -> None:
    found = explain_settings(RunConfig(method=method, preset=preset))
    settings = resolve_settings(RunConfig(method=method, preset=preset), "")
    known = {*type(settings.method).model_fields, *(type(settings.train).model_fields if settings.train else ())}
    assert {one.name for one in found.settings} == known
    assert all(one.about for one in found.settings)
    said = tuple(f"{one.section}.{one.name}={value_text(one.value)}" for one in found.settings)
    # Set one by one on the official preset, what was read off another one makes that one.
    assert resolve_settings(RunConfig(method=method, preset="paper", overrides=said), "") == settings
    text = render_settings(found)
    assert all(f"\n  {one.name} = {value_text(one.value)}\n" in text for one in found.settings)


@pytest.mark.parametrize("method", [method for method, preset in EVERY if preset == "default"])
def test_every_change_of_the_default_preset_has_its_reason(method: str) -> None:
    told = reasons(explain_settings(RunConfig(method=method)))
    changes = load_preset(method, "default").changes
    assert {name.partition(".")[2] for name in changes} == told.keys()
    assert reasons(explain_settings(RunConfig(method=method, preset="paper"))) == {}


def test_values_of_a_data_set_and_of_the_user_are_told_as_such() -> None:
    run = RunConfig(method="msf", preset="paper", overrides=("epochs=3", "train.batch=8"))
    found = explain_settings(run, "ntu120")
    told = reasons(found)
    assert told["latent"] == "for ntu120"
    assert told["epochs"] == told["batch"] == "--set"
    assert {one.name: one.value for one in found.settings}["latent"] == 200
    assert "  epochs = 3\n      length of training and of the cosine\n      -> --set" in render_settings(found)


def test_a_wrong_value_names_this_list() -> None:
    with pytest.raises(UsageError) as caught:
        explain_settings(RunConfig(method="mla", overrides=("epochs=0",)))
    assert "zsl-train settings --method mla" in caught.value.mend
