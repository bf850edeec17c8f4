"""``--backend auto``: what is taken when, with a reason, and never at somebody's cost unasked."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.semantics.backends import Options, Setting
from zsl_skeleton.semantics.backends.choice import choose_backend


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a key and without llguidance."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def _llguidance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "llguidance" else None)


def _auto(dataset: Dataset, semantics: Path, **options: Any) -> tuple[str, str]:
    return choose_backend("auto", Setting(dataset, semantics, Options(**options)))


def test_a_backend_that_is_named_is_taken(pair: Dataset, semantics: Path) -> None:
    setting = Setting(pair, semantics, Options(base_url="http://localhost:1"))
    assert choose_backend("Compose", setting) == ("compose", "named by --backend")
    with pytest.raises(UsageError, match=r"unknown backend 'compse'\. Did you mean 'compose'"):
        choose_backend("compse", setting)


def test_facts_are_taken_where_no_model_is_named(
    pair: Dataset, semantics: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")
    _llguidance(monkeypatch)
    name, reason = _auto(pair, semantics, temperature=0.5)
    assert name == "compose"
    assert str(semantics / "pair" / "facts.yaml") in reason


def test_a_server_a_recording_or_a_model_goes_before_the_facts(
    pair: Dataset, semantics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://localhost:8000/v1"
    found = _auto(pair, semantics, base_url=url, model=str(tmp_path))
    assert found[0] == "openai" and url in found[1]
    found = _auto(pair, semantics, recording=tmp_path / "r.jsonl")
    assert found[0] == "replay" and "r.jsonl" in found[1]
    for folder in (str(tmp_path), "./not-there"):
        found = _auto(pair, semantics, model=folder)
        assert found[0] == "transformers" and folder in found[1]
    _llguidance(monkeypatch)
    assert _auto(pair, semantics, model="org/model")[0] == "transformers"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")
    found = _auto(pair, semantics, model="org/model")
    assert found[0] == "openai" and "sk-key" not in found[1]
    assert _auto(pair, semantics, model=str(tmp_path))[0] == "transformers"


def test_a_model_that_nobody_has_is_not_passed_over(pair: Dataset, semantics: Path) -> None:
    with pytest.raises(UsageError, match="nobody here has the model 'org/model'") as caught:
        _auto(pair, semantics, model="org/model")
    assert "zsl-skeleton[local]" in caught.value.mend


@pytest.mark.parametrize("key", [None, "sk-key"])
def test_a_key_alone_is_not_used(
    pair: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    if key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(InputError, match="nobody can write texts for pair") as caught:
        _auto(pair, tmp_path)
    assert ("not used unasked" in caught.value.why) == bool(key)
    for way in ("facts.yaml", "--model", "--base-url", "zsl-semantics facts --dataset pair"):
        assert way in caught.value.mend
    assert "sk-key" not in str(caught.value)
