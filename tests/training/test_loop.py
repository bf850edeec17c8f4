"""The loop: order, resume at any moment, signals, divergence."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from zsl_skeleton import interruption
from zsl_skeleton.errors import ZslError
from zsl_skeleton.methods.base import Batch, ClassText, Method, MethodConfig, Sizes
from zsl_skeleton.training.config import TrainConfig
from zsl_skeleton.training.data import Clips
from zsl_skeleton.training.loop import Plan, epoch_order, fit, learning_rate, make_optimizer

CLIPS = 11
CONFIG = TrainConfig(epochs=4, batch=3, learning_rate=1e-2, warmup=1, mixed=0.5)


class Toy(Method):
    """Pulls a vector towards the clips, disturbed by a draw; remembers what it saw."""

    def __init__(self, hook=lambda count: None) -> None:  # type: ignore[no-untyped-def]
        super().__init__(ToyConfig(), Sizes({"pooled": 2}, 2, 3))
        self.weight = nn.Parameter(torch.zeros(2))
        self.seen: list[list[float]] = []
        self.hook = hook

    def draws(self, labels: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        return {"noise": torch.rand(2, generator=generator)}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        self.seen.append(batch.features["pooled"][:, 0].tolist())
        self.hook(len(self.seen))
        loss = (batch.features["pooled"] - self.weight + batch.draws["noise"]).square().mean()
        return {"loss": loss, "size": torch.tensor(float(len(batch.labels)))}


class ToyConfig(MethodConfig):
    @property
    def needed_slots(self) -> tuple[str, ...]:
        return ("label",)


def clips(count: int = CLIPS) -> Clips:
    text = ClassText({"label": torch.eye(3, 2)[:, None]}, {"label": torch.ones(3, 1, dtype=torch.bool)})
    pooled = torch.stack([torch.arange(count).float(), torch.ones(count)], dim=1)
    return Clips({"pooled": pooled}, torch.arange(count) % 3, text, (0, 1, 2))


@pytest.fixture
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption.install()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def final(method: Toy, records: object) -> tuple[list[float], object]:
    return method.weight.tolist(), records


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("step", [1, 2, 4, 5, 13, 16])
def test_stopped_at_any_step_and_resumed_equals_unbroken(
    step: int, number: signal.Signals, signals: None, tmp_path: Path
) -> None:
    unbroken = Toy()
    expected = final(unbroken, fit(unbroken, clips(), CONFIG, Plan(seed=3, stop=4)))
    plan = Plan(seed=3, stop=4, checkpoint=tmp_path / "c.safetensors")
    stopped = Toy(lambda count: signal.raise_signal(number) if count == step else None)
    with pytest.raises(interruption.Interrupted) as caught:
        fit(stopped, clips(), CONFIG, plan)
    assert caught.value.exit_code == 128 + number
    resumed = Toy()
    assert final(resumed, fit(resumed, clips(), CONFIG, plan)) == expected
    assert stopped.seen + resumed.seen == unbroken.seen


@pytest.mark.parametrize("step", [1, 2, 6, 7])
def test_killed_between_two_checkpoints_equals_unbroken(step: int, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(count: int) -> None:
        if count == step:
            raise Killed

    unbroken = Toy()
    expected = final(unbroken, fit(unbroken, clips(), CONFIG, Plan(seed=3, stop=4)))
    plan = Plan(seed=3, stop=4, checkpoint=tmp_path / "c.safetensors", seconds=0)
    with pytest.raises(Killed):
        fit(Toy(kill), clips(), CONFIG, plan)
    resumed = Toy()
    assert final(resumed, fit(resumed, clips(), CONFIG, plan)) == expected


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    plan = Plan(seed=3, stop=4, checkpoint=tmp_path / "c.safetensors")
    first, again = Toy(), Toy()
    assert final(first, fit(first, clips(), CONFIG, plan)) == final(again, fit(again, clips(), CONFIG, plan))
    assert again.seen == []


def test_an_epoch_visits_every_clip_once_and_keeps_the_last_batch() -> None:
    method = Toy()
    fit(method, clips(), TrainConfig(epochs=2, batch=4), Plan(seed=0, stop=2))
    assert [len(rows) for rows in method.seen] == [4, 4, 3, 4, 4, 3]
    assert Counter(x for rows in method.seen[:3] for x in rows) == Counter(map(float, range(CLIPS)))
    assert method.seen[:3] != method.seen[3:]


def test_sampling_with_replacement_repeats_clips() -> None:
    method = Toy()
    fit(method, clips(), TrainConfig(epochs=1, batch=4, sampling="with-replacement"), Plan(seed=0, stop=1))
    drawn = [x for rows in method.seen for x in rows]
    assert len(drawn) == CLIPS
    assert len(set(drawn)) < CLIPS


@pytest.mark.parametrize(("skip", "sizes"), [(True, [3, 3]), (False, [3, 3, 1])])
def test_a_batch_of_one_is_left_out_on_request(skip: bool, sizes: list[int]) -> None:
    method = Toy()
    fit(method, clips(7), TrainConfig(epochs=1, batch=3, skip_single=skip), Plan(seed=0, stop=1))
    assert [len(rows) for rows in method.seen] == sizes


def test_a_single_training_clip_that_is_left_out_is_no_error() -> None:
    (record,) = fit(Toy(), clips(1), TrainConfig(epochs=1, batch=3), Plan(seed=0, stop=1))
    assert record == {"phase": "training", "epoch": 0, "learning_rate": 0.0}


def test_records_hold_the_mean_losses_and_no_clock() -> None:
    records = fit(Toy(), clips(), replace_config(mixed=0.0), Plan(seed=0, stop=2, probe=lambda _: 0.25))
    assert [record["epoch"] for record in records] == [0, 1]
    assert records[0].keys() == {"phase", "epoch", "learning_rate", "loss", "size", "accuracy"}
    assert records[0]["size"] == pytest.approx(11 / 4)


def replace_config(**changes: object) -> TrainConfig:
    return CONFIG.model_copy(update=changes)


def test_the_best_epoch_is_kept_also_after_a_resume(tmp_path: Path) -> None:
    curve = iter([0.2, 0.9, 0.9, 0.1])
    plan = Plan(seed=3, stop=3, checkpoint=tmp_path / "c.safetensors", probe=lambda _: next(curve), keep_best=True)
    fit(Toy(), clips(), CONFIG, plan)
    best = Toy()
    fit(best, clips(), CONFIG, replace(plan, stop=4))
    second = Toy()
    fit(second, clips(), CONFIG, Plan(seed=3, stop=2))
    assert torch.equal(best.weight, second.weight)


@pytest.mark.parametrize("fails", [False, True])
def test_products_are_less_exact_in_steps_only_and_only_if_asked_for(fails: bool) -> None:
    precisions: list[str] = []

    def note(_: object) -> float:
        precisions.append(torch.get_float32_matmul_precision())
        if fails:
            raise OSError
        return 0.0

    config = CONFIG.model_copy(update={"epochs": 1, "matmul_precision": "medium"})
    with pytest.raises(OSError) if fails else nullcontext():
        fit(Toy(note), clips(), config, Plan(seed=0, stop=1, probe=note))
    assert precisions == (["medium"] if fails else [*["medium"] * 4, "highest"])
    assert torch.get_float32_matmul_precision() == "highest"


def test_divergence_is_reported(tmp_path: Path) -> None:
    bad = clips()
    bad.features["pooled"][4] = float("inf")
    with pytest.raises(ZslError, match="diverged in epoch 0"):
        fit(Toy(), bad, CONFIG, Plan(seed=0, stop=1))


@pytest.mark.parametrize(("epochs", "warmup"), [(10, 3), (3, 0), (4, 4), (3, 9)])
def test_the_rate_rises_then_falls(epochs: int, warmup: int) -> None:
    config = TrainConfig(epochs=epochs, warmup=warmup, learning_rate=2.0)
    rates = [learning_rate(config, epoch) for epoch in range(epochs)]
    assert all(0 <= rate <= 2.0 for rate in rates)
    if warmup < epochs:
        assert max(rates) == rates[warmup] == 2.0
        assert rates[warmup:] == sorted(rates[warmup:], reverse=True)


def test_the_rate_follows_the_schedule() -> None:
    steps = TrainConfig(epochs=6, warmup=0, learning_rate=1.0, schedule="steps", milestones=(2, 4), decay=0.1)
    assert [learning_rate(steps, epoch) for epoch in range(6)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    constant = TrainConfig(epochs=4, warmup=2, learning_rate=3.0, schedule="constant", zero_rate_epoch=False)
    assert [learning_rate(constant, epoch) for epoch in range(4)] == pytest.approx([1, 2, 3, 3])


def test_independent_batches_hold_distinct_clips_and_differ_from_each_other() -> None:
    config = TrainConfig(batch=4, steps=50, sampling="independent")
    batches = epoch_order(6, config, torch.Generator().manual_seed(0)).view(50, 4)
    assert all(len(set(rows.tolist())) == 4 for rows in batches)
    assert len({tuple(sorted(rows.tolist())) for rows in batches}) > 5
    whole = epoch_order(3, config, torch.Generator().manual_seed(0))
    assert Counter(whole.tolist()) == {0: 50, 1: 50, 2: 50}


@pytest.mark.parametrize(("steps", "drop_last", "expected"), [(None, True, 9), (None, False, 11), (5, False, 15)])
def test_the_length_of_an_epoch(steps: int | None, drop_last: bool, expected: int) -> None:
    config = TrainConfig(batch=3, steps=steps, drop_last=drop_last)
    order = epoch_order(CLIPS, config, torch.Generator().manual_seed(0))
    assert len(order) == expected
    assert set(order.tolist()) <= set(range(CLIPS))
    assert max(Counter(order.tolist()).values()) == -(-expected // CLIPS)


def test_dropping_the_last_batch_never_drops_the_only_one() -> None:
    config = TrainConfig(batch=100, drop_last=True)
    assert len(epoch_order(CLIPS, config, torch.Generator().manual_seed(0))) == CLIPS


def test_weight_decay_leaves_out_what_the_method_says() -> None:
    class Free(Toy):
        def undecayed(self) -> frozenset[str]:
            return frozenset({"weight"})

    config = TrainConfig(optimizer="sgd", weight_decay=0.5, momentum=0.0)
    decays = [
        {id(p): group["weight_decay"] for group in make_optimizer(method, config).param_groups for p in group["params"]}
        for method in (Toy(), Free())
    ]
    assert [list(found.values()) for found in decays] == [[0.5], [0.0]]


def test_batches_tell_their_step() -> None:
    found = []

    class Asking(Toy):
        def losses(self, batch: Batch) -> dict[str, Tensor]:
            found.append((batch.epoch, batch.step))
            return super().losses(batch)

    fit(Asking(), clips(), replace_config(epochs=2, steps=3), Plan(seed=0, stop=2))
    assert found == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
