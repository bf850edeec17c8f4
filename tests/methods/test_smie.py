"""SMIE against its equations written out pair by pair, and what its options change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from zsl_skeleton.backbones.masked_views import masked_view
from zsl_skeleton.errors import InputError
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig
from zsl_skeleton.methods.smie import SMIE, SMIEConfig, sampled_text
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import resolve_settings

B, S, D, V, R, T = 11, 5, 10, 7, 3, 12
SIZES = Sizes({"pooled": V, "masked": V, "clips": T}, D, S)


def world(seed: int = 0) -> tuple[dict[str, Tensor], Tensor, ClassText]:
    g = torch.Generator().manual_seed(seed)
    counts = {"label": 1, "many": 4}
    slots = {name: F.normalize(torch.randn(S, count, D, generator=g), dim=-1) for name, count in counts.items()}
    masks = {name: torch.ones(value.shape[:2], dtype=torch.bool) for name, value in slots.items()}
    masks["many"][2, 1:] = False
    features = {"pooled": torch.randn(B, V, generator=g), "masked": torch.randn(B, R, V, generator=g)}
    return features, torch.randint(S - 1, (B,), generator=g), ClassText(slots, masks)


def model(**options: object) -> SMIE:
    torch.manual_seed(1)
    return SMIE(SMIEConfig(**({"hidden": (9, 8)} | options)), SIZES)


def naive_t(m: SMIE, v: Tensor, text: Tensor) -> Tensor:
    """T of one pair, straight from the equations."""
    weight = torch.cat([m.first_visual.weight, m.first_text.weight], dim=1)
    first = weight @ torch.cat([v, m.text_scale * text]) + m.first_visual.bias
    return m.last(m.middle(first.relu()).relu())[0]


def naive_loss(m: SMIE, batch: Batch, view: Tensor | None, text: Tensor) -> Tensor:
    """``text`` [B, D]: the sentence of every pair."""
    v, labels, size = F.layer_norm(batch.features["pooled"], (V,)), batch.labels, len(batch.labels)
    plus, minus, masked, count = [], [], [], 0
    for i in range(size):
        j = (i + 1) % size
        plus.append(F.softplus(-naive_t(m, v[i], text[i])))
        if not (m.config.mask_same_class_negatives and labels[i] == labels[j]):
            minus.append(F.softplus(naive_t(m, v[j], text[i])))
            count += 1
        if view is not None:
            masked.append(F.softplus(-naive_t(m, F.layer_norm(view[i], (V,)), text[i])))
    negative = sum(minus) / max(count, 1)
    information = -sum(plus) / size - negative
    if view is None:
        return -information
    other = -sum(masked) / size - negative
    return -information + m.config.hinge_weight * torch.clamp(m.config.beta - (information - other), min=0)


@pytest.mark.parametrize(
    "options",
    [{}, {"temporal": "off"}, {"beta": -10.0}, {"mask_same_class_negatives": True, "text_scale": "sqrt-dim"}],
    ids=["official", "pooled track", "hinge inactive", "mended"],
)
def test_loss_and_gradients_equal_the_naive_reference(options: dict[str, object]) -> None:
    m, (features, labels, text) = model(**options), world()
    assert (labels == labels.roll(-1)).any()
    batch = Batch(features, labels, text, 0, m.draws(labels, torch.Generator().manual_seed(4)))
    loss = m.losses(batch)["loss"]
    loss.backward()
    ours = {name: p.grad.clone() for name, p in m.named_parameters()}
    m.zero_grad()
    view = None if m.config.temporal == "off" else features["masked"][:, int(batch.draws["view"]) % R]
    expected = naive_loss(m, batch, view, text.slots["label"][labels, 0])
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=0)
    expected.backward()
    for name, p in m.named_parameters():
        torch.testing.assert_close(ours[name], p.grad, atol=1e-5, rtol=1e-4, msg=name)


def test_clips_go_through_the_frozen_backbone_with_the_drawn_frames() -> None:
    m, (features, labels, text) = model(temporal="clips"), world()
    clips = torch.randn(B, 3, T, 4, 2, generator=torch.Generator().manual_seed(3))
    weight = torch.randn(3 * 4 * 2, V, generator=torch.Generator().manual_seed(4))

    def encode(x: Tensor) -> Tensor:
        return x.mean(2).flatten(1) @ weight

    draws = m.draws(labels, torch.Generator().manual_seed(5))
    assert len(draws["positions"]) == T - 2 * 4
    batch = Batch({"pooled": features["pooled"], "clips": clips}, labels, text, 0, draws, encode=encode)
    views = encode(masked_view(clips, draws["positions"]))
    expected = naive_loss(m, batch, views, text.slots["label"][labels, 0])
    torch.testing.assert_close(m.losses(batch)["loss"], expected, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="the backbone that made the features"):
        m.losses(replace(batch, encode=None))


@pytest.mark.parametrize("link", ["logsigmoid", "raw"])
@pytest.mark.parametrize("layernorm", [False, True])
def test_scores_equal_the_naive_reference(link: str, layernorm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zsl_skeleton.methods.smie._CHUNK", 3 * S * 9)  # three clips at once
    m, (features, _, text) = model(test_link=link, test_layernorm=layernorm), world()
    v = F.layer_norm(features["pooled"], (V,)) if layernorm else features["pooled"]
    t = torch.stack([torch.stack([naive_t(m, x, row) for row in text.slots["label"][:, 0]]) for x in v])
    expected = t if link == "raw" else -F.softplus(-t)
    scores = m.scores(features, m.prepare(text, torch.Generator()))
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("labels", [[3], [2, 2, 2], [0, 0, 0, 1]], ids=["one clip", "one class", "skewed"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("temporal", ["off", "views"])
def test_odd_batches_train(labels: list[int], masked: bool, temporal: str) -> None:
    m, (features, _, text) = model(mask_same_class_negatives=masked, temporal=temporal), world()
    rows, few = torch.tensor(labels), {name: value[: len(labels)] for name, value in features.items()}
    batch = Batch(few, rows, text, 0, m.draws(rows, torch.Generator().manual_seed(0)))
    loss = m.losses(batch)["loss"]
    loss.backward()
    view = None if temporal == "off" else few["masked"][:, int(batch.draws["view"]) % R]
    torch.testing.assert_close(loss, naive_loss(m, batch, view, text.slots["label"][rows, 0]))
    assert all(p.grad.isfinite().all() for p in m.parameters())


def test_the_official_critic_has_its_size_and_initialisation() -> None:
    torch.manual_seed(0)
    m = SMIE(SMIEConfig(temporal="off"), Sizes({"pooled": 256}, 768, 55))
    assert sum(p.numel() for p in m.parameters()) == 1_574_913
    for layer in (m.first_visual.weight, m.first_visual.bias, m.first_text.weight):
        assert 0.03 < layer.abs().max() <= 1024**-0.5


def test_inputs_and_slots_follow_the_options() -> None:
    assert SMIEConfig().needed_inputs == ("pooled", "masked")
    assert SMIEConfig(temporal="clips").needed_inputs == ("pooled", "clips")
    assert SMIEConfig(temporal="off", text=("action", "motion")).needed_inputs == ("pooled",)
    assert SMIEConfig(text=("action", "motion")).needed_slots == ("action", "motion")


def test_several_slots_count_equally() -> None:
    m, (features, _, text) = model(text=("label", "many")), world()
    mean = F.normalize((text.slots["label"][:, 0] + text.mean("many")) / 2, dim=-1)
    single = ClassText({"label": mean[:, None]}, {"label": torch.ones(S, 1, dtype=torch.bool)})
    expected = model().scores(features, model().prepare(single, torch.Generator()))
    torch.testing.assert_close(m.scores(features, m.prepare(text, torch.Generator())), expected)


def test_sampled_texts_are_existing_ones_of_the_class_and_equally_likely() -> None:
    _, _, text = world()
    labels = torch.tensor([0, 2]).repeat_interleave(4000)
    chance = torch.rand(8000, generator=torch.Generator().manual_seed(0))
    chance[0], chance[1] = 1 - 2**-24, 0.0
    rows = sampled_text((text.slots["many"], text.masks["many"]), labels, chance)
    which = (rows[:, None] == text.slots["many"][labels]).all(-1)
    assert which.any(1).all()
    assert (which[4000:].double().mean(0) == torch.tensor([1.0, 0, 0, 0])).all()
    assert (which[:4000].double().mean(0) - 0.25).abs().max() < 0.03


def test_sampling_trains_on_the_drawn_sentences_of_all_slots() -> None:
    m, (features, labels, text) = model(text=("label", "many"), texts="sample", temporal="off"), world()
    batch = Batch(features, labels, text, 0, m.draws(labels, torch.Generator().manual_seed(0)))
    rows, mask = (torch.cat([part["label"], part["many"]], dim=1) for part in (text.slots, text.masks))
    sentences = sampled_text((rows, mask), labels, batch.draws["text"])
    torch.testing.assert_close(m.losses(batch)["loss"], naive_loss(m, batch, None, sentences), atol=1e-5, rtol=0)


def test_statistics_come_from_the_training_clips() -> None:
    options = {"visual": "standardise", "centre_text": True}
    m, (features, labels, text) = model(**options), world()
    shifted = {"pooled": 5 * features["pooled"] + 3}
    m.load_state_dict({**m.state_dict(), **m.solve(Batch(shifted, labels, text, 0, {}))})
    v = features["pooled"]
    standard = (v - v.mean(0)) / v.std(0, correction=0)
    torch.testing.assert_close(m.encode(shifted["pooled"]), F.layer_norm(standard, (V,)), atol=1e-4, rtol=1e-4)
    label = text.slots["label"]
    centred = replace(text, slots={"label": label - label.mean(0)}, masks={"label": text.masks["label"]})
    plain = model().prepare(centred, torch.Generator())["projected"]
    torch.testing.assert_close(m.prepare(text, torch.Generator())["projected"], plain, atol=1e-5, rtol=1e-4)


def test_dropout_hides_the_same_values_of_clip_and_view_and_only_in_training() -> None:
    m, (features, labels, text) = model(dropout=0.5), world()
    draws = m.draws(labels, torch.Generator().manual_seed(0))
    assert set(draws["keep"].unique().tolist()) == {0.0, 2.0}
    same = {"pooled": features["pooled"], "masked": features["pooled"][:, None]}
    losses = m.losses(Batch(same, labels, text, 0, draws))
    assert losses["gap"].abs() < 1e-6
    off = m.losses(Batch(same, labels, text, 0, {"view": draws["view"]}))
    assert losses["loss"] != off["loss"]


def test_the_linear_map_adds_the_ridge_cosine_at_test_and_nothing_in_training() -> None:
    plain, (features, labels, text) = model(test_link="raw"), world()
    m = model(linear_weight=15.0, test_link="raw")
    batch = Batch(features, labels, text, 0, plain.draws(labels, torch.Generator().manual_seed(0)))
    m.load_state_dict({**m.state_dict(), **m.solve(batch)})
    ridge = Ridge(RidgeConfig(text=("label",)), SIZES)
    ridge.load_state_dict(ridge.solve(batch))
    expected = plain.scores(features, plain.prepare(text, torch.Generator()))
    expected = expected + 15.0 * ridge.scores(features, ridge.prepare(text, torch.Generator()))
    torch.testing.assert_close(m.scores(features, m.prepare(text, torch.Generator())), expected, atol=1e-5, rtol=1e-5)
    assert m.losses(batch)["loss"] == plain.losses(batch)["loss"]


def test_one_view_is_shared_by_the_batch_and_every_view_is_drawn() -> None:
    m, (_, labels, _) = model(), world()
    generator = torch.Generator().manual_seed(0)
    drawn = [m.draws(labels, generator)["view"] for _ in range(60)]
    assert all(view.shape == (1,) for view in drawn)
    assert {int(view) % R for view in drawn} == set(range(R))


def test_the_temporal_constraint_can_be_switched_off_on_the_command_line() -> None:
    run = RunConfig(method="smie", preset="paper", overrides=("temporal=off",))
    assert resolve_settings(run, "toy").method.needed_inputs == ("pooled",)
    official = resolve_settings(run.model_copy(update={"overrides": ()}), "toy")
    assert official.method == SMIEConfig()
    assert not official.train.skip_single
