"""What every registered backbone promises about batches, persons, lengths, broken clips, gradients and weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from other_device import ELSEWHERE, ValuesFromHere
from zsl_skeleton.backbones import BACKBONES
from zsl_skeleton.backbones.base import Backbone
from zsl_skeleton.backbones.classifier import BackboneSpec, features_of
from zsl_skeleton.errors import UsageError


def _variants() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every backbone, with each rule for its persons where it has several."""
    found = dict[str, tuple[str, dict[str, Any]]]()
    for name in BACKBONES:
        pools = "person_pooling" in BackboneSpec.of(name, {}).kind.Config.model_fields
        for options in [{"person_pooling": rule} for rule in ("present", "mean")] if pools else [{}]:
            found["-".join([name, *options.values()])] = name, options
    return found


VARIANTS = _variants()
POOLING = {label: variant for label, variant in VARIANTS.items() if variant[1]}
TRAINABLE = [label for label, variant in VARIANTS.items() if BackboneSpec.of(*variant).kind.trainable]


def built(label: str) -> Backbone:
    """A network whose every parameter and statistic matters, in eval mode."""
    model = BackboneSpec.of(*VARIANTS[label]).untrained()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2, generator=generator)
        elif name.endswith("running_mean"):
            buffer.normal_(0, 0.2, generator=generator)
    return model.eval()


@pytest.fixture(params=VARIANTS)
def model(request: pytest.FixtureRequest) -> Backbone:
    return built(request.param)


def clips(b: int, t: int = 16, m: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(b, 3, t, 25, m, generator=torch.Generator().manual_seed(seed))


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_features_do_not_depend_on_the_batch(model: Backbone) -> None:
    x = clips(12, m=2)
    x[1::2, ..., 1] = 0
    together = features_of(model, x)
    for i in (0, 1, 11):
        alone = features_of(model, x[i : i + 1])
        assert alone.keys() == together.keys()
        for name, value in alone.items():
            close(value[0], together[name][i])
    with torch.enable_grad():
        for name, value in features_of(model, x).items():  # some are computed otherwise when a gradient is wanted
            close(value, together[name])


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 2, 7, 50, 64])
def test_features_have_the_promised_shapes_and_agree_at_any_length(model: Backbone, frames: int) -> None:
    found = features_of(model, clips(2, t=frames))
    size = found["pooled"].shape[1]
    assert found["pooled"].shape == (2, model.feature_size if model.trainable else size)
    if "joints" in found:
        assert found["joints"].shape == (2, 25, size)
        close(found["joints"].mean(1), found["pooled"])
    if "frames" in found:
        assert found["frames"].shape[::2] == (2, size)
        assert 1 <= found["frames"].shape[1] <= frames
        close(found["frames"].mean(1), found["pooled"])


@torch.no_grad()
def test_a_broken_clip_does_not_touch_its_neighbours(model: Backbone) -> None:
    x = clips(3, m=2)
    x[1, ..., 1] = 0
    x[2, 0, 0, 0, 0] = torch.nan
    pooled = model(x).pooled
    assert pooled[:2].isfinite().all()
    assert not pooled[2].isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("label", POOLING)
def test_persons_are_averaged_and_an_absent_one_as_the_rule_says(label: str) -> None:
    model, one, two = built(label), clips(3), clips(3, m=2)
    absent = torch.cat([one, torch.zeros_like(one)], -1)
    alone, nobody = model(one).pooled, model(torch.zeros_like(one)).pooled
    first, second = model(two[..., :1]).pooled, model(two[..., 1:]).pooled
    close(model(two).pooled, (first + second) / 2)
    if POOLING[label][1]["person_pooling"] == "present":
        assert torch.equal(model(absent).pooled, alone)
    else:
        close(model(absent).pooled, (alone + nobody) / 2)


@pytest.mark.parametrize("label", TRAINABLE)
def test_every_parameter_gets_a_gradient(label: str) -> None:
    model = built(label).train()
    model(clips(4, m=2)).pooled.square().sum().backward()
    live = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert live
    assert [name for name, grad in live.items() if grad is None or not grad.isfinite().all() or not grad.any()] == []


@pytest.mark.parametrize("training", [False, True])
def test_every_tensor_is_made_on_the_device_of_the_clips(model: Backbone, training: bool) -> None:
    with ValuesFromHere():
        found = features_of(model.to(ELSEWHERE).train(training), clips(2).to(ELSEWHERE))
        assert {value.device for value in found.values()} == {ELSEWHERE}
        if model.trainable:
            found["pooled"].sum().backward()


@torch.no_grad()
@pytest.mark.parametrize("label", VARIANTS)
def test_weights_that_leave_and_come_back_give_the_same_features(label: str) -> None:
    model, other, x = built(label), BackboneSpec.of(*VARIANTS[label]).build().eval(), clips(2)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(x).pooled, other(x).pooled)


@pytest.mark.parametrize("label", VARIANTS)
def test_the_same_seed_makes_the_same_weights(label: str) -> None:
    first, second = (BackboneSpec.of(*VARIANTS[label]).untrained().state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("name", BACKBONES)
def test_an_unknown_option_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match="no_such") as caught:
        BackboneSpec.of(name, {"no_such": 1})
    known = BackboneSpec.of(name, {}).kind.Config.model_fields
    assert all(field in caught.value.why for field in known)
