"""DeViSE's ranking loss against its formula, written out clip by clip."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.devise import DeViSE, DeViSEConfig, one_violation, violations


def random_batch(clips: int = 7, classes: int = 5) -> Batch:
    draw = torch.Generator().manual_seed(0)
    rows = F.normalize(torch.randn(classes, 3, 6, generator=draw), dim=-1)
    text = ClassText({"label": rows}, {"label": torch.ones(classes, 3, dtype=torch.bool)})
    features = {"pooled": 3 * torch.randn(clips, 4, generator=draw) + 1}
    return Batch(features, torch.arange(clips) % classes, text, 0, {})


def build(**options: object) -> DeViSE:
    torch.manual_seed(0)
    return DeViSE(DeViSEConfig(text=("label",), **options), Sizes({"pooled": 4}, 6, 5))


def by_hand(method: DeViSE, batch: Batch) -> list[list[float]]:
    """The positive violations of every clip."""
    texts = batch.text.mean("label").double()
    if method.config.centre:
        texts = texts - texts.mean(0)
    texts = F.normalize(texts, dim=-1)
    found = []
    for x, label in zip(batch.features["pooled"].double(), batch.labels.tolist(), strict=True):
        embedded = method.map.weight.double() @ x
        if method.config.similarity == "cosine":
            embedded = embedded / embedded.norm()
        own = embedded @ texts[label]
        terms = [method.config.margin - own + embedded @ t for j, t in enumerate(texts) if j != label]
        found.append([term.item() for term in terms if term > 0])
    return found


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_loss_is_the_formula(similarity: str, centre: bool, reduction: str) -> None:
    batch = random_batch()
    method = build(similarity=similarity, centre=centre, reduction=reduction)
    method.load_state_dict({**method.state_dict(), **method.solve(batch)})
    losses, found = method.losses(batch), by_hand(method, batch)
    divisor = 4 if reduction == "mean" else 1
    assert losses["loss"].item() == pytest.approx(sum(map(sum, found)) / len(found) / divisor, rel=1e-5)
    assert losses["violated"].item() == pytest.approx(sum(map(bool, found)) / len(found))


def test_one_violation_is_drawn_evenly_from_the_violating_classes_only() -> None:
    violation = torch.tensor([[0.0, 0.3, 0.0, 0.5, 0.2], [0.0, 0.0, 0.0, 0.0, 0.0]])
    choices = (torch.arange(300) + 0.5) / 300
    first = one_violation(violation[:1].expand(300, -1), choices)
    assert [int((first == value).sum()) for value in (0.3, 0.5, 0.2, 0.0)] == [100, 100, 100, 0]
    assert not one_violation(violation[1:].expand(300, -1), choices).any()


def test_the_drawn_violations_have_the_mean_of_all_violations() -> None:
    batch, method = random_batch(), build()
    generator = torch.Generator().manual_seed(1)
    drawn = [
        method.losses(replace(batch, draws=method.draws(batch.labels, generator)))["loss"].item() for _ in range(2000)
    ]
    means = [sum(clip) / len(clip) if clip else 0.0 for clip in by_hand(method, batch)]
    assert sum(drawn) / len(drawn) == pytest.approx(sum(means) / len(means), rel=0.05)


def test_the_own_class_and_met_margins_cost_nothing() -> None:
    similarity = torch.tensor([[0.9, 0.1, 0.85], [0.2, 0.2, 0.2]])
    found = violations(similarity, torch.tensor([0, 2]), margin=0.1)
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.05], [0.1, 0.1, 0.0]]))


def test_a_longer_embedding_helps_the_dot_product_alone() -> None:
    batch = random_batch()
    for similarity, changes in (("dot", True), ("cosine", False)):
        method = build(similarity=similarity, reduction="sum")
        before = method.losses(batch)["loss"].item()
        with torch.no_grad():
            method.map.weight.mul_(1000)
        assert (method.losses(batch)["loss"].item() != pytest.approx(before, rel=1e-4)) == changes


def test_scores_are_cosines_to_the_nearest_text() -> None:
    batch, method = random_batch(), build(initial="zero")
    with torch.no_grad():
        method.map.weight.copy_(torch.eye(6, 4))
    scores = method.scores(batch.features, method.prepare(batch.text, torch.Generator()))
    padded = F.pad(batch.features["pooled"], (0, 2))
    expected = F.cosine_similarity(padded[:, None], batch.text.mean("label")[None], dim=-1)
    torch.testing.assert_close(scores, expected)


def test_from_zero_the_first_step_goes_towards_the_right_text() -> None:
    batch, method = random_batch(), build(initial="zero", reduction="sum")
    method.losses(batch)["loss"].backward()
    gradient = method.map.weight.grad
    assert gradient.isfinite().all()
    with torch.no_grad():
        before = method.losses(batch)["loss"]
        method.map.weight.sub_(1e-4 * gradient)
        assert method.losses(batch)["loss"] < before


def test_a_start_without_direction_is_refused() -> None:
    with pytest.raises(ValidationError, match="initial=zero has no cosine"):
        DeViSEConfig(similarity="cosine", initial="zero")
