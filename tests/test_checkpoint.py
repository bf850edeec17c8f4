"""Checkpoints come back exactly, and a broken one is an error that says what to delete."""

from __future__ import annotations

import pytest
import torch

from zsl_skeleton.checkpoint import Interval, load_checkpoint, pack_optimizer, save_checkpoint, unpack_optimizer
from zsl_skeleton.errors import InputError


def trained(steps: int, fused: bool, resume_at: int | None = None, path=None):
    """Weights after some steps of Adam and SGD; optionally through a checkpoint into fresh objects."""

    def fresh():
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        return model, torch.optim.AdamW(model.parameters(), lr=0.1, fused=fused), torch.Generator().manual_seed(1)

    model, optimizer, generator = fresh()
    for step in range(steps):
        if step == resume_at:
            moments, state = pack_optimizer(optimizer)
            save_checkpoint(
                path, {**model.state_dict(), **moments, "rng": generator.get_state()}, {"o": state, "x": 0.1}
            )
            model, optimizer, generator = fresh()
            tensors, state = load_checkpoint(path)
            assert state["x"] == 0.1
            generator.set_state(tensors.pop("rng"))
            model.load_state_dict({name: tensors.pop(name) for name in model.state_dict()})
            unpack_optimizer(optimizer, tensors, state["o"])
        loss = model(torch.randn(5, 3, generator=generator)).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("resume_at", [0, 3])
def test_training_through_a_checkpoint_is_exact(tmp_path, fused, resume_at):
    whole = trained(6, fused)
    assert torch.equal(trained(6, fused, resume_at, tmp_path / "c.safetensors"), whole)


def test_equal_states_give_equal_bytes(tmp_path):
    tensors = {"b": torch.arange(6).view(2, 3).T, "a": torch.ones(2)}
    save_checkpoint(tmp_path / "1", tensors, {"x": 1, "y": 2})
    save_checkpoint(tmp_path / "2", dict(reversed(tensors.items())), {"y": 2, "x": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    loaded, _ = load_checkpoint(tmp_path / "1")
    assert torch.equal(loaded["b"], tensors["b"])


def test_missing_and_broken(tmp_path):
    path = tmp_path / "c.safetensors"
    assert load_checkpoint(path) is None
    save_checkpoint(path, {"a": torch.ones(100)}, {})
    whole = path.read_bytes()
    for broken in (whole[:-10], b"", b"nonsense" * 5):
        path.write_bytes(broken)
        with pytest.raises(InputError, match="not a readable checkpoint") as error:
            load_checkpoint(path)
        assert f"rm {path}" in error.value.mend


def test_interval():
    assert Interval(0).due()
    assert not Interval(60).due()
