"""The fast formulation against a plain one, and sizes; what every backbone promises is in ``tests/conformance``."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from zsl_skeleton.backbones.layers import Dropout, TemporalConv
from zsl_skeleton.backbones.st_gcn import STGCN, Block, STGCNConfig


def clips(b: int, t: int = 20, m: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(b, 3, t, 25, m, generator=torch.Generator().manual_seed(seed))


def norm(layer, x):
    """Batch norm of maps [N, C, T, V], written out."""
    shape = (1, -1, 1, 1)
    if layer.training:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    else:
        mean, var = layer.running_mean, layer.running_var
    y = (x - mean.view(shape)) / (var.view(shape) + layer.eps).sqrt()
    return y * layer.weight.view(shape) + layer.bias.view(shape)


def plain_block(block: Block, x):
    """A block in the textbook order on maps [N, C, T, V]: 1x1 convolution, einsum over the graph, 9x1 convolution."""
    conv = functional.conv2d(x, block.gconv.weight[:, :, None, None], block.gconv.bias)
    parts = conv.view(len(x), 3, -1, *x.shape[2:])
    y = torch.einsum("nkctv,kvw->nctw", parts, block.gconv.graph * block.gconv.edge)
    y = functional.relu(norm(block.bn1, y))
    y = functional.conv2d(y, block.tconv.weight[..., None], block.tconv.bias, (block.stride, 1), (4, 0))
    y = norm(block.bn2, y)
    if block.skip is not None:
        stride = (block.stride, 1)
        y = y + norm(block.bnskip, functional.conv2d(x, block.skip.weight[:, :, None, None], block.skip.bias, stride))
    elif block.residual:
        y = y + x
    return functional.relu(y)


def plain(model: STGCN, x):
    """Pooled features of one-person clips [B, 3, T, V, 1]."""
    b, _, t, v, _ = x.shape
    flat = x[..., 0].permute(0, 3, 1, 2).reshape(b, v * 3, t, 1)
    y = norm(model.bn_in, flat).view(b, v, 3, t).permute(0, 2, 3, 1)
    for block in model.blocks:
        y = plain_block(block, y)
    return y.mean((2, 3))


@pytest.fixture
def model() -> STGCN:
    """A network whose every parameter and statistic matters."""
    torch.manual_seed(0)
    made = STGCN(STGCNConfig(dropout=0.0))
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    for name, buffer in made.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            buffer.normal_(0, 0.2)
    return made


@pytest.mark.parametrize("training", [True, False])
def test_equals_the_plain_formulation(model, training):
    # In float64, since in float32 the gradients of ten batch-normalised ReLU blocks differ by the order of the sums.
    model.double().train(training)
    x = clips(4, t=21).double()
    fast, slow = model(x).pooled, plain(model, x)
    torch.testing.assert_close(fast, slow, atol=1e-10, rtol=1e-8)
    weight = torch.linspace(-1, 1, fast.shape[1])
    parameters = dict(model.named_parameters())
    ours = torch.autograd.grad((fast * weight).sum(), list(parameters.values()))
    theirs = torch.autograd.grad((slow * weight).sum(), list(parameters.values()))
    for name, a, b in zip(parameters, ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}")


def test_size():
    assert sum(p.numel() for p in STGCN().parameters()) == 821_380


@pytest.mark.parametrize("frames", [1, 2, 3, 12, 13, 50, 65])
def test_temporal_convolution_in_the_frequency_domain(frames):
    conv = TemporalConv(128)
    x = torch.randn(2, frames, 3, 128, requires_grad=True)
    direct = functional.conv1d(x.permute(0, 2, 3, 1).flatten(0, 1), conv.weight, conv.bias, padding=4)
    expected = direct.view(2, 3, 128, frames).permute(0, 3, 1, 2)
    torch.testing.assert_close(conv(x), expected, atol=1e-5, rtol=1e-5)
    weight = torch.randn_like(expected)
    ours, theirs = (torch.autograd.grad((y * weight).sum(), (x, *conv.parameters())) for y in (conv(x), expected))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_dropout_keeps_the_mean_and_the_share(p):
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(400, 999))
    assert float((y == 0).float().mean()) == pytest.approx(p, abs=0.005)
    assert float(y.mean()) == pytest.approx(1, abs=0.01)
    assert torch.equal(Dropout(p).eval()(y), y)


def test_absent_persons_take_part_in_official_batch_statistics():
    x = torch.cat([clips(3), torch.zeros(3, 3, 20, 25, 1)], -1)
    means = {}
    for pooling in ("mean", "present"):
        model = STGCN(STGCNConfig(person_pooling=pooling)).train()
        model(x)
        means[pooling] = model.bn_in.running_mean
    torch.testing.assert_close(means["mean"] * 2, means["present"])


def test_a_quarter_of_the_frames_is_left(model):
    model.eval()
    with torch.no_grad():
        for frames, expected in ((1, 1), (7, 2), (50, 13), (64, 16)):
            encoding = model(clips(2, t=frames))
            assert encoding.joints.shape == (2, 25, 256)
            assert encoding.frames.shape == (2, expected, 256)
