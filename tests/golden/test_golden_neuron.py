"""Neuron's head against numbers from the authors' own code (format: see the golden files' conftest)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from golden.digests import assert_digest
from zsl_skeleton.evaluation.metrics import zero_shot_metrics
from zsl_skeleton.evaluation.oracle import either_branch_accuracy, either_branch_search
from zsl_skeleton.methods.base import Batch, ClassText, Sizes
from zsl_skeleton.methods.neuron import Neuron, NeuronConfig, fuse
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.loop import make_optimizer, train_step

Arrays = dict[str, NDArray[Any]]
Load = Callable[[str], tuple[dict[str, Any], Arrays]]

SPATIAL = ("spatial.coarse", "spatial.medium", "spatial.fine")
TEMPORAL = ("temporal.start", "temporal.start_main", "temporal.start_main_end")
GATES = {"spatial": ("S",), "temporal": ("T", "mem", "rec")}


def method(cfg: dict[str, Any], arrays: Arrays) -> Neuron:
    frames, dim = arrays["in.XT"].shape[1:]
    config = NeuronConfig(
        spatial_slots=SPATIAL,
        temporal_slots=TEMPORAL,
        prototypes=cfg["n_proto"],
        prefixes=tuple(prefix / frames for prefix in cfg["prefixes"]),
        dropped=tuple(count / cfg["n_proto"] for count in cfg["drop"]),
        logit_scale=cfg["logit_scale"],
    )
    model = Neuron(config, Sizes({"joints": dim, "frames": dim}, cfg["dim_t"], cfg["n_class"]))
    named = by_official_name(dict(model.named_parameters()))
    assert {name.removeprefix("w.") for name in arrays if name.startswith("w.")} == set(named)
    with torch.no_grad():
        for name, value in named.items():
            value.copy_(torch.from_numpy(arrays[f"w.{name}"]))
    return model


def by_official_name(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """The golden files' names -> views of ours; weights as (out, in)."""
    found = {}
    for name, (table, letter) in {"spatial": ("P0", "S"), "temporal": ("Q0", "T")}.items():
        own = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(name)}
        found[f"{table}.emb"] = own["prototypes"]
        found[f"W_{letter}.w"], found[f"W_{letter}.b"] = own["project"].T, own["project_bias"][0]
        for k in range(len(own["first"])):
            for g, gate in enumerate(GATES[name]):
                for layer, kind in enumerate(("first", "second")):
                    found[f"mlp_{gate}.{k}.{layer}.w"] = own[kind][k, g].T
                    found[f"mlp_{gate}.{k}.{layer}.b"] = own[f"{kind}_bias"][k, g, 0]
    return found


def class_text(arrays: Arrays) -> ClassText:
    raw = {slot: arrays["in.text_base"] + arrays[f"in.text_noise.{slot}"] for slot in (*SPATIAL, *TEMPORAL)}
    slots = {slot: F.normalize(torch.from_numpy(value), dim=-1) for slot, value in raw.items()}
    return ClassText(slots, {slot: torch.ones(value.shape[:2], dtype=torch.bool) for slot, value in slots.items()})


def training_batch(arrays: Arrays) -> Batch:
    features = {"joints": torch.from_numpy(arrays["in.XS"]), "frames": torch.from_numpy(arrays["in.XT"])}
    return Batch(features, torch.from_numpy(arrays["in.labels"]), class_text(arrays), 0, {})


def assert_close(found: Tensor, expected: NDArray[Any], name: str) -> None:
    """Within 1e-5 plus 1e-4 of the largest entry: single entries of the float32 originals are no more exact."""
    atol = 1e-5 + 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=atol, rtol=0, err_msg=name)


def test_every_step_of_both_branches(golden: Load) -> None:
    cfg, arrays = golden("neuron_head")
    model, batch = method(cfg, arrays), training_batch(arrays)
    logits = model.logits(batch.features, model.class_means(batch.text), {})
    for name, pooled_name, x in (("spatial", "pooled_joints", "joints"), ("temporal", "pooled_frames", "frames")):
        branch = model.get_submodule(name)
        for k, step in enumerate(branch(batch.features[x])):
            seen = batch.features[x][:, : step.attention.shape[1]]
            wide = {pooled_name: step.attention.mT @ seen}
            wide |= {"prototypes": step.prototypes} if name == "spatial" else {}
            wide |= {f"mlp_{gate}": step.outputs[g] for g, gate in enumerate(GATES[name])}
            mean = step.prototypes.mean(1)
            for key, value in wide.items():
                where = f"exp.{name}{k}.{key}"
                if f"{where}.corner" in arrays:
                    assert_close(value[:, :12, :16], arrays[f"{where}.corner"], where)
                if f"{where}.digest" in arrays:
                    assert_digest(value, arrays[f"{where}.digest"], 1e-4, where)
            assert_close(mean, arrays[f"exp.{name}{k}.mean"], f"{name}{k}.mean")
            projected = (mean @ branch.project + branch.project_bias).relu()
            assert_close(projected, arrays[f"exp.{name}{k}.projected"], f"{name}{k}.projected")
            np.testing.assert_allclose(logits[name][k].detach(), arrays[f"exp.logits_{name}{k}"], atol=2e-7, rtol=0)


def test_gradients_and_the_official_training(golden: Load) -> None:
    cfg, arrays = golden("neuron_head")
    model, batch = method(cfg, arrays), training_batch(arrays)
    optimizer = make_optimizer(
        model, TrainConfig(optimizer="sgd", momentum=cfg["momentum"], weight_decay=cfg["weight_decay"])
    )
    for group in optimizer.param_groups:
        group["lr"] = cfg["lr"]
    for step in range(cfg["steps"]):
        losses = train_step(model, optimizer, batch)
        found = [losses[name].item() for name in ("loss", "spatial", "temporal")]
        np.testing.assert_allclose(found, arrays["exp.losses"][step], atol=1e-6)
        if step == 0:
            gradients = by_official_name({name: p.grad for name, p in model.named_parameters()})
            assert all(f"exp.grad.{name}.digest" in arrays for name in gradients)
            for name, value in gradients.items():
                assert_digest(value, arrays[f"exp.grad.{name}.digest"], 1e-3, name)
                assert value.norm().item() == pytest.approx(float(arrays[f"exp.gradnorm.{name}"]), rel=1e-3)
    for name, value in by_official_name(dict(model.named_parameters())).items():
        assert_digest(value, arrays[f"exp.w_after{cfg['steps']}.{name}.digest"], 1e-3, name)
        if (full := f"exp.w_after{cfg['steps']}.{name}") in arrays:
            assert np.linalg.norm(value.detach().numpy() - arrays[full]) <= 1e-3 * np.linalg.norm(arrays[full])


def test_zero_shot_rules(golden: Load) -> None:
    cfg, arrays = golden("neuron_eval")
    labels = np.searchsorted(sorted(cfg["unseen"]), arrays["in.zsl.labels"])
    logits = {name: torch.from_numpy(arrays[f"in.zsl.{name}"]) for name in ("spatial", "temporal")}

    def accuracy(fusion: str) -> float:
        return zero_shot_metrics(fuse(**logits, fusion=fusion).numpy(), labels).accuracy

    assert accuracy("spatial") == arrays["exp.zsl.spatial"]
    assert accuracy("temporal") == arrays["exp.zsl.temporal"]
    assert accuracy("logits") == arrays["exp.zsl.fused_logits"]
    assert accuracy("probabilities") == arrays["exp.zsl.fused_probs"]
    either = either_branch_accuracy({name: value.softmax(-1).numpy() for name, value in logits.items()}, labels)
    assert either == arrays["exp.zsl.either_branch"]


def test_generalised_rules(golden: Load) -> None:
    cfg, arrays = golden("neuron_eval")
    labels = arrays["in.gzsl.labels"]
    seen = ~np.isin(np.arange(cfg["n_class"]), cfg["unseen"])
    logits = {name: torch.from_numpy(arrays[f"in.gzsl.{name}"]) for name in ("spatial", "temporal")}
    branches = {name: value.softmax(-1).numpy() for name, value in logits.items()}
    found = either_branch_search(branches, labels, seen, cfg["gamma_grid"])
    official = {key.rpartition(".")[2]: float(v) for key, v in arrays.items() if key.startswith("exp.gzsl.official")}
    assert found.gammas == {"spatial": official["gamma_S"], "temporal": official["gamma_T"]}
    assert (found.seen, found.unseen) == (official["either_S"], official["either_U"])
    assert found.harmonic == pytest.approx(official["either_H"], abs=1e-12)
    for name in branches:
        alone = either_branch_search({name: branches[name]}, labels, seen, [found.gammas[name]])
        assert (alone.seen, alone.unseen) == (official[f"{name}_S"], official[f"{name}_U"])


def test_generalised_fused_score(golden: Load) -> None:
    cfg, arrays = golden("neuron_eval")
    labels = arrays["in.gzsl.labels"]
    seen = ~np.isin(np.arange(cfg["n_class"]), cfg["unseen"])
    logits = {name: torch.from_numpy(arrays[f"in.gzsl.{name}"]) for name in ("spatial", "temporal")}
    fused = fuse(**logits, fusion="probabilities").numpy()
    for gamma, *expected in arrays["exp.gzsl.fused_probs"]:
        # Subtracted in both branches.
        found = either_branch_search({"fused": fused}, labels, seen, [2 * gamma])
        np.testing.assert_allclose([found.seen, found.unseen, found.harmonic], expected, atol=1e-12)
