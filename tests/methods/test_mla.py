"""MLA against a naive reference that sends all B x S pairs through whole critics."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.mla import MLA, MLAConfig
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig

B, S, N, D, V = 14, 6, 12, 10, 7


def world(seed: int = 0, texts: int = N) -> tuple[Tensor, Tensor, ClassText]:
    g = torch.Generator().manual_seed(seed)
    slots = {
        "codebook": F.normalize(torch.randn(S, texts, D, generator=g), dim=-1),
        "motion": F.normalize(torch.randn(S, 1, D, generator=g), dim=-1),
    }
    masks = {name: torch.ones(value.shape[:2], dtype=torch.bool) for name, value in slots.items()}
    labels = torch.randint(S - 1, (B,), generator=g)
    return torch.randn(B, V, generator=g), labels, ClassText(slots, masks)


def model(**options: object) -> MLA:
    torch.manual_seed(1)
    config = MLAConfig(**({"series": (1, 3, 5), "hidden": (9, 8), "inverse_epochs": 2} | options))
    return MLA(config, Sizes({"pooled": V}, D, S))


def naive_logits(m: MLA, v: Tensor, text: ClassText, rho: int) -> Tensor:
    """t [H, B, S] straight from the equations."""
    out = []
    for h, k in enumerate(m.config.ks):
        z = F.layer_norm(v @ m.project[h] + m.project_bias[h], (D,))
        rows = []
        for c in range(S):
            d = text.slots["codebook"][c][text.masks["codebook"][c]]
            a = rho * (z @ d.T) / D**0.5
            threshold = a.sort(dim=1, descending=True).values[:, min(k, len(d)) - 1 : min(k, len(d))]
            scaled = a / m.config.attention_temperature
            w = torch.where(a >= threshold, scaled.exp(), torch.zeros(()))
            q = w / w.sum(1, keepdim=True) @ d + text.slots["motion"][c, 0]
            x = torch.cat([z, m.text_scale * q], dim=1)
            first = x @ torch.cat([m.critic_z[h], m.critic_q[h]]) + m.critic_bias[h]
            second = first.relu() @ m.middle[h] + m.middle_bias[h]
            t = (second.relu() @ m.last[h] + m.last_bias[h]).squeeze(1)
            rows.append(t)
        out.append(torch.stack(rows, dim=1))
    return torch.stack(out)


def naive_loss(t: Tensor, labels: Tensor, ranks: Tensor) -> Tensor:
    s, terms = F.softplus(t), []
    for h in range(len(t)):
        for i, y in enumerate(labels.tolist()):
            others = [j for j in range(len(labels)) if labels[j] != y]
            negatives = [s[h, others[r], y] for r in ranks[h].tolist() if r >= 0]
            terms.append(torch.stack([s[h, i, y], *negatives]).logsumexp(0) - s[h, i, y])
    return torch.stack(terms).mean()


@pytest.mark.parametrize("epoch", [0, 5], ids=["reversed", "plain"])
@pytest.mark.parametrize(
    "options",
    [{}, {"attention_temperature": 0.05, "text_scale": "sqrt-dim"}, {"class_weight": 0.7}],
    ids=["official", "mended", "all pairs"],
)
@pytest.mark.parametrize("masked", [False, True])
def test_loss_and_gradients_equal_the_naive_reference(options: dict[str, object], epoch: int, masked: bool) -> None:
    m, (v, labels, text) = model(**options), world()
    if masked:
        text.masks["codebook"][2, 4:] = False
        text.masks["codebook"][0, 0] = False
    draws = m.draws(labels, torch.Generator().manual_seed(5))
    losses = m.losses(Batch({"pooled": v}, labels, text, epoch, draws))
    losses["loss"].backward()
    ours = {name: p.grad.clone() for name, p in m.named_parameters()}
    m.zero_grad()
    t = naive_logits(m, v, text, -1 if epoch < 2 else 1)
    loss = naive_loss(t, labels, draws["ranks"])
    if m.config.class_weight:
        present = labels.unique()
        rows = torch.searchsorted(present, labels)
        crossed = torch.stack([F.cross_entropy(head[:, present], rows) for head in t]).mean()
        loss = loss + m.config.class_weight * crossed
    torch.testing.assert_close(losses["loss"], loss, atol=1e-5, rtol=0)
    loss.backward()
    for name, p in m.named_parameters():
        torch.testing.assert_close(ours[name], p.grad, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("link", ["logsigmoid", "softplus", "raw"])
def test_scores_equal_the_naive_reference(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zsl_skeleton.methods.mla._CHUNK", 3 * S * 9)  # three clips at once
    m, (v, _, text) = model(head_link=link), world()
    text.masks["codebook"][1, 2:] = False
    link_of = {"logsigmoid": F.logsigmoid, "softplus": F.softplus, "raw": lambda t: t}
    expected = link_of[link](naive_logits(m, v, text, 1)).sum(0)
    torch.testing.assert_close(
        m.scores({"pooled": v}, m.prepare(text, torch.Generator())), expected, atol=1e-5, rtol=1e-5
    )


def test_ranks_are_distinct_and_in_every_anchors_list() -> None:
    m, labels = model(negatives=8), torch.tensor([0] * 9 + [1] * 3 + [2] * 2)
    ranks = m.draws(labels, torch.Generator().manual_seed(0))["ranks"]
    assert ranks.shape == (3, 8)
    for row in ranks.tolist():
        real = [r for r in row if r >= 0]
        assert sorted(set(real)) == sorted(real) == list(range(5))  # 14 - 9 clips are of another class than the first
        assert row[5:] == [-1] * 3
    again = m.draws(labels, torch.Generator().manual_seed(0))["ranks"]
    assert torch.equal(ranks, again)
    assert not torch.equal(ranks[0], ranks[1])


def test_all_ranks_are_equally_likely() -> None:
    m, labels = model(negatives=2), torch.arange(5)
    g = torch.Generator().manual_seed(0)
    counts = torch.stack([m.draws(labels, g)["ranks"] for _ in range(2000)]).flatten().bincount(minlength=5)
    assert len(counts) == 4 + 1 - (counts[-1] == 0).int() or counts[4] == 0
    assert (counts[:4].double() / counts.sum() - 0.25).abs().max() < 0.02


@pytest.mark.parametrize("labels", [[3], [2, 2, 2], [0, 0, 0, 1]], ids=["one clip", "one class", "skewed"])
def test_odd_batches_train(labels: list[int]) -> None:
    m, (v, _, text) = model(), world()
    rows = torch.tensor(labels)
    draws = m.draws(rows, torch.Generator().manual_seed(0))
    loss = m.losses(Batch({"pooled": v[: len(labels)]}, rows, text, 9, draws))["loss"]
    loss.backward()
    torch.testing.assert_close(loss, naive_loss(naive_logits(m, v[: len(labels)], text, 1), rows, draws["ranks"]))
    assert all(p.grad.isfinite().all() for p in m.parameters())


def test_k_is_clipped_to_the_number_of_descriptions() -> None:
    (v, labels, text), few = world(texts=2), model(series=(1, 50))
    two = model(series=(1, 2))
    torch.testing.assert_close(
        few.scores({"pooled": v}, few.prepare(text, torch.Generator())),
        two.scores({"pooled": v}, two.prepare(text, torch.Generator())),
    )
    draws = few.draws(labels, torch.Generator())
    assert few.losses(Batch({"pooled": v}, labels, text, 0, draws))["loss"].isfinite()


def test_the_motion_slot_can_be_switched_off() -> None:
    m, (v, _, text) = model(motion=None), world()
    assert m.slots == ("codebook",)
    zero = replace(text, slots={**text.slots, "motion": torch.zeros(S, 1, D)})
    torch.testing.assert_close(m.scores({"pooled": v}, m.prepare(text, torch.Generator())), naive_links(m, v, zero))


def naive_links(m: MLA, v: Tensor, text: ClassText) -> Tensor:
    return F.logsigmoid(naive_logits(m, v, text, 1)).sum(0)


@pytest.mark.parametrize(("max_k", "heads"), [(60, 12), (25, 5), (15, 3), (50, 10)])
def test_the_official_series(max_k: int, heads: int) -> None:
    config = MLAConfig(max_k=max_k)
    assert len(config.ks) == heads
    with torch.device("meta"):
        m = MLA(config, Sizes({"pooled": 256}, 768, 55))
    assert sum(p.numel() for p in m.parameters()) == heads * 2_296_577


def test_statistics_come_from_the_training_clips() -> None:
    m, (v, labels, text) = model(visual="standardise", centre_text=True), world()
    m.load_state_dict({**m.state_dict(), **m.solve(Batch({"pooled": 5 * v + 3}, labels, text, 0, {}))})
    plain = model()
    standard = (v - v.mean(0)) / v.std(0, correction=0)
    torch.testing.assert_close(m.encode(5 * v + 3), plain.encode(standard), atol=1e-4, rtol=1e-4)
    centred = text.slots["codebook"] - text.slots["codebook"].mean((0, 1))
    torch.testing.assert_close(
        m.prepare(text, torch.Generator())["rows"], F.normalize(centred, dim=-1), atol=1e-5, rtol=1e-4
    )


def test_dropout_acts_only_in_training() -> None:
    m, (v, labels, text) = model(dropout=0.5), world()
    draws = m.draws(labels, torch.Generator().manual_seed(0))
    assert set(draws["keep"].unique().tolist()) == {0.0, 2.0}
    batch = Batch({"pooled": v}, labels, text, 9, draws)
    off = replace(batch, draws={"ranks": draws["ranks"]})
    assert m.losses(batch)["loss"] != m.losses(off)["loss"]


def test_the_linear_map_adds_the_ridge_cosine_at_test_and_nothing_in_training() -> None:
    plain, (v, labels, text) = model(), world()
    m = model(linear_weight=15.0)
    batch = Batch({"pooled": v}, labels, text, 9, plain.draws(labels, torch.Generator().manual_seed(0)))
    m.load_state_dict({**m.state_dict(), **m.solve(batch)})
    ridge = Ridge(RidgeConfig(text=("codebook", "motion")), Sizes({"pooled": V}, D, S))
    ridge.load_state_dict(ridge.solve(batch))
    cosine = ridge.scores({"pooled": v}, ridge.prepare(text, torch.Generator()))
    expected = plain.logits(v, plain.prepare(text, torch.Generator())) + 15.0 * cosine[..., None]
    torch.testing.assert_close(m.logits(v, m.prepare(text, torch.Generator())), expected, atol=1e-5, rtol=1e-5)
    assert m.losses(batch)["loss"] == plain.losses(batch)["loss"]
