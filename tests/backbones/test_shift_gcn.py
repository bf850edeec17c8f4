"""The fast formulation against a plain one, sizes and training; what every backbone promises: ``tests/conformance``."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from zsl_skeleton.backbones.augment import NONE
from zsl_skeleton.backbones.batches import HeldClips
from zsl_skeleton.backbones.classifier import Classifier, open_classifier
from zsl_skeleton.backbones.config import PRETRAIN_PRESETS, PretrainConfig
from zsl_skeleton.backbones.extract import extract, seen_accuracy
from zsl_skeleton.backbones.fit import Fit, make_optimizer
from zsl_skeleton.backbones.pretrain import pretrain
from zsl_skeleton.backbones.shift import JointShift, LearnableShift, sampled
from zsl_skeleton.backbones.shift_gcn import Block, ShiftGCN, ShiftGCNConfig
from zsl_skeleton.errors import UsageError
from zsl_skeleton.skeletons.features import FeatureSet, partition

OFFICIAL = ShiftGCNConfig(person_pooling="mean", input_norm="person")


def clips(b: int, t: int = 16, m: int = 1, seed: int = 0, v: int = 25) -> torch.Tensor:
    return torch.randn(b, 3, t, v, m, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def model() -> ShiftGCN:
    """A network whose every parameter and statistic matters."""
    torch.manual_seed(0)
    made = ShiftGCN()
    for parameter in made.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)
    for name, buffer in made.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            buffer.normal_(0, 0.2)
    return made


def norm(layer, x):
    """Batch norm of maps [N, T, V, C] over channels, or over joints and channels, written out."""
    flat = x.reshape(-1, layer.num_features)
    mean, var = layer.running_mean, layer.running_var
    if layer.training:
        mean, var = flat.mean(0), flat.var(0, correction=0)
    return ((flat - mean) / (var + layer.eps).sqrt() * layer.weight + layer.bias).view(x.shape)


def plain_over_joints(x, direction):
    return torch.stack([x[..., c].roll(-direction * c, dims=2) for c in range(x.shape[3])], dim=-1)


def plain_over_time(x, offsets, stride):
    """Linear interpolation, sample by sample."""
    start = 0.5 if stride > 1 else 0.0
    rows = []
    for t in range(max(1, x.shape[1] // stride)):
        channels = []
        for c in range(x.shape[3]):
            place = t * stride + start + offsets[c]
            first = math.floor(place.item())
            near = [x[:, i, :, c] if 0 <= i < x.shape[1] else 0 * x[:, 0, :, c] for i in (first, first + 1)]
            channels.append(near[0] * (1 - (place - first)) + near[1] * (place - first))
        rows.append(torch.stack(channels, dim=-1))
    return torch.stack(rows, dim=1)


def plain_block(block: Block, x):
    spatial, temporal = block.spatial, block.temporal

    def skip(layer, x):
        return x if isinstance(layer, torch.nn.Identity) else norm(layer.norm, layer.linear(x))

    y = plain_over_joints(x, 1) * (spatial.mask.tanh() + 1)
    y = norm(spatial.norm, plain_over_joints(spatial.linear(y), -1))
    y = functional.relu(y + skip(spatial.skip, x))
    z = functional.relu(temporal.linear(plain_over_time(norm(temporal.norm1, y), temporal.shift1.ypos, 1)))
    z = norm(temporal.norm2, plain_over_time(z, temporal.shift2.ypos, block.stride))
    return functional.relu(z + skip(block.skip, x[:, :: block.stride][:, : z.shape[1]]) if block.residual else z)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("sizes", "residual"), [((3, 8, 1), False), ((8, 8, 1), True), ((8, 12, 2), True)])
def test_a_block_equals_the_plain_formulation(training, sizes, residual):
    # In float64, where the sums' order does not show. 7 frames: an odd number, halved to 3.
    torch.manual_seed(0)
    block = Block(*sizes, 5, residual=residual).double().train(training)
    for parameter in block.parameters():
        if parameter.requires_grad:
            parameter.data += 0.3 * torch.randn_like(parameter)
    x = torch.randn(3, 7, 5, sizes[0], dtype=torch.float64, requires_grad=True)
    fast, slow = block(x), plain_block(block, x)
    torch.testing.assert_close(fast, slow, atol=1e-10, rtol=1e-8)
    weight = torch.linspace(-1, 1, fast.numel(), dtype=torch.float64).view(fast.shape)
    inputs = {"x": x, **{name: p for name, p in block.named_parameters() if p.requires_grad}}
    ours = torch.autograd.grad((fast * weight).sum(), list(inputs.values()))
    theirs = torch.autograd.grad((slow * weight).sum(), list(inputs.values()))
    for name, a, b in zip(inputs, ours, theirs, strict=True):
        expected = 0.01 * b.sign() if name.endswith("ypos") else b
        torch.testing.assert_close(a, expected, atol=1e-9, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("joints", [25, 20, 3])
@pytest.mark.parametrize("direction", [1, -1])
def test_shift_over_joints_and_back(joints, direction):
    x = torch.randn(2, 3, joints, 30, requires_grad=True)
    y = JointShift(joints, 30, direction)(x)
    assert torch.equal(y, plain_over_joints(x, direction))
    y.backward(y.detach())
    assert torch.equal(x.grad, x.detach())  # the adjoint of a permutation is its inverse


@pytest.mark.parametrize("stride", [1, 2])
def test_sampling_is_exact_forwards_and_backwards(stride):
    torch.manual_seed(0)
    offsets = torch.tensor([-2.6, -0.3, 0.2, 1.7, 5.5], dtype=torch.float64, requires_grad=True)
    x = torch.randn(2, 6, 3, 5, dtype=torch.float64, requires_grad=True)
    start = 0.5 if stride > 1 else 0.0
    expected = plain_over_time(x, offsets, stride)
    torch.testing.assert_close(sampled(x, offsets + start, 6, stride)[:, : expected.shape[1]], expected)
    assert torch.autograd.gradcheck(lambda x, offsets: sampled(x, offsets, 6, stride), (x, offsets))


def test_offsets_over_joints_count_too():
    torch.manual_seed(0)
    shift, x = LearnableShift(4), torch.randn(2, 6, 5, 4)
    without = shift(x)
    shift.xpos.data = torch.tensor([-1.25, 0.5, 0.0, 2.0])
    expected = plain_over_time(x.transpose(1, 2), shift.xpos, 1).transpose(1, 2)
    torch.testing.assert_close(shift(x), plain_over_time(expected, shift.ypos, 1))
    shift.xpos.data = torch.full((4,), 1e-8)
    assert torch.equal(shift(x), without)
    shift(x).sum().backward()
    assert shift.xpos.grad is None


def test_an_offset_that_changes_nothing_still_moves():
    shift = LearnableShift(2)
    shift.ypos.data = torch.tensor([0.5, 40.0])  # the second channel is sampled outside of the clip
    x = torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 1, 2)
    y = shift(x)
    assert not y[..., 1].any()
    y[:, :-1].sum().backward()
    torch.testing.assert_close(shift.ypos.grad, torch.tensor([0.01, 1e-4]))


def test_a_diverged_offset_is_not_a_crash():
    shift = LearnableShift(2)
    shift.ypos.data[0] = torch.nan
    y = shift(torch.ones(1, 4, 2, 2))
    assert y[..., 0].isnan().all()
    assert y[..., 1].isfinite().all()


def test_sizes():
    official = Classifier(ShiftGCN(OFFICIAL), 55)
    assert sum(p.numel() for p in official.parameters()) == 691_822
    with torch.no_grad():
        assert ShiftGCN(ShiftGCNConfig(joints=20)).eval()(clips(1, v=20)).joints.shape == (1, 20, 256)
        with pytest.raises(UsageError, match="20 joints"):
            ShiftGCN()(clips(1, v=20))
        with pytest.raises(UsageError, match="have 3 persons"):
            ShiftGCN(OFFICIAL)(clips(1, m=3))


def test_input_statistics_of_each_person():
    model = ShiftGCN(OFFICIAL).train()
    x = torch.cat([clips(4) + 5, clips(4, seed=1) - 5], -1)
    model(x)
    first, second = (model.bn_in.running_mean / model.bn_in.momentum).view(2, -1)
    flat = x.permute(4, 0, 2, 3, 1).flatten(3).mean((1, 2)).flatten(1)
    torch.testing.assert_close(torch.stack([first, second]), flat, atol=1e-4, rtol=1e-4)
    model(x[..., :1])  # one person alone: only the first's statistics move
    moved = (model.bn_in.running_mean / model.bn_in.momentum).view(2, -1)
    torch.testing.assert_close(moved[0], 1.9 * first)
    assert torch.equal(moved[1], second)


def test_a_quarter_of_the_frames_is_left(model):
    model.eval()
    with torch.no_grad():
        for frames, expected in ((1, 1), (7, 1), (50, 12), (64, 16)):
            encoding = model(clips(2, t=frames))
            assert encoding.joints.shape == (2, 25, 256)
            assert encoding.frames.shape == (2, expected, 256)


def test_pretrained_as_neuron_does_and_extracted(store, skeletons, dataset, split):
    config = PRETRAIN_PRESETS["neuron"].model_copy(update={"epochs": 1, "batch": 7, "device": "cpu"})
    made = skeletons(persons=2, recipe="ctr-64")
    backbone = pretrain(store, made, dataset, split, config)
    assert backbone.card.config["sgd"]["milestones"] == [60, 80, 100]
    head = open_classifier(backbone).head.weight
    assert head.std().item() == pytest.approx(math.sqrt(2 / 4), rel=0.1)
    features = FeatureSet.open(extract(store, made, backbone))
    shapes = {name: array.shape for name, array in features.arrays.items()}
    assert shapes == {"pooled": (60, 256), "joints": (60, 25, 256), "frames": (60, 3, 256), "logits": (60, 5)}


@pytest.mark.slow
def test_learns_the_seen_classes(store, skeletons, dataset, split):
    config = PretrainConfig(backbone="shift-gcn", epochs=18, batch=8, validation_fraction=0, augmentation=NONE)
    made = skeletons()
    features = FeatureSet.open(extract(store, made, pretrain(store, made, dataset, split, config)))
    parts = partition(features, dataset, split, dataset.protocol(None))
    assert seen_accuracy(parts.train) > 0.9
    assert seen_accuracy(parts.test_seen) > 0.4  # chance: 0.25


def test_official_optimisation():
    config = PRETRAIN_PRESETS["neuron"].model_copy(update={"batch": 4})
    model = Classifier(ShiftGCN(OFFICIAL), 5)
    decays = {id(p): g["weight_decay"] for g in make_optimizer(model, config).param_groups for p in g["params"]}
    found = {name: decays[id(p)] for name, p in model.named_parameters() if p.requires_grad}
    assert found["encoder.blocks.4.spatial.linear.weight"] == 1e-3
    assert found["encoder.blocks.4.spatial.mask"] == 0
    tenth = {name for name, value in found.items() if value == 1e-4}
    assert {"head.bias", "encoder.blocks.4.spatial.linear.bias", "encoder.blocks.4.spatial.skip.linear.weight"} <= tenth
    assert len(tenth) == len(found) - 20
    fit = Fit(model, HeldClips(clips(10), torch.arange(10) % 5), HeldClips(clips(0), torch.arange(0)), config)
    assert [len(rows) for rows in fit._batches(0)] == [4, 4]
    rates = [fit.learning_rate(epoch) for epoch in (0, 59, 60, 80, 100, 109)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 1e-3, 1e-4, 1e-4])


def test_the_usual_settings_keep_their_identity():
    later = {"sgd", "drop_last", "head"}
    assert not later & set(PretrainConfig().identity())
    assert later <= set(PRETRAIN_PRESETS["neuron"].identity())
