"""Ridge against the kernel form that defines it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.linear import column_statistics
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig, ridge_weights


def text_of(rows: np.ndarray, **more: np.ndarray) -> ClassText:
    slots = {name: torch.from_numpy(value.astype(np.float32)) for name, value in {"label": rows, **more}.items()}
    return ClassText(slots, {name: torch.ones(value.shape[:2], dtype=torch.bool) for name, value in slots.items()})


@pytest.mark.parametrize(("n", "d"), [(30, 9), (9, 30)], ids=["more clips", "more dimensions"])
def test_equals_kernel_ridge(n: int, d: int) -> None:
    rng = np.random.default_rng(0)
    x, new, texts, unseen = (rng.normal(size=s) for s in [(n, d), (5, d), (4, 3, 6), (3, 3, 6)])
    labels = rng.integers(4, size=n)
    method = Ridge(RidgeConfig(text=("label",), penalty=0.3), Sizes({"pooled": d}, 6, 4))
    batch = Batch({"pooled": torch.from_numpy(x.astype(np.float32))}, torch.from_numpy(labels), text_of(texts), 0, {})
    method.load_state_dict(method.solve(batch))
    scores = method.scores(
        {"pooled": torch.from_numpy(new.astype(np.float32))}, method.prepare(text_of(unseen), torch.Generator())
    )

    mean, std = x.mean(0), x.std(0)
    standard, standard_new = (x - mean) / std, (new - mean) / std
    centre = texts.mean(1).mean(0)
    alpha = np.linalg.solve(standard @ standard.T / d + 0.3 * np.eye(n), (texts.mean(1) - centre)[labels])
    predicted, wanted = standard_new @ standard.T / d @ alpha, unseen.mean(1) - centre
    norms = np.linalg.norm(predicted, axis=1)[:, None] * np.linalg.norm(wanted, axis=1)
    np.testing.assert_allclose(scores.numpy(), predicted @ wanted.T / norms, atol=1e-5)


def test_both_systems_agree() -> None:
    rng = np.random.default_rng(1)
    x, y = torch.from_numpy(rng.normal(size=(8, 8))), torch.from_numpy(rng.normal(size=(8, 3)))
    wide = torch.cat([x, torch.zeros(8, 1)], dim=1)
    torch.testing.assert_close(ridge_weights(x, y, 0.5), ridge_weights(wide, y, 0.5 * 8 / 9)[:8], atol=1e-9, rtol=1e-9)


def test_a_constant_column_does_not_blow_up() -> None:
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    mean, scale = column_statistics(x)
    assert mean.tolist() == [2.0, 5.0]
    assert scale.tolist() == [1.0, 1.0]


def test_slots_count_equally_and_masked_texts_do_not() -> None:
    text = text_of(np.ones((1, 1, 2)), codebook=np.array([[[0.0, 2.0], [9.0, 9.0]]]))
    text.masks["codebook"][0, 1] = False
    method = Ridge(RidgeConfig(text=("label", "codebook"), centre=False), Sizes({"pooled": 2}, 2, 1))
    expected = torch.nn.functional.normalize(torch.tensor([[0.5, 1.5]]), dim=-1)
    torch.testing.assert_close(method.prepare(text, torch.Generator())["text"], expected)
