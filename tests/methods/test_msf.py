"""MSF against naive float64 references of its loss and its classifier."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zsl_skeleton.errors import UsageError
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.msf import MSF, MSFConfig, latent_codes, train_classifier
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.loop import make_optimizer, train_step
from zsl_skeleton.training.settings import resolve_settings

B, S, D, V, L = 9, 6, 5, 7, 4
SLOTS = ("label", "action", "motion")
SLOT_OPTION = f"text=[{','.join(SLOTS)}]"


def world(classes: int = S, seed: int = 0, slots: tuple[str, ...] = SLOTS) -> tuple[Tensor, Tensor, ClassText]:
    g = torch.Generator().manual_seed(seed)
    text = {slot: torch.randn(classes, 1, D, generator=g) * (i + 1) for i, slot in enumerate(slots)}
    masks = {slot: torch.ones(classes, 1, dtype=torch.bool) for slot in slots}
    return torch.randn(B, V, generator=g), torch.randint(classes, (B,), generator=g), ClassText(text, masks)


def model(**options: object) -> MSF:
    torch.manual_seed(1)
    config = MSFConfig.model_validate(
        {"latent": L, "latents": 20, "classifier_steps": 30, "linear_weight": 0} | options
    )
    m = MSF(config, Sizes({"pooled": V}, D, S))
    with torch.no_grad():
        for parameter in m.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return m


def batch_of(m: MSF, classes: int = S, epoch: int = 2, step: int = 1600) -> Batch:
    v, labels, text = world(classes)
    return Batch({"pooled": v}, labels, text, epoch, m.draws(labels, torch.Generator().manual_seed(5)), step)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def naive_loss(m: MSF, batch: Batch) -> Tensor:
    """The loss straight from the equations, one clip after the other."""
    c, v = m.config, batch.features["pooled"]
    w = {name: value.double() for name, value in m.named_parameters()}
    e = torch.cat([batch.text.slots[slot][:, 0].double() for slot in c.text], dim=1)
    total = torch.zeros((), dtype=torch.float64)
    s = max(c.kl_weight * (batch.step - c.kl_start) / c.kl_ramp, 0.0)
    t = max(c.kl_weight * (batch.step - c.cross_start) / c.kl_ramp, 0.0) if batch.epoch >= c.text_kl_cycle else 0.0
    cross = c.cross_weight if batch.step > c.cross_start else 0.0
    if c.annealing == "constant":
        s, t, cross = c.kl_weight, c.kl_weight, c.cross_weight
    for i, label in enumerate(batch.labels.tolist()):
        targets = v[i].double(), e[label] / e[label].norm()
        codes, kl = [], []
        for k, (kind, target) in enumerate(zip(("visual", "text"), targets, strict=True)):
            noise = batch.draws.get(f"{kind}_noise")
            x = target if noise is None else target + noise[i].double()
            both = w[f"{kind}_encoder.weight"] @ x + w[f"{kind}_encoder.bias"]
            mu, logvar = both[:L], both[L:]
            codes.append(mu + batch.draws["eps"][k, i].double() * (logvar / 2).exp())
            kl.append(-0.5 * (1 + logvar - mu**2 - logvar.exp()).sum())
        for k, (kind, target) in enumerate(zip(("visual", "text"), targets, strict=True)):
            scale = 1.0 if kind == "visual" else m.text_weight
            for code, weight in ((codes[k], 1.0), (codes[1 - k], cross)):
                decoded = w[f"{kind}_decoder.weight"] @ code + w[f"{kind}_decoder.bias"]
                relu = c.visual_decoder_relu if kind == "visual" else c.text_decoder_relu
                total = total + weight * scale * ((decoded.clamp(min=0) if relu else decoded) - target).pow(2).mean()
        total = total + s * kl[0] + t * kl[1]
    return total / len(v)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"eps": "full", "visual_decoder_relu": False, "text_decoder_relu": False, "text_loss_weight": "dim"},
        {"annealing": "constant", "text_loss_weight": 3.0, "kl_weight": 0.5, "cross_weight": 0.7},
        {"visual_noise": 0.5, "text_noise": 0.4, "text": ("motion", "label")},
    ],
    ids=["official", "no ReLU", "constant", "noise"],
)
@pytest.mark.parametrize("classes", [S, 2 * B], ids=["few classes", "many classes"])
@pytest.mark.parametrize(("epoch", "step"), [(0, 0), (1, 1200), (2, 1600)])
def test_loss_and_gradient(options: dict[str, object], classes: int, epoch: int, step: int) -> None:
    m = model(**options)
    batch = batch_of(m, classes, epoch, step)
    loss, expected = m.losses(batch)["loss"], naive_loss(m, batch)
    torch.testing.assert_close(loss, expected.float(), rtol=1e-5, atol=1e-6)
    parameters = list(m.parameters())
    found = torch.autograd.grad(loss, parameters)
    for got, wanted in zip(found, torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-6)


def test_the_parts_add_up_to_the_loss() -> None:
    m = model()
    early = m.losses(batch_of(m, step=0))
    assert set(early) == {"loss", "reconstruction"}
    late = m.losses(batch_of(m))
    assert set(late) == {"loss", "reconstruction", "cross", "kl"}
    torch.testing.assert_close(late["loss"], late["reconstruction"] + late["cross"] + late["kl"])


@pytest.mark.parametrize(
    ("cross_start", "last", "a_s", "a_t"), [(1400, 1699, 0.0233, 0.00997), (1500, 1899, 0.02997, 0.0133)]
)
def test_the_official_weights(cross_start: int, last: int, a_s: float, a_t: float) -> None:
    config = MSFConfig(cross_start=cross_start)
    assert config.weights(2, last) == pytest.approx((a_s, a_t, 1.0), rel=3e-3)
    assert config.weights(1, last)[1] == 0
    assert config.weights(9, 1000) == (0, 0, 0)
    assert config.weights(9, cross_start)[1:] == (0, 0)
    assert config.weights(9, cross_start + 1)[2] == 1
    assert MSFConfig(cross_start=-1).weights(0, 0)[2] == 1


@pytest.mark.parametrize("relu", [True, False], ids=["ReLU", "no ReLU"])
@pytest.mark.parametrize("kind", ["scalar", "full"])
def test_the_classifier(relu: bool, kind: str) -> None:
    classes, count = 5, 11
    g = generator()
    mu, spread = torch.randn(classes, L, generator=g), torch.rand(classes, L, generator=g)
    eps = torch.randn((classes, count) if kind == "scalar" else (classes, count, L), generator=g)
    weight, bias = torch.randn(L, classes, generator=g), torch.randn(classes, generator=g)
    config = MSFConfig(classifier_relu=relu, classifier_steps=40, classifier_rate=0.05)
    found = train_classifier(latent_codes(mu, spread, eps), weight, bias, config)
    noise = eps[..., None] if kind == "scalar" else eps
    z = (mu[:, None] + noise * spread[:, None]).double().flatten(0, 1)
    expected = [weight.double().requires_grad_(), bias.double().requires_grad_()]
    optimizer = torch.optim.Adam(expected, lr=0.05)
    for _ in range(40):
        logits = z @ expected[0] + expected[1]
        loss = F.cross_entropy(logits.relu() if relu else logits, torch.arange(classes).repeat_interleave(count))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got.double(), wanted.detach(), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(found[0], weight, atol=0.1)


@pytest.mark.parametrize("kind", ["scalar", "full"])
def test_the_order_of_the_candidates_does_not_matter(kind: str) -> None:
    m, (v, _, text) = model(eps=kind), world()
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    plain = m.scores({"pooled": v}, m.prepare(text, generator()))
    permuted = m.scores({"pooled": v}, m.prepare(text.select(order), generator()))
    torch.testing.assert_close(permuted, plain[:, order], atol=1e-6, rtol=1e-6)
    assert not torch.allclose(plain, m.scores({"pooled": v}, m.prepare(text, torch.Generator().manual_seed(4))))


def test_scores_are_log_probabilities_of_the_logits() -> None:
    m, (v, _, text) = model(), world()
    state = m.prepare(text, generator())
    scores, logits = m.scores({"pooled": v}, state), m.logits(v, state)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(B))
    torch.testing.assert_close(scores, logits.log_softmax(1))
    assert (logits >= 0).all()
    assert (model(classifier_relu=False).logits(v, state) < 0).any()


def test_preparing_needs_and_leaves_no_gradients() -> None:
    m, (v, _, text) = model(), world()
    assert not any(value.requires_grad for value in m.prepare(text, generator()).values())
    assert all(parameter.grad is None for parameter in m.parameters())
    with torch.inference_mode():
        inside = m.scores({"pooled": v}, m.prepare(text, generator()))
    torch.testing.assert_close(inside, m.scores({"pooled": v}, m.prepare(text, generator())))


def test_several_texts_are_averaged_and_missing_ones_do_not_count() -> None:
    m, (_, _, text) = model(), world()
    rows = torch.randn(S, 3, D)
    mask = torch.tensor([[True, True, False]]).expand(S, 3)
    several = replace(text, slots={**text.slots, "action": rows}, masks={**text.masks, "action": mask})
    mean = replace(text, slots={**text.slots, "action": rows[:, :2].mean(1, keepdim=True)})
    torch.testing.assert_close(m.text_input(several), m.text_input(mean))


def test_unit_norms_make_the_slots_weigh_the_same() -> None:
    _, _, text = world()
    louder = replace(text, slots={**text.slots, "label": 5 * text.slots["label"]})
    raw, unit = model(), model(text_norms="unit")
    assert (raw.config.unit_text, unit.config.unit_text) == (False, True)
    assert not torch.allclose(raw.text_input(text), raw.text_input(louder), atol=0.01)
    torch.testing.assert_close(unit.text_input(text), unit.text_input(louder))
    for m in (raw, unit):
        torch.testing.assert_close(m.text_input(text).norm(dim=1), torch.ones(S))
    torch.testing.assert_close(unit.text_input(text).view(S, 3, D).norm(dim=2), torch.full((S, 3), 3**-0.5))


@pytest.mark.parametrize("labels", [[3], [2, 2, 2]], ids=["one clip", "one class"])
def test_odd_batches_train(labels: list[int]) -> None:
    m, (v, _, text) = model(), world()
    rows = torch.tensor(labels)
    batch = Batch({"pooled": v[: len(rows)]}, rows, text, 5, m.draws(rows, generator()), 1600)
    loss = m.losses(batch)["loss"]
    torch.testing.assert_close(loss, naive_loss(m, batch).float(), rtol=1e-5, atol=1e-6)
    loss.backward()
    assert all(p.grad.isfinite().all() for p in m.parameters())


def test_a_single_candidate_is_certain() -> None:
    m, (v, _, text) = model(), world()
    assert torch.equal(class_scores(m, {"pooled": v}, text.select(torch.tensor([2]))), torch.zeros(B, 1))


def test_two_classes_of_the_same_text_can_be_scored() -> None:
    m, (v, _, text) = model(), world()
    assert class_scores(m, {"pooled": v}, text.select(torch.tensor([2, 2, 4]))).isfinite().all()


def test_standardised_features_need_a_decoder_that_reaches_them() -> None:
    overrides = ("visual=standardise", "visual_decoder_relu=true")
    with pytest.raises(UsageError, match="set visual_decoder_relu=false"):
        resolve_settings(RunConfig(method="msf", preset="paper", overrides=overrides), "ntu60")


def test_statistics_come_from_the_training_clips() -> None:
    m, (v, labels, text) = model(visual="standardise", visual_decoder_relu=False, centre_text=True), world()
    m.load_state_dict({**m.state_dict(), **m.solve(Batch({"pooled": 5 * v + 3}, labels, text, 0, {}))})
    torch.testing.assert_close(
        m.visual_input(5 * v + 3), (v - v.mean(0)) / v.std(0, correction=0), atol=1e-4, rtol=1e-4
    )
    fused = model().text_input(text)
    torch.testing.assert_close(m.text_input(text), F.normalize(fused - fused.mean(0), dim=1), atol=1e-5, rtol=1e-4)


def test_the_linear_map_adds_the_ridge_cosine_at_test_and_nothing_in_training() -> None:
    plain, m, (v, _, text) = model(), model(linear_weight=15.0), world()
    batch = batch_of(plain)
    m.load_state_dict({**plain.state_dict(), **m.solve(batch)})
    ridge = Ridge(RidgeConfig(text=SLOTS), Sizes({"pooled": V}, D, S))
    ridge.load_state_dict(ridge.solve(batch))
    cosine = ridge.scores({"pooled": v}, ridge.prepare(text, generator()))
    expected = plain.logits(v, plain.prepare(text, generator())) + 15.0 * cosine
    torch.testing.assert_close(m.scores({"pooled": v}, m.prepare(text, generator())), expected.log_softmax(1))
    assert m.losses(batch)["loss"] == plain.losses(batch)["loss"]


@pytest.mark.parametrize(
    ("dataset", "latent", "steps", "cross_start"), [("ntu60", 100, 1700, 1400), ("ntu120", 200, 1900, 1500)]
)
def test_the_paper_preset_is_the_official_configuration(
    dataset: str, latent: int, steps: int, cross_start: int
) -> None:
    settings = resolve_settings(RunConfig(method="msf", preset="paper"), dataset)
    assert settings.method == MSFConfig(latent=latent, cross_start=cross_start)
    assert settings.train is not None
    assert (settings.train.epochs, settings.train.steps, settings.train.sampling) == (10, steps, "independent")


def test_the_official_size() -> None:
    with torch.device("meta"):
        m = MSF(MSFConfig(), Sizes({"pooled": 256}, 512, 55))
    assert sum(p.numel() for p in m.parameters()) == 539_792
    torch.manual_seed(0)
    m = MSF(MSFConfig(), Sizes({"pooled": 256}, 32, 55))
    bound = 0.5 * (6 / (256 + 100)) ** 0.5
    assert m.visual_encoder.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert not m.visual_encoder.bias.any()


def test_default_names_unseen_classes_when_text_tells_the_motion() -> None:
    config = resolve_settings(
        RunConfig(method="msf", overrides=(SLOT_OPTION, "latent=16", "linear_weight=0")), "ntu60"
    ).method
    g, classes, dim = torch.Generator().manual_seed(0), 40, 6
    texts = {slot: F.normalize(torch.randn(classes, 1, dim, generator=g), dim=-1) for slot in SLOTS}
    text = ClassText(texts, {slot: torch.ones(classes, 1, dtype=torch.bool) for slot in SLOTS})
    motion = torch.cat([texts[slot][:, 0] for slot in SLOTS], dim=1) @ torch.randn(3 * dim, 24, generator=g)
    torch.manual_seed(0)
    m = MSF(config, Sizes({"pooled": 24}, dim, 30))
    labels = torch.randint(30, (600,), generator=g)
    x = motion[labels] + 0.2 * torch.randn(600, 24, generator=g)
    seen = text.select(torch.arange(30))
    m.load_state_dict({**m.state_dict(), **m.solve(Batch({"pooled": x}, labels, seen, 0, {}))})
    optimizer = make_optimizer(m, resolve_settings(RunConfig(method="msf"), "ntu60").train)
    for group in optimizer.param_groups:
        group["lr"] = 3e-3
    for step in range(400):
        rows = torch.randint(600, (64,), generator=g)
        draws = m.draws(labels[rows], g)
        train_step(m, optimizer, Batch({"pooled": x[rows]}, labels[rows], seen, 0, draws, step))
    new = torch.arange(30, 40).repeat_interleave(20)
    clips = motion[new] + 0.2 * torch.randn(200, 24, generator=g)
    scores = class_scores(m, {"pooled": clips}, text.select(torch.arange(30, 40)))
    assert (scores.argmax(1) == new - 30).float().mean() > 0.7
