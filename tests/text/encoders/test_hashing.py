from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from zsl_skeleton.text.encoders.hashing import Hashing

TEXTS = ["raises the right arm", "raises the left arm", "a squat, then a jump", "Übung über 2 Meter"]


def test_vectors_are_unit_float32() -> None:
    vectors = Hashing().encode(TEXTS)
    assert vectors.shape == (4, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert Hashing().encode([]).shape == (0, 256)
    assert not Hashing().encode(["…"]).any()


def test_the_same_bytes_in_every_process() -> None:
    code = (
        "from zsl_skeleton.text.encoders.hashing import Hashing; import sys;"
        f"sys.stdout.write(Hashing().encode({TEXTS!r}).tobytes().hex())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs == [Hashing().encode(TEXTS).tobytes().hex()] * 2


def test_shared_words_and_stems_bring_texts_together() -> None:
    similar = Hashing().encode(["raise the right arm", "raises the right arm", "kneels down and stays low"])
    assert similar[0] @ similar[1] > 0.6
    assert similar[0] @ similar[1] > similar[0] @ similar[2] + 0.3


def test_word_order_matters_a_little() -> None:
    first, second = Hashing().encode(["left then right", "right then left"])
    assert 0.5 < first @ second < 1


def test_tokens_are_words() -> None:
    assert Hashing().count_tokens(TEXTS) == [4, 4, 5, 4]
