"""CLIP's text towers, shown on tiny ones made on the spot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tiny_encoders import tiny_clip, tiny_sentence_model
from zsl_skeleton.errors import InputError
from zsl_skeleton.text.encoders import ENCODERS, encoder_card, load_encoder

TEXTS = ["the right arm", "übt 😀", "a person raises the arm " * 9]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip(tmp_path_factory.mktemp("models") / "whole", whole=True)


def test_it_agrees_with_the_whole_model(whole: Path) -> None:
    import torch
    from transformers import AutoTokenizer, CLIPModel

    tokenizer, model = AutoTokenizer.from_pretrained(whole), CLIPModel.from_pretrained(whole).eval()
    tokens = tokenizer(TEXTS, padding=True, truncation=True, max_length=77, return_tensors="pt")
    with torch.inference_mode():
        found = model.get_text_features(**tokens)
    expected = getattr(found, "pooler_output", found).numpy()
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    encoder = load_encoder(f"clip:{whole}", device="cpu")
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    assert (encoder.dim, encoder.max_tokens, encoder.name) == (24, 77, "clip:whole")
    assert encoder.count_tokens(TEXTS)[1] == 2 + 4 + 4  # markers; u-umlaut has two bytes, the face four


def test_the_last_token_read_of_a_long_text_is_the_end_marker(whole: Path) -> None:
    encoder = load_encoder(f"clip:{whole}", device="cpu")
    tokens = encoder._tokens([TEXTS[2]], 77)["input_ids"][0]  # type: ignore[attr-defined]
    assert tokens.shape == (77,)
    assert encoder._tower.tokenizer.convert_ids_to_tokens(int(tokens[-1])) == "<|endoftext|>"  # type: ignore[attr-defined]


def test_the_named_models_are_openai_s(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, **_: object) -> str:
        asked.append(name)
        return str(whole)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    for name in ENCODERS:
        if name.startswith("clip-"):
            card = encoder_card(load_encoder(name))
            assert (card.name, card.revision) == (name, whole.name)
    assert asked == [f"openai/clip-vit-{size}" for size in ("base-patch32", "base-patch16", "large-patch14-336")]


def test_another_kind_of_model(tmp_path: Path) -> None:
    folder = tiny_sentence_model(tmp_path / "sentences")
    with pytest.raises(InputError, match="is not a CLIP model") as caught:
        load_encoder(f"clip:{folder}").encode(TEXTS)
    assert "'bert'" in caught.value.why
    assert caught.value.mend.startswith("write sentence-transformers:")


def test_weights_that_are_not_there_are_not_made_up(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "cut"))
    weights = load_file(folder / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        load_encoder(f"clip:{folder}").encode(TEXTS)
    assert caught.value.why == "its weights lack text_projection.weight"


def test_pickled_weights_are_not_read(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "pickled"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="has no weights that can be read"):
        encoder_card(load_encoder(f"clip:{folder}"))


def test_a_folder_without_a_tokenizer(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(whole / name, folder / name)
    with pytest.raises(InputError, match="has no tokenizer") as caught:
        load_encoder(f"clip:{folder}").encode(TEXTS)
    assert caught.value.mend.startswith("tokenizer.save_pretrained(")
