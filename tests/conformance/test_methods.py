"""What must hold for every registered method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from other_device import ELSEWHERE, ValuesFromHere, moved, moved_clips
from toy_methods import ITERATIVE, settings_of
from zsl_skeleton import methods
from zsl_skeleton.catalog import Dataset
from zsl_skeleton.evaluation.scoring import class_scores
from zsl_skeleton.files import read_tensors, write_tensors
from zsl_skeleton.methods import METHODS
from zsl_skeleton.methods.base import Batch, Method
from zsl_skeleton.registry import resolve
from zsl_skeleton.skeletons.features import FeatureSet, partition
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.data import Clips, load_clips, load_text
from zsl_skeleton.training.job import build_method
from zsl_skeleton.training.loop import Plan, fit
from zsl_skeleton.training.mixing import add_mixed_classes
from zsl_skeleton.training.presets import preset_names
from zsl_skeleton.training.settings import Settings

LATE = {"epoch": 99, "step": 9999}
"""Past every warm-up."""

State = Mapping[str, Tensor]
needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible")


@pytest.fixture(params=sorted(METHODS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def clips(name: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings) -> Clips:
    return seen_clips(settings_of(name), dataset, features, embeddings)


def seen_clips(settings: Settings, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings) -> Clips:
    split = dataset.split("first")
    wanted = settings.method
    text = load_text(embeddings, wanted.needed_slots, torch.device("cpu"), unit=wanted.unit_text)
    parts = partition(features, dataset, split, dataset.protocol())
    return load_clips(parts.train, text, dataset.seen(split), wanted.needed_inputs)


def trained(settings: Settings, clips: Clips, seed: int = 0) -> Method:
    method = build_method(settings, clips, seed)
    if settings.train:
        fit(method, clips, settings.train, Plan(seed, settings.train.epochs))
    return method


def batch_of(method: Method, clips: Clips, rows: list[int]) -> Batch:
    batch = clips.batch(torch.tensor(rows), **LATE)
    return replace(batch, draws=method.draws(batch.labels, torch.Generator().manual_seed(0)))


def assert_same(first: State, second: State) -> None:
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


def test_the_table_is_the_folder() -> None:
    common = {"__init__", "base", "linear", "shared"}
    files = {path.stem for path in Path(methods.__file__).parent.glob("*.py")} - common
    modules = {target.partition(":")[0].rpartition(".")[2] for target in METHODS.values()}
    assert files == modules
    for name in METHODS:
        kind = resolve("method", name, METHODS)
        assert issubclass(kind, Method)
        assert {"paper", "default"} <= set(preset_names(name))


def test_every_setting_says_where_its_value_comes_from(name: str) -> None:
    fields = resolve("method", name, METHODS).Config.model_fields
    assert fields
    assert all(field.description for field in fields.values())


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_scores_have_one_finite_column_per_class(
    name: str, preset: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    settings = settings_of(name, preset=preset)
    clips = seen_clips(settings, dataset, features, embeddings)
    method = trained(settings, clips)
    scores = class_scores(method, clips.features, clips.text)
    assert scores.shape == (len(clips), len(clips.classes))
    assert scores.isfinite().all()
    (one,) = class_scores(method, {key: value[5:6] for key, value in clips.features.items()}, clips.text)
    torch.testing.assert_close(one, scores[5], atol=1e-5, rtol=1e-5)
    state = method.prepare(clips.text, torch.Generator().manual_seed(0))
    for branch in method.branches(clips.features, state).values():
        assert branch.shape == scores.shape
        assert branch.isfinite().all()


@pytest.mark.parametrize("preset", ["default", "paper"])
@pytest.mark.parametrize("rows", [range(0, 36, 3), [0], [0, 1]], ids=["batch", "batch of one", "batch of one class"])
@pytest.mark.parametrize("name", ITERATIVE)
def test_the_loss_is_finite_and_reaches_every_parameter(
    name: str, preset: str, rows: range, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    settings = settings_of(name, preset=preset)
    clips = seen_clips(settings, dataset, features, embeddings)
    method = build_method(settings, clips, seed=0)
    batch = batch_of(method, clips, list(rows))
    before = {key: value.clone() for key, value in method.state_dict().items()}
    losses = method.losses(batch)
    assert losses["loss"].shape == ()
    assert all(value.isfinite() for value in losses.values())
    losses["loss"].backward()
    assert_same(method.state_dict(), before)
    for parameter_name, parameter in method.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        if len(rows) > 2:
            assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", ITERATIVE)
def test_losses_depend_on_nothing_but_batch_and_draws(
    name: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    settings = settings_of(name)
    clips = seen_clips(settings, dataset, features, embeddings)
    method = build_method(settings, clips, seed=0)
    batch, around = batch_of(method, clips, list(range(0, 36, 3))), torch.get_rng_state()
    first = method.losses(batch)
    assert torch.equal(torch.get_rng_state(), around)
    assert_same(first, method.losses(batch))
    assert method.undecayed() <= {key for key, _ in method.named_parameters()}


def test_permuting_the_classes_permutes_the_scores(name: str, clips: Clips) -> None:
    method = trained(settings_of(name), clips)
    order = torch.randperm(len(clips.classes), generator=torch.Generator().manual_seed(3))
    plain = class_scores(method, clips.features, clips.text)
    permuted = class_scores(method, clips.features, clips.text.select(order))
    torch.testing.assert_close(permuted, plain[:, order], atol=1e-4, rtol=1e-4)


def test_a_single_candidate_class_can_be_scored(name: str, clips: Clips) -> None:
    method = trained(settings_of(name), clips)
    alone = class_scores(method, clips.features, clips.text.select(torch.tensor([2])))
    assert alone.shape == (len(clips), 1)
    assert alone.isfinite().all()
    if not method.joint:
        expected = class_scores(method, clips.features, clips.text)[:, 2:3]
        torch.testing.assert_close(alone, expected, atol=1e-5, rtol=1e-5)


def test_texts_that_are_masked_out_do_not_count(
    name: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    settings = settings_of(name)
    filled = {slot: np.where(embeddings.masks[slot][..., None], v, 0.7) for slot, v in embeddings.slots.items()}
    padded = replace(embeddings, slots={slot: value.astype(np.float32) for slot, value in filled.items()})
    first, second = (
        class_scores(trained(settings, clips), clips.features, clips.text)
        for clips in (seen_clips(settings, dataset, features, vectors) for vectors in (embeddings, padded))
    )
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-5)


def test_saved_weights_are_the_whole_method(name: str, clips: Clips, tmp_path: Path) -> None:
    settings = settings_of(name)
    method, loaded = trained(settings, clips), settings.kind(settings.method, clips.sizes)
    write_tensors(tmp_path / "w.safetensors", {key: value.numpy() for key, value in method.state_dict().items()})
    loaded.load_state_dict({k: torch.from_numpy(v) for k, v in read_tensors(tmp_path / "w.safetensors").items()})
    scores = [class_scores(m, clips.features, clips.text, seed=4) for m in (method, loaded)]
    assert torch.equal(*scores)


def test_same_seed_same_weights_and_scores(name: str, clips: Clips) -> None:
    settings = settings_of(name)
    first, again, other = (trained(settings, clips, seed) for seed in (1, 1, 2))
    assert_same(first.state_dict(), again.state_dict())
    scores = [class_scores(method, clips.features, clips.text, seed=5) for method in (first, again)]
    assert torch.equal(*scores)
    if settings.train:
        assert any(not torch.equal(value, other.state_dict()[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("steps", [2, 5])
@pytest.mark.parametrize("name", ITERATIVE)
def test_a_training_that_was_killed_and_resumed_equals_an_unbroken_one(
    name: str, steps: int, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def dies(batch: Batch) -> dict[str, Tensor]:
        nonlocal steps
        if not steps:
            raise Killed
        steps -= 1
        return type(method).losses(method, batch)

    settings = settings_of(name)
    clips = seen_clips(settings, dataset, features, embeddings)
    plan = Plan(0, settings.train.epochs, checkpoint=tmp_path / "c.safetensors", seconds=0)
    method = build_method(settings, clips, seed=0)
    method.losses = dies
    with pytest.raises(Killed):
        fit(method, clips, settings.train, plan)
    resumed = build_method(settings, clips, seed=9)
    fit(resumed, clips, settings.train, plan)
    assert_same(resumed.state_dict(), trained(settings, clips).state_dict())


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_every_tensor_is_made_on_the_device_of_the_data(
    name: str, preset: str, dataset: Dataset, features: FeatureSet, embeddings: ClassEmbeddings
) -> None:
    """On a device that is not the CPU; see ``other_device``."""
    drawing = {"smie": ["dropout=0.5", "texts=sample"], "mla": ["dropout=0.5"], "neuron": ["dropout=0.5"]}
    settings = settings_of(name, *drawing.get(name, ()), preset=preset)
    here = seen_clips(settings, dataset, features, embeddings)
    there, generator = moved_clips(here), torch.Generator().manual_seed(0)
    method = build_method(settings, there, seed=0)
    assert all(value.device == ELSEWHERE for value in method.state_dict().values())
    with ValuesFromHere(len(there.classes)):
        if settings.train:
            batch = there.batch(torch.arange(12, device=ELSEWHERE), **LATE)
            mixed = add_mixed_classes(batch, settings.train.model_copy(update={"mixed": 0.5}), generator)
            for part in (batch, mixed):
                part = replace(part, draws=method.draws(part.labels, generator))
                losses = method.losses(part)
                losses["loss"].backward()
                assert {value.device for value in (*part.draws.values(), *losses.values())} == {ELSEWHERE}
        state = moved(build_method(settings, here, seed=0).prepare(here.text, generator))
        if name != "msf":  # its classifier is trained, which needs values
            assert {value.device for value in method.prepare(there.text, generator).values()} == {ELSEWHERE}
        with torch.no_grad():
            told = method.branches(there.features, state), method.explain(there.features, state)
            assert method.scores(there.features, state).device == ELSEWHERE
            assert all(value.device == ELSEWHERE for part in told for value in part.values())


@needs_a_gpu
def test_a_gpu_computes_the_same(name: str, clips: Clips) -> None:
    """Loss, gradients, closed forms and scores; draws are made on the CPU, whose generator is another one."""
    settings, gpu = settings_of(name), torch.device("cuda")
    there = moved_clips(clips, gpu)
    here = build_method(settings, clips, seed=0)
    solved = build_method(settings, there, seed=0)
    for key, value in here.state_dict().items():
        torch.testing.assert_close(solved.state_dict()[key].cpu(), value, atol=1e-4, rtol=1e-4, msg=key)
    if settings.train:
        batch = batch_of(here, clips, list(range(0, 36, 3)))
        same = replace(there.batch(torch.arange(0, 36, 3, device=gpu), **LATE), draws=moved(batch.draws, gpu))
        losses = [method.losses(part)["loss"] for method, part in ((here, batch), (solved, same))]
        torch.testing.assert_close(losses[1].cpu(), losses[0], atol=1e-4, rtol=1e-4)
        for loss in losses:
            loss.backward()
        for (key, value), (_, other) in zip(here.named_parameters(), solved.named_parameters(), strict=True):
            torch.testing.assert_close(other.grad.cpu(), value.grad, atol=1e-3, rtol=1e-3, msg=key)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        before = generator.get_state()
        state = here.prepare(clips.text, generator)
        scores = solved.scores(there.features, moved(state, gpu))
        torch.testing.assert_close(scores.cpu(), here.scores(clips.features, state), atol=1e-3, rtol=1e-3)
        if torch.equal(generator.get_state(), before):  # nothing was drawn, so nothing can differ
            whole = class_scores(solved, there.features, there.text)
            torch.testing.assert_close(whole.cpu(), scores.cpu(), atol=1e-3, rtol=1e-3)
