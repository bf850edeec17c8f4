"""Virtual classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from zsl_skeleton.methods.base import Batch, ClassText
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.mixing import add_mixed_classes


def batch() -> Batch:
    rows = F.normalize(torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0)), dim=-1)
    text = ClassText({"codebook": rows}, {"codebook": torch.ones(4, 3, dtype=torch.bool)})
    labels = torch.tensor([0, 0, 1, 2, 3, 3, 1, 2])
    return Batch({"pooled": F.one_hot(labels, 4).float()}, labels, text, 0, {})


def test_a_virtual_clip_and_its_text_are_the_same_mixture() -> None:
    mixed = add_mixed_classes(batch(), TrainConfig(mixed=2.0, mixed_margin=0.3), torch.Generator().manual_seed(1))
    plain = batch()
    assert mixed.labels.shape == (24,)
    assert mixed.text.slots["codebook"].shape == (20, 3, 5)
    assert torch.equal(mixed.features["pooled"][:8], plain.features["pooled"])
    assert torch.equal(mixed.labels[:8], plain.labels)
    inside = 0
    for row in range(8, 24):
        share, label = mixed.features["pooled"][row], int(mixed.labels[row])
        if label < 4:  # both clips are of one class
            inside += 1
            assert share[label] == 1
            continue
        assert label == row - 8 + 4
        assert ((share == 0) | ((share > 0.3 - 1e-6) & (share < 0.7 + 1e-6))).all()
        expected = F.normalize(torch.einsum("c,cnd->nd", share, plain.text.slots["codebook"]), dim=-1)
        torch.testing.assert_close(mixed.text.slots["codebook"][label], expected)
    assert 0 < inside < 16


def test_a_missing_text_stays_missing_in_the_mixture() -> None:
    plain = batch()
    plain.text.masks["codebook"][1, 2] = False
    mixed = add_mixed_classes(plain, TrainConfig(mixed=2.0), torch.Generator().manual_seed(1))
    for label in range(4, 20):
        involved = mixed.features["pooled"][4 + label].nonzero().flatten().tolist()
        assert mixed.text.masks["codebook"][label, 2] == (1 not in involved)
