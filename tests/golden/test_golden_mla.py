"""MLA against numbers from the authors' own code (format and tolerances: see the golden files' conftest)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from golden.digests import assert_digest
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.mla import MLA, MLAConfig, attention, infonce, negative_clips, select
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.loop import learning_rate, make_optimizer, train_step

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]


def method(cfg: dict[str, Any], arrays: Arrays, classes: int) -> MLA:
    config = MLAConfig(series=tuple(cfg["series"]), negatives=cfg["n_neg"], inverse_epochs=cfg["flip_epoch"])
    model = MLA(config, Sizes({"pooled": cfg["dim_v"]}, cfg["dim_t"], classes))
    state = model.state_dict()
    for head in range(len(cfg["series"])):
        for name, tensor in of_head({k: state[k] for k, _ in model.named_parameters()}, head).items():
            source = torch.from_numpy(arrays[f"w.head{head}.{name}"])
            assert source.shape == tensor.shape
            write_head(state, head, name, source)
    model.load_state_dict(state)
    return model


def of_head(stacked: dict[str, Tensor], head: int) -> dict[str, Tensor]:
    """One head's tensors under the golden files' names, (out, in)."""
    w = {name: value[head] for name, value in stacked.items()}
    return {
        "critic.0.w": torch.cat([w["critic_z"], w["critic_q"]]).T,
        "critic.0.b": w["critic_bias"].squeeze(0),
        "critic.1.w": w["middle"].T,
        "critic.1.b": w["middle_bias"].squeeze(0),
        "critic.2.w": w["last"].T,
        "critic.2.b": w["last_bias"].squeeze(0),
        "proj.w": w["project"].T,
        "proj.b": w["project_bias"].squeeze(0),
    }


def write_head(state: dict[str, Tensor], head: int, name: str, value: Tensor) -> None:
    if name == "critic.0.w":
        state["critic_z"][head], state["critic_q"][head] = value.T.chunk(2)
        return
    bias = {
        "critic.0.b": "critic_bias",
        "critic.1.b": "middle_bias",
        "critic.2.b": "last_bias",
        "proj.b": "project_bias",
    }
    weight = {"critic.1.w": "middle", "critic.2.w": "last", "proj.w": "project"}
    state[bias.get(name) or weight[name]][head] = value if name in bias else value.T


def class_text(rows: NDArray[np.float32], descriptions: int) -> ClassText:
    text = torch.from_numpy(rows)
    slots = {"codebook": text[:, :descriptions], "motion": text[:, descriptions : descriptions + 1]}
    return ClassText(slots, {name: torch.ones(value.shape[:2], dtype=torch.bool) for name, value in slots.items()})


def assert_heads(model: MLA, arrays: Arrays, prefix: str, rel: float, *, gradient: bool) -> None:
    stacked = {name: p.grad if gradient else p.detach() for name, p in model.named_parameters()}
    checked = 0
    for head in range(model.heads):
        for name, value in of_head(stacked, head).items():
            if f"{prefix}.head{head}.{name}" in arrays:
                expected = arrays[f"{prefix}.head{head}.{name}"]
                assert np.linalg.norm(value.numpy() - expected) <= rel * np.linalg.norm(expected)
            assert_digest(value, arrays[f"{prefix}.head{head}.{name}.digest"], rel)
            checked += 1
    assert checked == 8 * model.heads


def test_aggregation(golden: Load) -> None:
    cfg, arrays = golden("mla_aggregation")
    rows, z = torch.from_numpy(arrays["in.desc"]), torch.from_numpy(arrays["in.z"])
    mask = torch.ones(rows.shape[:2], dtype=torch.bool)

    def attend(clips: Tensor) -> Tensor:
        return attention(clips.expand(len(rows), 1, *clips.shape), rows)

    def compose(clips: Tensor, k: int, rho: int, text: Tensor = rows) -> NDArray[np.float32]:
        a = attention(clips.expand(len(text), 1, *clips.shape), text)
        return (select(a, mask, (k,), rho=rho).squeeze(1) @ text).transpose(0, 1).numpy()

    np.testing.assert_allclose(attend(z).squeeze(1).transpose(0, 1).numpy(), arrays["exp.attention"], atol=1e-6)
    for k in cfg["ks"]:
        np.testing.assert_allclose(compose(z, k, 1), arrays[f"exp.k{k}.plus"], atol=1e-6)
        np.testing.assert_allclose(compose(z, k, -1), arrays[f"exp.k{k}.minus"], atol=1e-6)
    special = {key.rpartition(".k") for key in arrays if key.startswith(("exp.one_clip.", "exp.all_equal."))}
    assert len(special) >= 2
    for name, _, k in special:
        if name == "exp.one_clip":
            np.testing.assert_allclose(compose(z[:1], int(k), 1), arrays[f"{name}.k{k}"], atol=1e-6)
        else:
            equal = rows[:, :1].expand_as(rows).contiguous()
            np.testing.assert_allclose(compose(z, int(k), 1, equal), arrays[f"{name}.k{k}"], atol=1e-6)


def test_infonce(golden: Load) -> None:
    cfg, arrays = golden("mla_infonce")
    labels = torch.from_numpy(arrays["in.labels"])
    w = {
        i: (torch.from_numpy(arrays[f"w.critic.{i}.w"]), torch.from_numpy(arrays[f"w.critic.{i}.b"])) for i in range(3)
    }

    def critic(z: Tensor, q: Tensor) -> Tensor:
        x = torch.cat([z, q], dim=-1)
        for i in range(3):
            x = torch.nn.functional.linear(x if i == 0 else x.relu(), *w[i])
        return x.squeeze(-1)

    z = torch.from_numpy(arrays["in.z"])[:, None].expand(-1, cfg["n_class"], -1)
    texts = {"pair": torch.from_numpy(arrays["in.q"]), "class": torch.from_numpy(arrays["in.q_class"]).expand_as(z)}
    for kind, q in texts.items():
        t = critic(z, q)
        softplus = torch.nn.functional.softplus(t).numpy()
        np.testing.assert_allclose(softplus, arrays[f"exp.s_{kind}"], atol=1e-5)
        for k in cfg["ks"]:
            ranks = torch.from_numpy(arrays[f"in.k{k}.ranks"])[None]
            clips = negative_clips(labels, cfg["n_class"], ranks)
            np.testing.assert_array_equal(clips[labels, 0].numpy(), arrays[f"exp.k{k}.negatives"])
            positive = t.gather(1, labels[:, None]).T
            negative = t.T[None].gather(2, clips.transpose(0, 1))
            loss = infonce(positive, negative, labels, ranks)
            np.testing.assert_allclose(loss.item(), arrays[f"exp.k{k}.{kind}.loss"], atol=1e-5)
            anchors = [infonce(positive[:, i : i + 1], negative, labels[i : i + 1], ranks) for i in range(len(labels))]
            np.testing.assert_allclose(torch.stack(anchors).numpy(), arrays[f"exp.k{k}.{kind}.per_anchor"], atol=1e-5)


@pytest.mark.parametrize("size", ["small", "full"])
def test_model(golden: Load, size: str) -> None:
    cfg, arrays = golden(f"mla_model_{size}")
    model = method(cfg, arrays, cfg["n_class"])
    features = {"pooled": torch.from_numpy(arrays["in.v"])}
    text = class_text(arrays["in.text"], cfg["n_desc"])
    draws = {"ranks": torch.from_numpy(arrays["in.ranks"])}
    epochs = sorted(int(key.rpartition("epoch")[2]) for key in arrays if key.startswith("exp.loss.epoch"))
    assert epochs
    for epoch in epochs:
        model.zero_grad()
        loss = model.losses(Batch(features, torch.from_numpy(arrays["in.labels"]), text, epoch, draws))["loss"]
        np.testing.assert_allclose(loss.item(), arrays[f"exp.loss.epoch{epoch}"], atol=1e-5)
        if any(key.startswith(f"exp.grad.epoch{epoch}.") for key in arrays):
            loss.backward()
            assert_heads(model, arrays, f"exp.grad.epoch{epoch}", 1e-4, gradient=True)
    with torch.inference_mode():
        state = model.prepare(class_text(arrays["in.text_unseen"], cfg["n_desc"]), torch.Generator())
        logits, scores = model.logits(features["pooled"], state), model.scores(features, state)
    np.testing.assert_allclose(logits.numpy(), arrays["exp.t_heads"], atol=1e-5)
    np.testing.assert_allclose(scores.numpy(), arrays["exp.score"], atol=2e-5)
    predicted = arrays["in.unseen"][scores.argmax(1).numpy()]
    np.testing.assert_array_equal(predicted, arrays["exp.pred"])
    assert (predicted == arrays["in.test_labels"]).mean() == pytest.approx(float(arrays["exp.acc"]))


@pytest.mark.parametrize("track", ["clip", "pooled"])
def test_training(golden: Load, track: str) -> None:
    cfg, arrays = golden(f"mla_train_{track}")
    seen = torch.tensor([c for c in range(cfg["n_class"]) if c not in cfg["unseen"]])
    model = method(cfg, arrays, len(seen))
    text = class_text(arrays["in.text"], cfg["n_desc"]).select(seen)
    config = TrainConfig(learning_rate=cfg["lr"])
    optimizer = make_optimizer(model, config)
    ranks = torch.from_numpy(arrays["in.ranks"]).view(len(cfg["epochs"]), cfg["batches"], model.heads, -1)
    losses = []
    for e, epoch in enumerate(cfg["epochs"]):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, epoch)
        total = 0.0
        for b in range(cfg["batches"]):
            labels = torch.searchsorted(seen, torch.from_numpy(arrays["in.labels"][b]))
            features = {"pooled": torch.from_numpy(arrays["in.v"][b])}
            batch = Batch(features, labels, text, epoch, {"ranks": ranks[e, b]})
            total += train_step(model, optimizer, batch)["loss"].item()
        losses.append(total / cfg["batches"])
    np.testing.assert_allclose(losses, arrays["exp.loss"], atol=3e-5)
    assert_heads(model, arrays, "exp.w", 1e-3, gradient=False)
    if "exp.loss_with_label_bug" in arrays:
        assert np.abs(np.array(losses) - arrays["exp.loss_with_label_bug"]).max() > 1e-4


def test_schedule(golden: Load) -> None:
    cfg, arrays = golden("smie_lr")
    config = TrainConfig(epochs=cfg["epochs"], warmup=cfg["warmup"], learning_rate=cfg["lr"])
    rates = [learning_rate(config, epoch) for epoch in range(cfg["epochs"])]
    np.testing.assert_allclose(rates, arrays["exp.lr"], atol=1e-12)
