"""The table of encoders against the folder, and how names are understood."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zsl_skeleton.errors import UsageError
from zsl_skeleton.text.encoders import ENCODERS, load_encoder

SHARED = {"__init__", "neural", "model_files"}


def test_every_file_is_registered(repository: Path) -> None:
    folder = repository / "src" / "zsl_skeleton" / "text" / "encoders"
    files = {path.stem for path in folder.glob("*.py")} - SHARED
    assert {target.split(":")[0].rsplit(".", 1)[1] for target in ENCODERS.values()} == files


def test_creating_them_loads_no_library_and_looks_for_nothing() -> None:
    names = [name.replace("MODEL", "who/what") for name in ENCODERS]
    code = (
        f"import sys; from zsl_skeleton.text.encoders import load_encoder; es = [load_encoder(n) for n in {names!r}];"
        "print(*[e.name for e in es]);"
        "print(*{'torch', 'transformers', 'sentence_transformers', 'huggingface_hub'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [" ".join(names), ""]


def test_a_wrong_name() -> None:
    with pytest.raises(UsageError, match=r"unknown encoder 'minlm'.*Did you mean 'minilm'"):
        load_encoder("minlm")


@pytest.mark.parametrize("name", ["clip", "clip:", "st: ", "minilm:who/what", "glove:who/what"])
def test_a_model_is_named_where_there_are_many_and_only_there(name: str) -> None:
    with pytest.raises(UsageError, match="unknown encoder") as caught:
        load_encoder(name)
    assert "clip:MODEL" in caught.value.why


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ST:all-mpnet-base-v2", "sentence-transformers:sentence-transformers/all-mpnet-base-v2"),
        ("Sentence_Transformers:BAAI/bge-small-en@main", "sentence-transformers:BAAI/bge-small-en"),
        ("CLIP: laion/some-model", "clip:laion/some-model"),
        ("CLIP_ViT_L/14@336".replace("/", "-").replace("@", "-"), "clip-vit-l-14-336"),
    ],
)
def test_names_are_forgiven(written: str, meant: str) -> None:
    assert load_encoder(written).name == meant


def test_bf16_is_refused_where_it_would_be_slow_and_inexact() -> None:
    with pytest.raises(UsageError, match="bf16 needs a GPU") as caught:
        load_encoder("minilm", device="cpu", dtype="bf16")
    assert caught.value.mend == "leave out --dtype bf16"
    with pytest.raises(UsageError, match="unknown dtype 'fp16'"):
        load_encoder("minilm", dtype="fp16")
