"""Our own banks break no rule at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.generate import generate
from zsl_skeleton.semantics.lint import lint_bank, render

QUICK = ("precog", "nw-ucla", "msr-action3d")
ALL = sorted(path.parent.name for path in data_folder("semantics").glob("*/facts.yaml"))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ALL]
)
def test_composed_texts_are_clean(name: str, tmp_path: Path) -> None:
    dataset = load_dataset(name)
    bank = SemanticBank.open(generate(Store(tmp_path), dataset))
    findings = lint_bank(bank, dataset)
    assert not findings, render(findings)
