"""What methods tell about their scores agrees with how these are computed."""

from __future__ import annotations

import torch

from toy_methods import settings_of
from zsl_skeleton.methods.base import ClassText, Method, Sizes

CLIPS, CLASSES, TEXTS, DIM, FRAMES, JOINTS = 6, 4, 7, 12, 8, 5


def _made(name: str, *overrides: str) -> tuple[Method, dict[str, torch.Tensor], ClassText]:
    settings = settings_of(name, *overrides, "linear_weight=0")
    torch.manual_seed(0)
    slots = settings.method.needed_slots
    rows = {slot: torch.nn.functional.normalize(torch.randn(CLASSES, TEXTS, DIM), dim=-1) for slot in slots}
    text = ClassText(rows, {slot: torch.ones(CLASSES, TEXTS, dtype=torch.bool) for slot in slots})
    features = {"pooled": torch.randn(CLIPS, 16), "joints": torch.randn(CLIPS, JOINTS, 16)}
    features["frames"] = torch.randn(CLIPS, FRAMES, 16)
    method = settings.kind(settings.method, Sizes(dict.fromkeys(features, 16), DIM, CLASSES))
    return method.eval(), features, text


@torch.no_grad()
def test_mla_chooses_k_descriptions_and_composes_its_scores_of_them() -> None:
    method, features, text = _made("mla", "series=[1,3]", "motion=null", "centre_text=false")
    text.masks["codebook"][2, -1] = False
    state = method.prepare(text, torch.Generator())
    chosen = method.explain(features, state)["chosen"]
    assert chosen.shape == (CLIPS, CLASSES, 2, TEXTS)
    assert torch.allclose(chosen.sum(-1), torch.ones(CLIPS, CLASSES, 2))
    assert ((chosen > 0).sum(-1) == torch.tensor([1, 3])).all() and (chosen[:, 2, :, -1] == 0).all()
    z = method.encode(features["pooled"])
    first = torch.baddbmm(method.critic_bias, z, method.critic_z)
    composed = torch.einsum("nchk,hckw->hncw", chosen, state["projected"])
    hidden = (first[:, :, None] + composed).flatten(1, 2)
    t = method._tail(hidden).view(2, CLIPS, CLASSES).permute(1, 2, 0)
    assert torch.allclose(t, method.logits(features["pooled"], state), atol=1e-5)


@torch.no_grad()
def test_neuron_attends_to_joints_and_to_the_frames_it_has_seen() -> None:
    method, features, text = _made("neuron", "accumulate=mean")
    state = method.prepare(text, torch.Generator())
    found = method.explain(features, state)
    assert found["joints"].shape == (CLIPS, 3, JOINTS) and found["frames"].shape == (CLIPS, 3, FRAMES)
    for weights in found.values():
        assert (weights >= 0).all() and torch.allclose(weights.sum(-1), torch.ones(CLIPS, 3))
    for step, share in enumerate(method.config.prefixes):
        seen = max(1, round(share * FRAMES))
        assert (found["frames"][:, step, seen:] == 0).all() and (found["frames"][:, step, :seen] > 0).all()


@torch.no_grad()
def test_others_have_nothing_to_show() -> None:
    for name in ("smie", "msf"):
        method, features, _ = _made(name)
        assert method.explain(features, {}) == {}
