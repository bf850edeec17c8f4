"""SMIE against numbers from the authors' own code (format and tolerances: see the golden files' conftest)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from golden.digests import assert_digest
from zsl_skeleton.backbones.masked_views import kept_frames, masked_view, motion, viewed_frames
from zsl_skeleton.backbones.st_gcn import STGCN, STGCNConfig
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.smie import SMIE, SMIEConfig
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.loop import learning_rate, make_optimizer, train_step

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]


def tensors(arrays: Arrays, *names: str) -> Iterator[Tensor]:
    return (torch.from_numpy(arrays[name]) for name in names)


def method(arrays: Arrays, frames: int = 0, **options: Any) -> SMIE:
    """A critic with the weights of the file; its two sizes are those of the file's layers."""
    first, middle = arrays["w.critic.0.w"], arrays["w.critic.1.w"]
    text = arrays["in.text"].shape[1]
    visual = first.shape[1] - text
    config = SMIEConfig(hidden=(len(first), len(middle)), **options)
    model = SMIE(config, Sizes({"pooled": visual, "masked": visual, "clips": frames}, text, len(arrays["in.text"])))
    state = model.state_dict()
    state["first_visual.weight"], state["first_text.weight"] = torch.from_numpy(first).split([visual, text], dim=1)
    names = {"first_visual.bias": "0.b", "middle.weight": "1.w", "middle.bias": "1.b", "last.weight": "2.w"}
    for ours, theirs in (names | {"last.bias": "2.b"}).items():
        state[ours] = torch.from_numpy(arrays[f"w.critic.{theirs}"])
    model.load_state_dict(state)
    return model


def of_critic(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the golden files' names."""
    return {
        "critic.0.w": torch.cat([values["first_visual.weight"], values["first_text.weight"]], dim=1),
        "critic.0.b": values["first_visual.bias"],
        "critic.1.w": values["middle.weight"],
        "critic.1.b": values["middle.bias"],
        "critic.2.w": values["last.weight"],
        "critic.2.b": values["last.bias"],
    }


def labels_as_text(rows: Tensor) -> ClassText:
    return ClassText({"label": rows[:, None]}, {"label": torch.ones(len(rows), 1, dtype=torch.bool)})


def assert_critic(values: dict[str, Tensor], arrays: Arrays, prefix: str, rel: float) -> None:
    for name, value in of_critic(values).items():
        assert_digest(value, arrays[f"{prefix}.{name}.digest"], rel)
        if f"{prefix}.{name}" in arrays:
            expected = arrays[f"{prefix}.{name}"]
            assert np.linalg.norm(value.numpy() - expected) <= rel * np.linalg.norm(expected)


@pytest.mark.parametrize("size", ["small", "full"])
def test_loss_and_gradients(golden: Load, size: str) -> None:
    cfg, arrays = golden(f"smie_critic_{size}")
    feat, masked, labels, rows = tensors(arrays, "in.feat", "in.feat_masked", "in.labels", "in.text")
    text = labels_as_text(rows)
    features = {"pooled": feat, "masked": torch.stack([feat, masked, 0 * feat], dim=1)}
    batch = Batch(features, labels, text, 0, {"view": torch.tensor([1])})
    for beta, expected in zip(cfg["betas"], arrays["exp.loss"], strict=True):
        model = method(arrays, beta=beta, hinge_weight=cfg["hinge_weight"])
        losses = model.losses(batch)
        np.testing.assert_allclose(losses["loss"].item(), expected, atol=1e-5)
        np.testing.assert_allclose(losses["information"].item(), arrays["exp.I0"], atol=1e-5)
        np.testing.assert_allclose(losses["gap"].item(), arrays["exp.I0"] - arrays["exp.I1"], atol=1e-5)
        if beta == cfg["betas"][0]:
            losses["loss"].backward()
            gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
            assert_critic(gradients, arrays, "exp.grad", 1e-4)


@pytest.mark.parametrize("size", ["small", "full"])
def test_critic(golden: Load, size: str) -> None:
    _, arrays = golden(f"smie_critic_{size}")
    feat, masked, labels, rows = tensors(arrays, "in.feat", "in.feat_masked", "in.labels", "in.text")
    model = method(arrays, test_layernorm=True)
    with torch.inference_mode():
        np.testing.assert_allclose(model.encode(feat).numpy(), arrays["exp.ln_feat"], atol=1e-5)
        np.testing.assert_allclose(model.encode(masked).numpy(), arrays["exp.ln_feat_masked"], atol=1e-5)
        state = model.prepare(labels_as_text(rows), torch.Generator())
        for clips, name in ((feat, "pos"), (masked, "masked"), (feat.roll(-1, dims=0), "neg")):
            own = model.logits(clips, state).gather(1, labels[:, None]).squeeze(1)
            np.testing.assert_allclose(own.numpy(), arrays[f"exp.T_{name}"], atol=1e-5)


@pytest.mark.parametrize("size", ["small", "full"])
@pytest.mark.parametrize("suffix", ["raw", "ln"])
def test_scores(golden: Load, size: str, suffix: str) -> None:
    _, arrays = golden(f"smie_critic_{size}")
    model = method(arrays, test_layernorm=suffix == "ln")
    with torch.inference_mode():
        text = labels_as_text(torch.from_numpy(arrays["in.text_unseen"]))
        scores = model.scores({"pooled": torch.from_numpy(arrays["in.feat"])}, model.prepare(text, torch.Generator()))
    np.testing.assert_allclose(scores.numpy(), arrays[f"exp.score_{suffix}"], atol=1e-5)
    predicted = arrays["in.unseen"][scores.argmax(1).numpy()]
    np.testing.assert_array_equal(predicted, arrays[f"exp.pred_{suffix}"])
    assert (predicted == arrays["in.test_labels"]).mean() == pytest.approx(float(arrays[f"exp.acc_{suffix}"]))


def test_masked_view(golden: Load) -> None:
    cfg, arrays = golden("smie_mask")
    clips, positions = tensors(arrays, "in.x", "in.draw")
    np.testing.assert_allclose(motion(clips).numpy(), arrays["exp.motion"], atol=1e-6)
    assert kept_frames(clips, cfg["m"]).shape == (cfg["n"], cfg["T"] - cfg["m"])
    np.testing.assert_array_equal(masked_view(clips, positions).numpy(), arrays["exp.out"])
    # The file names the first of several equal frames.
    for clip, frames, expected in zip(
        arrays["in.x"], viewed_frames(clips, positions), arrays["exp.frames"], strict=True
    ):
        np.testing.assert_array_equal(clip[:, frames], clip[:, expected])
        firsts = [next(t for t in range(cfg["T"]) if (clip[:, t] == clip[:, f]).all()) for f in frames]
        np.testing.assert_array_equal(firsts, expected)


def encoder_of(arrays: Arrays) -> nn.Module:
    """The frozen backbone with the weights of the file, found by their places and names."""
    leaves = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"}
    leaves |= {"w": "weight", "b": "bias", "edge": "gconv.edge"}
    model = STGCN(STGCNConfig(person_pooling="mean"))
    own = model.state_dict()
    for name, array in arrays.items():
        if not name.startswith(("w.bn_in", "w.block")):
            continue
        *parts, leaf = name.removeprefix("w.").split(".")
        if parts[0].startswith("block"):
            parts = ["blocks", str(int(parts[0].removeprefix("block")) - 1), *parts[1:]]
        ours = ".".join([*parts, leaves[leaf]])
        own[ours] = torch.from_numpy(array).reshape(own[ours].shape)
    model.load_state_dict(own)
    return model.eval()


@pytest.mark.parametrize("track", ["clip", "pooled"])
def test_training(golden: Load, track: str) -> None:
    cfg, arrays = golden(f"smie_train_{track}")
    seen = torch.tensor([c for c in range(cfg["n_class"]) if c not in cfg["unseen"]])
    inputs = [torch.from_numpy(arrays[f"in.x_train{b}"]) for b in range(cfg["batches"])]
    frozen = encoder_of(arrays) if track == "clip" else None

    @torch.no_grad()
    def encode(clips: Tensor) -> Tensor:
        return frozen(clips).pooled if frozen else clips

    frames = inputs[0].shape[2] if frozen else 0
    temporal = {"temporal": "clips", "mask_fraction": cfg["m"] / frames} if frozen else {"temporal": "off"}
    model = method(arrays, frames, beta=cfg["beta"], hinge_weight=cfg["hinge_weight"], **temporal)
    pooled = [encode(x) for x in inputs]
    text = labels_as_text(torch.from_numpy(arrays["in.text"]))
    config = TrainConfig(learning_rate=cfg["lr"])
    optimizer, losses = make_optimizer(model, config), []
    for e, epoch in enumerate(cfg["epochs"]):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, epoch)
        total = 0.0
        for b, clips in enumerate(inputs):
            labels = torch.searchsorted(seen, torch.from_numpy(arrays["in.y_train"][b]))
            draws = {}
            if frozen:
                draws["positions"] = torch.from_numpy(arrays["in.draws"][e * cfg["batches"] + b])
                own = model.draws(labels, torch.Generator().manual_seed(0))["positions"]
                assert own.shape == draws["positions"].shape
            features = {"pooled": pooled[b], "clips": clips}
            batch = Batch(features, labels, text.select(seen), epoch, draws, b, encode)
            total += train_step(model, optimizer, batch)["loss"].item()
        losses.append(total / cfg["batches"])
    np.testing.assert_allclose(losses, arrays["exp.loss"], atol=2e-5)
    assert_critic({name: p.detach() for name, p in model.named_parameters()}, arrays, "exp.w", 1e-3)
    tests = [encode(torch.from_numpy(arrays[f"in.x_test{i}"])) for i in range(len(cfg["test_batches"]))]
    check_test(model, torch.cat(tests), text.select(torch.tensor(cfg["unseen"])), (cfg, arrays))


def check_test(model: SMIE, pooled: Tensor, text: ClassText, golden: tuple[dict[str, Any], Arrays]) -> None:
    cfg, arrays = golden
    with torch.inference_mode():
        scores = model.scores({"pooled": pooled}, model.prepare(text, torch.Generator()))
    np.testing.assert_allclose(scores.numpy(), arrays["exp.score"], atol=1e-4)
    predicted = np.array(cfg["unseen"])[scores.argmax(1).numpy()]
    np.testing.assert_array_equal(predicted, arrays["exp.pred"])
    right = predicted == arrays["in.y_test"]
    assert right.mean() == pytest.approx(float(arrays["exp.acc_samples"]))
    parts = np.split(right, np.cumsum(cfg["test_batches"])[:-1])
    official = np.mean([part.mean() for part in parts])
    assert official == pytest.approx(float(arrays["exp.acc_mean_of_batches"]))
