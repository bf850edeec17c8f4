"""Any model of sentence-transformers, shown on tiny ones made on the spot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiny_encoders import tiny_sentence_model
from zsl_skeleton.errors import InputError
from zsl_skeleton.text.encoders import Encoder, encoder_card, load_encoder

TEXTS = ["a person raises the right arm", "the left leg", "a person " * 30]


def encoder_of(folder: Path) -> Encoder:
    return load_encoder(f"st:{folder}", device="cpu")


def by_the_library(folder: Path, texts: list[str]) -> Any:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_sentence_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooling": "cls", "dense": True},
        {"prompts": {"ask": "slowly in "}, "default_prompt_name": "ask"},
    ],
    ids=["mean", "cls and a dense layer", "prompt"],
)
def test_it_agrees_with_the_library(options: dict[str, Any], tmp_path: Path) -> None:
    folder = tiny_sentence_model(tmp_path / "model", **options)
    encoder = encoder_of(folder)
    np.testing.assert_allclose(encoder.encode(TEXTS), by_the_library(folder, TEXTS), atol=1e-6)
    assert encoder.pooling == options.get("pooling", "mean")
    assert encoder.dim == (8 if "dense" in options else 32)


def test_the_longest_text_is_the_models_own_less_its_prompt(tiny: Path, tmp_path: Path) -> None:
    assert encoder_of(tiny).max_tokens == 24
    prompted = tiny_sentence_model(tmp_path / "m", prompts={"ask": "slowly in "}, default_prompt_name="ask")
    assert encoder_of(prompted).max_tokens == 22


def test_pooling_as_older_versions_of_the_library_wrote_it(copy: Path) -> None:
    old = {
        "word_embedding_dimension": 32,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
    }
    (copy / "1_Pooling" / "config.json").write_text(json.dumps(old), encoding="utf-8")
    encoder = encoder_of(copy)
    assert encoder.pooling == "cls+mean"
    assert encoder.dim == 64


def test_the_revision_follows_weights_and_settings_and_nothing_else(tiny: Path, copy: Path, tmp_path: Path) -> None:
    same = encoder_card(encoder_of(copy))
    assert same.revision == encoder_card(encoder_of(tiny)).revision
    assert len(same.revision) == 64
    (copy / "README.md").write_text("other words", encoding="utf-8")
    assert encoder_card(encoder_of(copy)) == same
    settings = json.loads((copy / "sentence_bert_config.json").read_text(encoding="utf-8"))
    (copy / "sentence_bert_config.json").write_text(json.dumps(settings | {"max_seq_length": 9}), encoding="utf-8")
    assert encoder_card(encoder_of(copy)).revision != same.revision
    other = tiny_sentence_model(tmp_path / "tiny", seed=1)
    shutil.copy(other / "model.safetensors", copy / "model.safetensors")
    shutil.copy(tiny / "sentence_bert_config.json", copy / "sentence_bert_config.json")
    assert encoder_card(encoder_of(copy)).revision != same.revision


def test_loading_is_silent(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    encoder_of(tiny).encode(TEXTS)
    captured = capfd.readouterr()
    assert "Loading" not in captured.err
    assert captured.out == ""


def test_pickled_weights_are_not_read(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(InputError, match="has no weights that can be read") as caught:
        encoder_of(copy).encode(TEXTS)
    assert caught.value.why.startswith("pytorch_model.bin may run code")
    assert "save_pretrained" in caught.value.mend


def test_pickled_weights_of_a_further_layer_are_not_read(tmp_path: Path) -> None:
    folder = tiny_sentence_model(tmp_path / "model", dense=True)
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(InputError, match="has no weights that can be read"):
        encoder_of(folder).encode(TEXTS)


def _modules(folder: Path, number: int, **changes: str) -> None:
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[number] |= changes
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")


def test_code_of_the_model_is_not_run(copy: Path) -> None:
    (copy / "mine.py").write_text("raise SystemExit(9)", encoding="utf-8")
    _modules(copy, 1, type="mine.Pooling")
    with pytest.raises(InputError, match="is not a model that") as caught:
        encoder_of(copy).encode(TEXTS)
    assert "mine.Pooling is code of its own" in caught.value.why


def test_other_kinds_of_models_are_named(copy: Path) -> None:
    _modules(copy, 0, type="sentence_transformers.models.StaticEmbedding")
    with pytest.raises(InputError) as caught:
        encoder_of(copy).encode(TEXTS)
    assert "not a Transformer" in caught.value.why
    (copy / "modules.json").unlink()
    with pytest.raises(InputError) as caught:
        encoder_card(encoder_of(copy))
    assert "modules.json" in caught.value.why
    assert "clip:MODEL" in caught.value.mend


@pytest.mark.parametrize("content", ["[]", "[3]", '{"a": 1}', "["])
def test_a_broken_list_of_modules(copy: Path, content: str) -> None:
    (copy / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"modules\.json|is not a model that"):
        encoder_card(encoder_of(copy))


def test_cut_weights(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        encoder_of(copy).encode(TEXTS)
    assert caught.value.exit_code == 3


def test_a_tokenizer_that_is_not_there_is_not_made_up(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="has no tokenizer"):
        encoder_of(copy).encode(TEXTS)


def test_a_transformer_in_a_folder_of_its_own(tiny: Path, copy: Path) -> None:
    """As the first versions of the library laid models out."""
    inner = copy / "0_Transformer"
    inner.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (copy / name).rename(inner / name)
    (copy / "sentence_bert_config.json").rename(inner / "sentence_bert_config.json")
    _modules(copy, 0, path="0_Transformer")
    assert encoder_of(copy).encode(TEXTS).tobytes() == encoder_of(tiny).encode(TEXTS).tobytes()
