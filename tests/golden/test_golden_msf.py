"""MSF against numbers from the authors' own code (format and tolerances: see the golden files' conftest)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from golden.digests import assert_digest
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.msf import MSF, MSFConfig, latent_codes, train_classifier
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.loop import make_optimizer, train_step

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]

LAYERS = ("Es.mu", "Es.logvar", "Ds", "Et.mu", "Et.logvar", "Dt")


def method(cfg: dict[str, Any], arrays: Arrays, prefix: str = "w") -> MSF:
    # The two cycle lengths of the official scripts switch the cross terms on at different steps.
    options = {
        "text": ("fused",),
        "latent": cfg["latent"],
        "cross_start": {1700: 1400, 1900: 1500}[cfg["cycle_length"]],
    }
    names = {"classifier_steps": "classifier_steps", "classifier_lr": "classifier_rate", "per_class": "latents"}
    config = MSFConfig.model_validate(options | {names[key]: cfg[key] for key in names if key in cfg})
    model = MSF(config, Sizes({"pooled": cfg["dim_v"]}, cfg["dim_t"], 0))
    with torch.no_grad():
        for name, value in layers(model, lambda p: p.detach()).items():
            source = torch.from_numpy(arrays[f"{prefix}.{name}"])
            assert source.shape == value.shape
            value.copy_(source)
    return model


def layers(model: MSF, of: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Weights, or what ``of`` takes from them, under the golden files' names."""
    named = {}
    for name, encoder in (("Es", model.visual_encoder), ("Et", model.text_encoder)):
        for kind, value in (("w", encoder.weight), ("b", encoder.bias)):
            named[f"{name}.mu.{kind}"], named[f"{name}.logvar.{kind}"] = of(value).chunk(2)
    for name, decoder in (("Ds", model.visual_decoder), ("Dt", model.text_decoder)):
        named[f"{name}.w"], named[f"{name}.b"] = of(decoder.weight), of(decoder.bias)
    assert set(named) == {f"{layer}.{kind}" for layer in LAYERS for kind in "wb"}
    return named


def class_text(rows: NDArray[np.float32]) -> ClassText:
    return ClassText({"fused": torch.from_numpy(rows)[:, None]}, {"fused": torch.ones(len(rows), 1, dtype=torch.bool)})


def assert_tensors(found: dict[str, Tensor], arrays: Arrays, prefix: str, rel: float) -> None:
    """Every expected tensor is there and close, relative to its norm; where only a digest is stored, by that."""
    for name, value in found.items():
        if f"{prefix}.{name}" in arrays:
            expected = arrays[f"{prefix}.{name}"]
            assert np.linalg.norm(value.detach().numpy() - expected) <= rel * np.linalg.norm(expected), name
        if f"{prefix}.{name}.digest" in arrays:
            assert_digest(value, arrays[f"{prefix}.{name}.digest"], rel)
        assert f"{prefix}.{name}" in arrays or f"{prefix}.{name}.digest" in arrays, name


def assert_values(found: Tensor, arrays: Arrays, name: str, atol: float) -> None:
    if name in arrays:
        np.testing.assert_allclose(found.detach().numpy(), arrays[name], atol=atol, rtol=0)
    else:
        assert_digest(found, arrays[f"{name}.digest"], 1e-4)


def test_fusion(golden: Load) -> None:
    cfg, arrays = golden("msf_fusion")
    wanted = [key for key in arrays if key.startswith("exp.fused.")]
    assert wanted
    for key in wanted:
        slots = tuple(key.removeprefix("exp.fused.").split("_"))
        raw = {slot: torch.from_numpy(arrays[f"in.raw.{slot}"])[:, None] for slot in slots}
        text = ClassText(raw, {slot: torch.ones(cfg["n_class"], 1, dtype=torch.bool) for slot in slots})
        model = MSF(MSFConfig(text=slots), Sizes({"pooled": 4}, raw[slots[0]].shape[-1], cfg["n_class"]))
        np.testing.assert_allclose(model.text_input(text).numpy(), arrays[key], atol=1e-6)


@pytest.mark.parametrize("size", ["small", "full"])
def test_step(golden: Load, size: str) -> None:
    cfg, arrays = golden(f"msf_step_{size}")
    model = method(cfg, arrays)
    eps = torch.from_numpy(np.stack([arrays["in.eps_s"], arrays["in.eps_t"]]))[..., None]
    x = torch.from_numpy(arrays["in.x"])
    batch = Batch({"pooled": x}, torch.arange(len(x)), class_text(arrays["in.t"]), 0, {"eps": eps})
    t = model.text_input(batch.text)
    mu, logvar = model.encode(x, t, batch)
    z = mu + eps * (0.5 * logvar).exp()
    for i, name in enumerate("st"):
        for found, kind in ((mu, "mu"), (logvar, "logvar"), (z, "z")):
            assert_values(found[i], arrays, f"exp.{kind}_{name}", 1e-5)
    decoded = {
        "rec_s": model.decode_visual(z[0]),
        "rec_t": model.decode_text(z[1]),
        "rec_s_from_t": model.decode_visual(z[1]),
        "rec_t_from_s": model.decode_text(z[0]),
    }
    for name, value in decoded.items():
        assert_values(value, arrays, f"exp.{name}", 1e-5)
    e = {name: float(arrays[f"exp.{name}"]) for name in ("L_s", "L_t", "L_st", "L_ts", "KL_s", "KL_t")}
    for (cycle, step), total in zip(arrays["in.schedule"].tolist(), arrays["exp.total_loss"], strict=True):
        a_s, a_t, b = model.config.weights(cycle, step)
        batch = replace(batch, epoch=cycle, step=step)
        losses = {name: value.item() for name, value in model.losses(batch).items()}
        assert losses["loss"] == pytest.approx(total, rel=1e-5)
        assert losses["reconstruction"] == pytest.approx(e["L_s"] + e["L_t"], rel=1e-5)
        assert losses.get("cross", 0.0) == pytest.approx(b * (e["L_st"] + e["L_ts"]), rel=1e-5)
        assert losses.get("kl", 0.0) == pytest.approx(a_s * e["KL_s"] + a_t * e["KL_t"], rel=1e-5)
    one_adam_step(model, batch, cfg["lr"], arrays)


def one_adam_step(model: MSF, batch: Batch, rate: float, arrays: Arrays) -> None:
    optimizer = make_optimizer(model, TrainConfig())
    for group in optimizer.param_groups:
        group["lr"] = rate
    train_step(model, optimizer, batch)
    gradients = layers(model, lambda p: p.grad)
    assert_tensors(gradients, arrays, "exp.grad", 1e-4)
    for name, value in layers(model, lambda p: p.detach()).items():
        if f"exp.w1.{name}" not in arrays:
            picked = np.linspace(0, value.numel() - 1, 24).astype(np.int64)
            found, expected = value.numpy().ravel()[picked], arrays[f"exp.w1.{name}.digest"][3:]
            gradient = gradients[name].numpy().ravel()[picked]
        else:
            found, expected, gradient = value.numpy(), arrays[f"exp.w1.{name}"], gradients[name].numpy()
        # Adam's first step is as long as the rate, and a vanishing gradient may have either sign.
        assert (np.abs(found - expected) <= np.where(np.abs(gradient) < 1e-7, 2 * rate, 1e-5)).all(), name


def test_training(golden: Load) -> None:
    cfg, arrays = golden("msf_train")
    model = method(cfg, arrays)
    optimizer = make_optimizer(model, TrainConfig())
    for group in optimizer.param_groups:
        group["lr"] = cfg["lr"]
    x, y = torch.from_numpy(arrays["in.x_train"]), torch.from_numpy(arrays["in.y_train"]).long()
    text, index = class_text(arrays["in.text"]), torch.from_numpy(arrays["in.batch_index"]).long()
    eps, losses = torch.from_numpy(arrays["in.eps"])[..., None], []
    for n, rows in enumerate(index):
        cycle, step = divmod(n, cfg["cycle_length"])
        batch = Batch({"pooled": x[rows]}, y[rows], text, cycle, {"eps": eps[n]}, step)
        losses.append(train_step(model, optimizer, batch)["loss"])
    np.testing.assert_allclose(torch.stack(losses).numpy(), arrays["exp.loss"], rtol=1e-3)
    assert_tensors(layers(model, lambda p: p.detach()), arrays, "exp.w_end", 2e-2)


def end_of_training(cfg: dict[str, Any], arrays: Arrays) -> MSF:
    """A model with as many of the final weights as the file holds in full: all but the decoders."""
    stored = {f"w.{name}": arrays[f"w.{name}"] for layer in LAYERS for name in (f"{layer}.w", f"{layer}.b")}
    ended = {f"w.{key.removeprefix('exp.w_end.')}": arrays[key] for key in arrays if key.startswith("exp.w_end.")}
    assert {f"w.{name}.w" for name in LAYERS if name.startswith("E")} <= set(ended)
    return method(cfg, stored | ended)


@pytest.mark.parametrize("kind", ["scalar", "dense"])
def test_classifier(golden: Load, kind: str) -> None:
    cfg, arrays = golden("msf_train")
    model = end_of_training(cfg, arrays)
    unseen = torch.tensor(cfg["unseen"])
    t = model.text_input(class_text(arrays["in.text"]).select(unseen))
    mu, logvar = model.text_encoder(t).detach().chunk(2, dim=-1)
    np.testing.assert_allclose(mu.numpy(), arrays["exp.cls_mu"], atol=1e-5)
    np.testing.assert_allclose(logvar.numpy(), arrays["exp.cls_logvar"], atol=1e-5)
    z = torch.from_numpy(arrays["in.cls_z"]).view(-1, len(unseen), cfg["latent"]).transpose(0, 1)
    assert z.shape[1] == cfg["per_class"]
    if kind == "scalar":
        spread = (0.5 * logvar).exp()
        eps = ((z - mu[:, None]) * spread[:, None]).sum(-1) / spread.square().sum(-1, keepdim=True)
        codes = latent_codes(mu, spread, eps)
    else:
        codes = latent_codes(torch.zeros_like(mu), torch.ones_like(mu), z)
    start = torch.from_numpy(arrays["w.Fu.w"]).T, torch.from_numpy(arrays["w.Fu.b"])
    weight, bias = train_classifier(codes, *start, model.config)
    np.testing.assert_allclose(weight.T.numpy(), arrays["exp.cls_end.Fu.w"], atol=1e-4)
    np.testing.assert_allclose(bias.numpy(), arrays["exp.cls_end.Fu.b"], atol=1e-4)
    state = {"weight": weight, "bias": bias}
    x = torch.from_numpy(arrays["in.x_unseen_test"])
    with torch.no_grad():
        found = model.visual_encoder(x)[:, : cfg["latent"]]
        logits, scores = model.logits(x, state), model.scores({"pooled": x}, state)
        everyone = model.scores({"pooled": torch.from_numpy(arrays["in.x_all_test"])}, state)
    np.testing.assert_allclose(found.numpy(), arrays["exp.zsl_mu"], atol=1e-4)
    np.testing.assert_allclose(logits.numpy(), arrays["exp.zsl_logits"], atol=1e-3)
    np.testing.assert_allclose(everyone.exp().numpy(), arrays["exp.all_test_unseen_probs"], atol=1e-3)
    predicted = unseen[scores.argmax(1)].numpy()
    assert (predicted == arrays["in.y_unseen_test"]).mean() == pytest.approx(float(arrays["exp.zsl_acc"]))
