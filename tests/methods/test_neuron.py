"""Neuron's head against a naive reference that pools first and then sends every prototype through whole MLPs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.methods import neuron
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.neuron import Branch, Neuron, NeuronConfig, fuse
from zsl_skeleton.methods.ridge import Ridge, RidgeConfig
from zsl_skeleton.training.config import RunConfig
from zsl_skeleton.training.settings import resolve_settings

B, C, K, E, V, T, D, P = 9, 5, 4, 11, 7, 16, 24, 8
GENERATOR = torch.Generator()
MENDED = {
    "masked_softmax": True,
    "mlp_final_relu": False,
    "project_relu": False,
    "independent_init": True,
    "attention_scale": 0.3,
    "accumulate": "mean",
    "visual": "standardise",
    "centre_text": True,
    "logit_scale": 12.0,
}
SLOTS = ("spatial.coarse", "spatial.medium", "spatial.fine", "temporal.start", "temporal.main", "temporal.end")


def world(seed: int = 0, frames: int = T, frame_dim: int = D) -> Batch:
    g = torch.Generator().manual_seed(seed)
    slots = {name: F.normalize(torch.randn(C, K, E, generator=g, dtype=torch.float64), dim=-1) for name in SLOTS}
    masks = {name: torch.ones(C, K, dtype=torch.bool) for name in SLOTS}
    features = {
        "joints": torch.randn(B, V, D, generator=g, dtype=torch.float64),
        "frames": torch.randn(B, frames, frame_dim, generator=g, dtype=torch.float64) + 1,
    }
    return Batch(features, torch.randint(C, (B,), generator=g), ClassText(slots, masks), 0, {})


def model(batch: Batch, **options: object) -> Neuron:
    torch.manual_seed(1)
    sizes = Sizes({name: x.shape[-1] for name, x in batch.features.items()}, E, C)
    method = Neuron(NeuronConfig(**({"prototypes": P} | options)), sizes).double()
    method.load_state_dict({**method.state_dict(), **method.solve(batch)})
    return method


def naive_means(branch: Branch, x: Tensor, spatial: bool) -> list[Tensor]:
    """Mean prototypes [B, D] of every step, clip by clip and straight from the equations."""
    config, clips = branch.config, []
    for clip in (x - branch.mean) / branch.scale:
        prototypes, means = branch.prototypes, []
        for number, turn in enumerate(config.steps):
            part = clip if spatial else clip[: max(1, round(config.prefixes[turn] * len(clip)))]
            scores = part @ prototypes.T
            weights = (config.attention_scale * scores).softmax(0)
            if spatial:
                weights = naive_forget(config, scores, weights, round(config.dropped[turn] * P))
            pooled = weights.T @ part
            outputs = []
            for g in range(branch.gates):
                hidden = (pooled @ branch.first[number, g] + branch.first_bias[number, g]).relu()
                output = hidden @ branch.second[number, g] + branch.second_bias[number, g]
                outputs.append(output.relu() if config.mlp_final_relu else output)
            if spatial:
                prototypes = outputs[0]
            else:
                prototypes = outputs[2].sigmoid() * prototypes + outputs[1].sigmoid() * outputs[0]
            means.append(prototypes.mean(0))
        clips.append(torch.stack(means))
    return list(torch.stack(clips, dim=1))


def naive_forget(config: NeuronConfig, scores: Tensor, weights: Tensor, count: int) -> Tensor:
    dropped = torch.zeros_like(scores, dtype=torch.bool)
    for joint, row in enumerate(scores):
        dropped[joint, row.argsort()[:count]] = True
    if not config.masked_softmax:
        return torch.where(dropped, weights * neuron._FORGOTTEN, weights)
    kept = (config.attention_scale * scores).exp() * ~dropped
    total = kept.sum(0)
    return torch.where(total > 0, kept / total.clamp(min=1e-300), 0.0)


def naive_loss(m: Neuron, batch: Batch) -> Tensor:
    config, terms = m.config, []
    text_of = {"spatial": SLOTS[:3], "temporal": SLOTS[3:]}
    for name, branch in m.both.items():
        means = naive_means(branch, batch.features[branch.input], name == "spatial")
        for number, (turn, mean) in enumerate(zip(config.steps, means, strict=True)):
            used = text_of[name][: turn + 1] if name == "temporal" and config.accumulate == "mean" else None
            phases = [naive_text(batch.text, slot) for slot in used or text_of[name][turn : turn + 1]]
            text = torch.stack(phases).mean(0)
            if config.centre_text:
                text = F.normalize(text - branch.text_mean[number], dim=-1)
            projected = mean @ branch.project + branch.project_bias
            v = F.normalize(projected.relu() if config.project_relu else projected, dim=-1)
            terms.append(F.cross_entropy(config.logit_scale * v @ text.T, batch.labels))
    return torch.stack(terms).mean()


def naive_text(text: ClassText, slot: str) -> Tensor:
    return torch.stack([rows[mask].mean(0) for rows, mask in zip(text.slots[slot], text.masks[slot], strict=True)])


@pytest.mark.parametrize("masked", [False, True], ids=["all texts", "some texts missing"])
@pytest.mark.parametrize(
    "options",
    [{}, MENDED, {"turns": (0, 2)}, MENDED | {"turns": (1,)}, {"dropped": (0, 0.5, 0.9)}],
    ids=["official", "mended", "two turns", "one turn", "other shares"],
)
def test_loss_and_gradients_equal_the_naive_reference(
    options: dict[str, object], masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Prototypes that all joints forget, or that look at one joint only, become equal, and which of equals is dropped
    # next is nobody's rule.
    monkeypatch.setattr(neuron, "_FORGOTTEN", 1e-3)
    batch, options = world(), {"prototype_init_std": 0.2} | options
    if masked:
        batch.text.masks["spatial.fine"][2, 1:] = False
        batch.text.masks["temporal.start"][0, 0] = False
    m = model(batch, **options)
    losses = m.losses(batch)
    expected = naive_loss(m, batch)
    torch.testing.assert_close(losses["loss"], expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(losses["loss"], (losses["spatial"] + losses["temporal"]) / 2)
    names, parameters = zip(*m.named_parameters(), strict=True)
    found = torch.autograd.grad(losses["loss"], parameters)
    wanted = torch.autograd.grad(expected, parameters)
    for name, one, other in zip(names, found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-13, msg=name)


@pytest.mark.parametrize(("frames", "expected"), [(16, [5, 10, 16]), (13, [4, 8, 13]), (2, [1, 1, 2]), (1, [1, 1, 1])])
def test_prefixes_are_shares_of_the_frames(frames: int, expected: list[int]) -> None:
    batch = world(frames=frames)
    steps = model(batch).temporal(batch.features["frames"])
    assert [step.attention.shape[1] for step in steps] == expected


def test_every_joint_keeps_the_prototypes_that_match_it_best() -> None:
    batch = world()
    steps = model(batch, prototypes=80).spatial(batch.features["joints"])
    for step, kept in zip(steps, (60, 40, 20), strict=True):
        assert ((step.attention > 1e-11).sum(2) == kept).all()


def test_templates_are_copied_or_drawn() -> None:
    copied, drawn = model(world()), model(world(), independent_init=True)
    template = copied.spatial.first[0, 0]
    assert (copied.spatial.first == template).all()
    assert (copied.temporal.first[:, 1:] == template).all()
    assert not torch.equal(copied.temporal.first[0, 0], template)
    assert (copied.temporal.first[:, 0] == copied.temporal.first[0, 0]).all()
    values = torch.cat([drawn.spatial.first.flatten(0, 1), drawn.temporal.first.flatten(0, 1)])
    assert all(not torch.equal(one, other) for one, other in pairwise(values))
    narrow = model(world(frame_dim=4))
    assert torch.equal(narrow.temporal.first[2, 1], narrow.temporal.first[0, 2])


def test_a_prototype_that_all_joints_drop_reads_nothing() -> None:
    batch = world()
    m = model(batch, masked_softmax=True, dropped=(0.9, 0.9, 0.9), mlp_final_relu=False)
    for step in m.spatial(batch.features["joints"]):
        total = step.attention.sum(1)
        assert (total == 0).any()
        torch.testing.assert_close(total[total > 0], torch.ones_like(total[total > 0]))
    m.losses(batch)["loss"].backward()
    assert all(p.grad.isfinite().all() for p in m.parameters())


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 2)])
def test_scores_do_not_depend_on_the_other_clips(rows: slice, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = world()
    m = model(batch, **MENDED, linear_weight=3.0)
    whole = class_scores(m, batch.features, batch.text)
    monkeypatch.setitem(neuron._CLIPS_AT_ONCE, "cpu", 4)
    torch.testing.assert_close(class_scores(m, batch.features, batch.text), whole)
    some = class_scores(m, {name: x[rows] for name, x in batch.features.items()}, batch.text)
    torch.testing.assert_close(some, whole[rows])


def test_fusion_and_branches() -> None:
    batch = world()
    m = model(batch, logit_scale=5.0)
    state = m.prepare(batch.text, GENERATOR)
    last = {name: value[-1] for name, value in m.logits(batch.features, state, {}).items()}
    spatial, temporal = (F.softmax(last[name], dim=-1) for name in ("spatial", "temporal"))
    branches = m.branches(batch.features, state)
    torch.testing.assert_close((branches["spatial"], branches["temporal"]), (spatial, temporal))
    torch.testing.assert_close(m.scores(batch.features, state), spatial + temporal)
    torch.testing.assert_close(fuse(**last, fusion="logits"), last["spatial"] + last["temporal"])
    torch.testing.assert_close(fuse(**last, fusion="temporal"), temporal)
    torch.testing.assert_close(fuse(**last, fusion="max"), torch.maximum(spatial, temporal))


def test_all_steps_at_test() -> None:
    batch = world()
    m = model(batch, test_steps="all", fusion="logits")
    state = m.prepare(batch.text, GENERATOR)
    expected = sum(value.mean(0) for value in m.logits(batch.features, state, {}).values())
    torch.testing.assert_close(m.scores(batch.features, state), expected)


def test_the_linear_part_is_the_ridge_on_the_joints_mean() -> None:
    batch = world()
    plain, mixed = (model(batch, linear_weight=weight, fusion="logits") for weight in (0.0, 7.0))
    ridge = Ridge(RidgeConfig(text=SLOTS), Sizes({"pooled": D}, E, C)).double()
    pooled = {"pooled": batch.features["joints"].mean(1)}
    ridge.load_state_dict(ridge.solve(replace(batch, features=pooled)))
    added = class_scores(mixed, batch.features, batch.text) - class_scores(plain, batch.features, batch.text)
    torch.testing.assert_close(added, 2 * 7.0 * class_scores(ridge, pooled, batch.text))


def test_standardised_inputs_and_centred_texts() -> None:
    batch = world()
    batch.features["joints"][..., 0] = 3.0
    m = model(batch, **MENDED)
    x = (batch.features["joints"] - m.spatial.mean) / m.spatial.scale
    torch.testing.assert_close(x[..., 0], torch.zeros(B, V, dtype=x.dtype))
    torch.testing.assert_close(x[..., 1:].flatten(0, 1).std(0, correction=0), torch.ones(D - 1, dtype=x.dtype))
    same = F.normalize(torch.ones(C, K, E, dtype=torch.float64), dim=-1)
    alike = ClassText(dict.fromkeys(SLOTS, same), batch.text.masks)
    assert all(not value.any() for value in model(replace(batch, text=alike), **MENDED).class_means(alike).values())


def test_dropout_comes_from_the_draws() -> None:
    batch = world()
    m = model(batch, dropout=0.5)
    draws = m.draws(batch.labels, torch.Generator().manual_seed(0))
    assert {name: tuple(x.shape) for name, x in draws.items()} == dict.fromkeys(("spatial", "temporal"), (3, B, D))
    assert set(draws["spatial"].unique().tolist()) == {0.0, 2.0}
    loss = m.losses(replace(batch, draws=draws))["loss"]
    assert loss == m.losses(replace(batch, draws=draws))["loss"] != m.losses(batch)["loss"]
    assert model(batch).draws(batch.labels, GENERATOR) == {}


def test_undecayed_prototypes_are_parameters() -> None:
    assert model(world()).undecayed() == frozenset()
    m = model(world(), decay_prototypes=False)
    assert m.undecayed() == {name for name, p in m.named_parameters() if p.shape == (P, D)}


def test_slots_that_are_needed() -> None:
    assert NeuronConfig().needed_slots == SLOTS
    assert NeuronConfig(turns=(2,)).needed_slots == ("spatial.fine", "temporal.end")
    assert NeuronConfig(turns=(1,), accumulate="mean").needed_slots == (
        "spatial.medium",
        "temporal.start",
        "temporal.main",
    )
    other = NeuronConfig(spatial_slots=("action",), temporal_slots=("action",), dropped=(0.5,), prefixes=(1.0,))
    assert other.needed_slots == ("action",)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spatial_slots": ("action",)}, "one entry per turn"),
        ({"turns": (3,)}, r"0\.\.2"),
        ({"turns": (1, 0)}, "ascending"),
        ({"turns": (1, 1)}, "distinct"),
        ({"dropped": (0.5, 0.5, 1.0)}, "dropped"),
        ({"prefixes": (0.0, 0.5, 1.0)}, "prefixes"),
    ],
)
def test_settings_that_do_not_fit_each_other(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        NeuronConfig(**options)


def test_the_paper_preset_is_the_official_configuration() -> None:
    settings = resolve_settings(RunConfig(method="neuron", preset="paper"), "ntu60")
    assert settings.method == NeuronConfig()
    assert settings.train.milestones == (4, 20)
    assert resolve_settings(RunConfig(method="neuron", preset="paper"), "pku-mmd").train.milestones == (8, 20)


def test_the_default_learns_what_the_paper_preset_does_not() -> None:
    batch = world()
    centres = torch.randn(C, D, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    features = {name: 0.3 * x + centres[batch.labels][:, None] for name, x in batch.features.items()}
    batch = replace(batch, features=features)
    right = {}
    for preset in ("paper", "default"):
        config = resolve_settings(RunConfig(method="neuron", preset=preset), "toy").method
        m = model(batch, **config.model_dump(exclude={"prototypes"}))
        optimizer = torch.optim.Adam(m.parameters(), lr=1e-2)
        for _ in range(40):
            optimizer.zero_grad()
            m.losses(batch)["loss"].backward()
            optimizer.step()
        loss = m.losses(batch)["loss"].item()
        right[preset] = loss
    assert right["default"] < 0.3
    assert right["paper"] > 1.4
