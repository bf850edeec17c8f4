"""The texts that authors published, read from a user's own copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zsl_skeleton.artifacts import Store
from zsl_skeleton.catalog import load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.exchange.texts import TextImport, import_bank


@pytest.fixture(scope="module")
def published() -> Path:
    """Folder of the texts that authors published; skips where there is none."""
    default = Path(__file__).resolve().parents[4] / "shared" / "texts"
    folder = Path(os.environ.get("ZSL_TEXTS_DIR") or default)
    if not folder.is_dir():
        pytest.skip(f"no published texts in {folder} (set ZSL_TEXTS_DIR)")
    return folder


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "path", "trust", "slots", "texts"),
    [
        ("ntu60", "smie/ntu60_des.txt", False, 1, 60),
        ("ntu120", "smie/ntu120_des.txt", False, 1, 120),
        ("pku-mmd", "smie/pku_des.txt", False, 1, 51),
        ("ntu60", "msf", False, 3, 180),
        ("ntu120", "msf", True, 3, 360),
        ("pku-mmd", "neuron/pku", False, 6, 3060),
        ("ntu120", "neuron/ntu", True, 6, 7200),
    ],
)
def test_published_texts_are_read(
    store: Store, published: Path, dataset: str, path: str, trust: bool, slots: int, texts: int
) -> None:
    entry = load_dataset(dataset)
    if trust:
        with pytest.raises(InputError, match="--trust-order"):
            import_bank(store, entry, published / path)
    bank = SemanticBank.open(import_bank(store, entry, published / path, TextImport(trust_order=trust)))
    assert (len(bank.slots), len(bank.descriptions)) == (slots, texts)
