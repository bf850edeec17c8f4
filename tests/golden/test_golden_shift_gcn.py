"""Shift-GCN against the numbers of the authors' code (``neuron_shift``, ``neuron_backbone``, ``neuron_bn_drift``)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsl_skeleton.backbones.classifier import Classifier
from zsl_skeleton.backbones.shift import LearnableShift
from zsl_skeleton.backbones.shift_gcn import ShiftGCN, ShiftGCNConfig

OFFICIAL = ShiftGCNConfig(person_pooling="mean", input_norm="person")
LAYERS = {
    "spatial": "spatial.linear",
    "bn_spatial": "spatial.norm",
    "down": "spatial.skip.linear",
    "bn_down": "spatial.skip.norm",
    "bn_t1": "temporal.norm1",
    "shift1": "temporal.shift1",
    "temporal": "temporal.linear",
    "shift2": "temporal.shift2",
    "bn_t2": "temporal.norm2",
    "res": "skip.linear",
    "bn_res": "skip.norm",
}
LEAVES = {"w": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}


def ours(name: str) -> str:
    """Name of the weight ``name`` of the golden files in our module."""
    parts = name.removeprefix("w.").split(".")
    leaf = LEAVES.get(parts[-1], parts[-1])
    if parts[0] == "classifier":
        return f"head.{leaf}"
    if parts[0] == "bn_in":
        return f"encoder.bn_in.{leaf}"
    layer = "spatial" if leaf == "mask" else LAYERS[parts[1]]
    return f"encoder.blocks.{int(parts[0].removeprefix('block')) - 1}.{layer}.{leaf}"


def close(found: torch.Tensor, expected: np.ndarray, atol: float = 1e-5, rtol: float = 1e-4) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=atol, rtol=rtol)


@pytest.fixture
def load(golden):
    def build(name: str) -> tuple[Classifier, dict[str, np.ndarray]]:
        cfg, arrays = golden(name)
        model = Classifier(ShiftGCN(OFFICIAL), cfg["n_class"])
        own = model.state_dict()
        weights = {ours(key): torch.from_numpy(array) for key, array in arrays.items() if key.startswith("w.")}
        missing = set(own) - set(weights)
        assert all(key.endswith(("num_batches_tracked", "xpos")) for key in missing), missing
        model.load_state_dict({key: array.reshape(own[key].shape) for key, array in weights.items()}, strict=False)
        return model, arrays

    return build


@pytest.mark.parametrize("stride", [1, 2])
def test_learnable_shift(golden, stride):
    _, arrays = golden("neuron_shift")
    given = {key: torch.from_numpy(arrays[f"in.stride{stride}.{key}"]) for key in ("x", "ypos", "grad_out")}
    shift = LearnableShift(len(given["ypos"]), stride)
    shift.ypos.data.copy_(given["ypos"])
    x = given["x"].requires_grad_()
    y = shift(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    y.backward(given["grad_out"])
    expected = {key: arrays[f"exp.stride{stride}.{key}"] for key in ("y", "grad_x", "grad_ypos")}
    for found, key in ((y, "y"), (x.grad, "grad_x"), (shift.ypos.grad, "grad_ypos")):
        close(found, expected[key], atol=1e-6, rtol=0)


def test_backbone(load):
    model, arrays = load("neuron_backbone")
    model.eval()
    maps: dict[int, torch.Tensor] = {}
    for number, block in enumerate(model.encoder.blocks, start=1):
        block.register_forward_hook(lambda _m, _i, out, number=number: maps.__setitem__(number, out))
    clips = torch.from_numpy(arrays["in.x"])
    with torch.no_grad():
        encoding, logits = model(clips)
        model.encoder.maps(model.encoder.bn_in(clips.permute(0, 4, 2, 3, 1)).flatten(0, 1))
    for number, found in maps.items():
        block = found.permute(0, 3, 1, 2).double()
        assert list(block.shape) == arrays[f"exp.block{number}.shape"].tolist()
        close(block[:, :4, :3, :5], arrays[f"exp.block{number}.corner"])
        close(
            torch.stack([block.mean(), block.std(correction=0), block.abs().max()]), arrays[f"exp.block{number}.stats"]
        )
    persons = maps[len(maps)].view(len(clips), -1, *maps[len(maps)].shape[1:])
    close(persons.mean(1).permute(0, 3, 1, 2)[:, :12], arrays["exp.cube_corner"])
    for name, found in (("XS", encoding.joints), ("XT", encoding.frames), ("pooled", encoding.pooled)):
        close(found, arrays[f"exp.{name}"])
    close(logits, arrays["exp.logits"])


def test_running_statistics_drift_in_train_mode_only(load):
    model, arrays = load("neuron_bn_drift")
    clips = torch.from_numpy(arrays["in.x"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        model.eval()(clips)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        encoding, _ = model.train()(clips)
    close(encoding.joints, arrays["exp.XS_train_mode"], rtol=1e-3)
    close(encoding.pooled, arrays["exp.pooled_train_mode"], rtol=1e-3)
    state, checked = model.state_dict(), 0
    for key in arrays:
        if key.endswith("_after"):
            close(state[ours(key.removeprefix("exp.").removesuffix("_after"))], arrays[key], atol=1e-6)
            checked += 1
    assert checked
