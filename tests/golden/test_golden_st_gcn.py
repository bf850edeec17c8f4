"""ST-GCN against the numbers of the authors' code (``smie_stgcn.npz``; every size is taken from the file)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsl_skeleton.backbones.graph import adjacency
from zsl_skeleton.backbones.st_gcn import STGCN, STGCNConfig

TOLERANCE = 2e-5
NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
LAYER = {"w": "weight", "b": "bias"}


def ours(name: str) -> str:
    """Name of the weight ``name`` of the golden file in our module."""
    parts = name.removeprefix("w.").split(".")
    last = parts.pop()
    if last == "edge":
        parts, leaf = [*parts, "gconv"], "edge"
    else:
        leaf = NORM.get(last) or LAYER[last]
    if parts[0].startswith("block"):
        parts = ["blocks", str(int(parts[0].removeprefix("block")) - 1), *parts[1:]]
    return ".".join([*parts, leaf])


@pytest.fixture
def encoder(golden):
    _, arrays = golden("smie_stgcn")
    model = STGCN(STGCNConfig(person_pooling="mean"))
    own = model.state_dict()
    weights = {ours(name): torch.from_numpy(array) for name, array in arrays.items() if name.startswith("w.")}
    missing = set(own) - set(weights)
    assert all(name.endswith("num_batches_tracked") for name in missing), missing
    model.load_state_dict({name: array.reshape(own[name].shape) for name, array in weights.items()}, strict=False)
    return model.eval()


def test_adjacency(golden):
    _, arrays = golden("smie_stgcn")
    np.testing.assert_allclose(adjacency().numpy(), arrays["exp.A"], atol=1e-7)


def test_blocks(golden, encoder):
    _, arrays = golden("smie_stgcn")
    maps: dict[int, torch.Tensor] = {}
    for number, block in enumerate(encoder.blocks, start=1):
        block.register_forward_hook(lambda _m, _i, out, number=number: maps.__setitem__(number, out))
    persons = torch.from_numpy(arrays["in.x"]).permute(0, 4, 2, 3, 1).flatten(0, 1)
    with torch.no_grad():
        encoder.maps(persons)
    for number, found in maps.items():
        block = found.permute(0, 3, 1, 2).double().numpy()
        assert list(block.shape) == arrays[f"exp.block{number}.shape"].tolist()
        np.testing.assert_allclose(block[:, :4, :3, :5], arrays[f"exp.block{number}.corner"], atol=TOLERANCE)
        stats = [block.mean(), block.std(), np.abs(block).max()]
        np.testing.assert_allclose(stats, arrays[f"exp.block{number}.stats"], atol=TOLERANCE)


def test_features(golden, encoder):
    cfg, arrays = golden("smie_stgcn")
    clips = torch.from_numpy(arrays["in.x"])
    start, stop, step = cfg["subset"]
    with torch.no_grad():
        whole, part = encoder(clips), encoder(clips[:, :, start:stop:step])
    np.testing.assert_allclose(whole.pooled.numpy(), arrays["exp.feat"], atol=TOLERANCE)
    np.testing.assert_allclose(part.pooled.numpy(), arrays["exp.feat_subset"], atol=TOLERANCE)
    np.testing.assert_allclose(whole.joints.mean(1).numpy(), arrays["exp.feat"], atol=TOLERANCE)
    np.testing.assert_allclose(whole.frames.mean(1).numpy(), arrays["exp.feat"], atol=TOLERANCE)
