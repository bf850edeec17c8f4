"""Precision and devices, on a tiny model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tiny_encoders import tiny_sentence_model
from zsl_skeleton.errors import InputError, UsageError
from zsl_skeleton.text.encoders import encoder_card
from zsl_skeleton.text.encoders.sentence_transformers import SentenceTransformers

TEXTS = ["a person raises the right arm", "the left leg", "sits"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_sentence_model(tmp_path_factory.mktemp("models") / "tiny"))


def test_bf16_without_a_gpu(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    encoder = SentenceTransformers(folder, dtype="bf16")
    with pytest.raises(UsageError, match=r"bf16 needs a GPU, and the device is cpu \(no GPU is visible"):
        encoder.encode(TEXTS)


def test_bf16_rounds_and_its_card_says_so(folder: str) -> None:
    exact, half = SentenceTransformers(folder, device="cpu"), SentenceTransformers(folder, dtype="bf16")
    half.__dict__["_device"] = torch.device("cpu")  # past the check: it computes the same way on a GPU
    rounded = half.encode(TEXTS)
    assert rounded.dtype == np.float32
    difference = np.abs(rounded - exact.encode(TEXTS)).max()
    assert 1e-5 < difference < 0.03
    assert encoder_card(half).revision == encoder_card(exact).revision + "+bf16"


def test_a_device_that_is_not_there(folder: str) -> None:
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        SentenceTransformers(folder, device="gpu").encode(TEXTS)


def test_too_little_memory_on_the_gpu(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SentenceTransformers(folder, device="cpu")
    tokens = encoder._tokens(["sits"], 16)

    def full(_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    monkeypatch.setattr(encoder, "_forward", full)
    monkeypatch.setattr(SentenceTransformers, "device", "cuda")
    with pytest.raises(InputError, match="does not fit into the memory of the GPU") as caught:
        encoder._all_forward([tokens])
    assert caught.value.why == "CUDA out of memory"
    assert "--device cpu" in caught.value.mend


def test_threads_are_given_back(folder: str) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        SentenceTransformers(folder, device="cpu").encode(TEXTS)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_weights_in_half_precision_are_computed_in_full(folder: str, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    halved = tmp_path / "halved"
    shutil.copytree(folder, halved)
    weights = load_file(halved / "model.safetensors")
    rounded = {key: value.half() for key, value in weights.items()}
    save_file(rounded, halved / "model.safetensors", {"format": "pt"})
    config = (halved / "config.json").read_text(encoding="utf-8")
    (halved / "config.json").write_text(config.replace('"float32"', '"float16"'), encoding="utf-8")
    stored = SentenceTransformers(str(halved), device="cpu").encode(TEXTS)
    save_file({key: value.float() for key, value in rounded.items()}, halved / "model.safetensors", {"format": "pt"})
    (halved / "config.json").write_text(config, encoding="utf-8")
    assert stored.tobytes() == SentenceTransformers(str(halved), device="cpu").encode(TEXTS).tobytes()
