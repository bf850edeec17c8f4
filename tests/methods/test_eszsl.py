"""ESZSL against the formula of its paper and the objective that it minimises."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.eszsl import ESZSL, ESZSLConfig, bilinear_weights, smoothed

PLAIN = {"text": ("label",), "relative": False, "standardise": False, "centre": False, "unit": False}


def text_of(rows: np.ndarray, **more: np.ndarray) -> ClassText:
    slots = {name: torch.from_numpy(value.astype(np.float32)) for name, value in {"label": rows, **more}.items()}
    return ClassText(slots, {name: torch.ones(value.shape[:2], dtype=torch.bool) for name, value in slots.items()})


def solved(config: ESZSLConfig, x: np.ndarray, labels: np.ndarray, text: ClassText) -> ESZSL:
    clips = torch.from_numpy(x.astype(np.float32))
    sizes = Sizes({"pooled": x.shape[1]}, text.slots["label"].shape[-1], len(text.slots["label"]))
    method = ESZSL(config, sizes)
    method.load_state_dict(method.solve(Batch({"pooled": clips}, torch.from_numpy(labels), text, 0, {})))
    return method


def scores_of(method: ESZSL, x: np.ndarray, text: ClassText) -> np.ndarray:
    state = method.prepare(text, torch.Generator())
    return method.scores({"pooled": torch.from_numpy(x.astype(np.float32))}, state).numpy()


@pytest.mark.parametrize(("n", "d"), [(30, 9), (9, 30)], ids=["more clips", "more dimensions"])
@pytest.mark.parametrize("e", [3, 12], ids=["more classes", "more text dimensions"])
def test_equals_the_published_formula(n: int, d: int, e: int) -> None:
    rng = np.random.default_rng(0)
    x, new, texts, unseen = (rng.normal(size=s) for s in [(n, d), (5, d), (4, 2, e), (3, 2, e)])
    labels = rng.integers(4, size=n)
    method = solved(ESZSLConfig(**PLAIN, gamma=0.3, lam=2.0), x, labels, text_of(texts))

    s, y = texts.mean(1), np.where(labels[:, None] == np.arange(4), 1.0, -1.0)
    left, right = np.linalg.inv(x.T @ x + 0.3 * np.eye(d)), np.linalg.inv(s.T @ s + 2.0 * np.eye(e))
    expected = new @ (left @ x.T @ y @ s @ right) @ unseen.mean(1).T
    np.testing.assert_allclose(scores_of(method, new, text_of(unseen)), expected, atol=1e-4, rtol=1e-4)


def test_no_other_map_has_a_lower_objective() -> None:
    rng = np.random.default_rng(1)
    x, s = (torch.from_numpy(rng.normal(size=shape)) for shape in [(20, 6), (5, 4)])
    labels = torch.from_numpy(rng.integers(5, size=20))
    y = 2 * torch.nn.functional.one_hot(labels, 5).double() - 1
    weight = bilinear_weights(x, labels, s, ESZSLConfig(**PLAIN, gamma=0.5, lam=0.2)).requires_grad_()
    misfit, sides = (x @ weight @ s.T - y).square().sum(), (weight @ s.T).square().sum() * 0.5
    objective = misfit + sides + (x @ weight).square().sum() * 0.2 + weight.square().sum() * 0.5 * 0.2
    objective.backward()
    assert weight.grad.abs().max() < 1e-10
    assert objective < y.square().sum()


def test_relative_penalties_make_scales_irrelevant() -> None:
    rng = np.random.default_rng(2)
    x, new, texts = rng.normal(size=(15, 6)), rng.normal(size=(4, 6)), rng.normal(size=(4, 1, 8))
    labels = np.arange(15) % 4
    config = ESZSLConfig(**{**PLAIN, "relative": True})
    one = scores_of(solved(config, x, labels, text_of(texts)), new, text_of(texts))
    other = scores_of(solved(config, 100 * x, labels, text_of(0.01 * texts)), 100 * new, text_of(0.01 * texts))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    fixed = scores_of(solved(ESZSLConfig(**PLAIN), 100 * x, labels, text_of(texts)), 100 * new, text_of(texts))
    assert not np.allclose(one, fixed, rtol=0.1)


def test_common_shifts_and_text_lengths_do_not_matter_by_default() -> None:
    rng = np.random.default_rng(3)
    x, new, texts = rng.normal(size=(20, 6)), rng.normal(size=(4, 6)), rng.normal(size=(4, 1, 8))
    labels, config = np.arange(20) % 4, ESZSLConfig(text=("label",))
    one = scores_of(solved(config, x, labels, text_of(texts)), new, text_of(texts))
    moved = text_of(texts + 3.0)
    other = scores_of(solved(config, 5 * x - 2, labels, moved), 5 * new - 2, moved)
    np.testing.assert_allclose(one, other, atol=1e-4)
    method = solved(config, x, labels, text_of(texts))
    centre = texts.mean(axis=(0, 1))
    longer = text_of(centre + 9.0 * (texts - centre))
    np.testing.assert_allclose(scores_of(method, new, longer), one, atol=1e-4)


@pytest.mark.parametrize("relative", [True, False])
def test_rows_of_zeros_are_no_accident(relative: bool) -> None:
    rows = torch.zeros(3, 5)
    assert torch.equal(smoothed(rows, 1.0, relative=relative), rows.double())


def test_slots_count_equally_and_masked_texts_do_not() -> None:
    text = text_of(np.ones((1, 1, 2)), codebook=np.array([[[0.0, 2.0], [9.0, 9.0]]]))
    text.masks["codebook"][0, 1] = False
    method = ESZSL(ESZSLConfig(text=("label", "codebook"), centre=False, unit=False), Sizes({"pooled": 2}, 2, 1))
    method.weight.copy_(torch.eye(2))
    assert method.prepare(text, torch.Generator())["classifier"].tolist() == [[0.5, 1.5]]
