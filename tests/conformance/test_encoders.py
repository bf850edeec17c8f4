"""What must hold for every registered encoder, shown on tiny models where the real weights are not at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tiny_encoders import WORDS, tiny_clip, tiny_sentence_model
from zsl_skeleton.files import sha256_file
from zsl_skeleton.text.encoders import ENCODERS, Encoder, encoder_card, load_encoder, over_long
from zsl_skeleton.text.encoders.minilm import MiniLM

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {
        "minilm": tiny_sentence_model(root / "minilm", width=384, max_tokens=256),
        "sentence": tiny_sentence_model(root / "sentence", dense=True),
        "clip": tiny_clip(root / "snapshots" / COMMIT, whole=True),
        "tower": tiny_clip(root / "tower"),
    }


@pytest.fixture(params=sorted(ENCODERS))
def make(
    request: pytest.FixtureRequest, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Encoder]:
    """Creates the encoder anew."""
    name: str = request.param
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(models["clip"]))
    if name == "minilm":
        weights = sha256_file(models["minilm"] / "model.safetensors")
        return lambda: MiniLM(models["minilm"], weights, device="cpu")
    places = {"clip:MODEL": f"clip:{models['tower']}", "sentence-transformers:MODEL": f"st:{models['sentence']}"}
    return lambda: load_encoder(places.get(name, name), device="cpu")


def some_texts(count: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    return sorted({" ".join(draw.choice(WORDS, draw.integers(1, 30))) for _ in range(count)})


def test_vectors_are_finite_float32_of_length_one(make: Callable[[], Encoder]) -> None:
    encoder, texts = make(), some_texts(9)
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)
    assert len(np.unique(vectors.round(4), axis=0)) == len(texts)


def test_a_vector_depends_on_its_text_alone_to_the_last_bit(make: Callable[[], Encoder]) -> None:
    encoder, texts = make(), some_texts(70)
    whole = dict(zip(texts, encoder.encode(texts), strict=True))
    some = [texts[i] for i in np.random.default_rng(1).permutation(len(texts))[:23]]
    again = make()
    for text, vector in zip(some, again.encode(some), strict=True):
        assert vector.tobytes() == whole[text].tobytes()
    assert again.encode(some[:1])[0].tobytes() == whole[some[0]].tobytes()


def test_only_what_is_read_changes_the_vector_and_the_rest_is_counted(make: Callable[[], Encoder]) -> None:
    encoder = make()
    limit = encoder.max_tokens
    counts = encoder.count_tokens(["a", "a person sits"])
    assert 0 < counts[0] < counts[1]
    if limit is None:
        assert over_long(encoder, ["a " * 1000]) == {}
        return
    fitting = "a " * (limit - encoder.count_tokens(["a"])[0] + 1)
    longer = fitting + "right arm"
    assert encoder.count_tokens([fitting]) == [limit]
    found = over_long(encoder, ["a", fitting, longer])
    assert list(found) == [longer]
    assert found[longer] > limit
    vectors = encoder.encode([longer, longer + " leg", fitting[:-2] + "the"])
    assert vectors[0].tobytes() == vectors[1].tobytes()
    assert vectors[0].tobytes() != vectors[2].tobytes()


def test_cards_are_the_same_every_time_and_name_no_path(make: Callable[[], Encoder]) -> None:
    first, second = encoder_card(make()), encoder_card(make())
    assert first == second
    assert all((first.name, first.revision, first.pooling))
    assert "/tmp" not in first.name
    assert str(Path.cwd()) not in first.name


def test_it_computes_where_it_was_told(make: Callable[[], Encoder]) -> None:
    assert make().device == "cpu"
