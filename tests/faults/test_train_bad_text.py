"""Texts that a training cannot use: an error that says what, why and what mends it, or the right result."""

from __future__ import annotations

import numpy as np
import pytest

from toy_methods import run_config, settings_of
from toy_runs import WORLD, altered, other_texts, refused, scores_of, sound
from zsl_skeleton.artifacts import Store
from zsl_skeleton.files import read_tensors, write_tensors
from zsl_skeleton.methods import METHODS
from zsl_skeleton.text.class_embeddings import ClassEmbeddings
from zsl_skeleton.training.inputs import Task
from zsl_skeleton.training.train import read_report

dataset, features, embeddings, task = WORLD.dataset, WORLD.features, WORLD.embeddings, WORLD.task

every_method = pytest.mark.parametrize("name", sorted(METHODS))


def test_a_bank_of_another_data_set(store: Store, task: Task, embeddings: ClassEmbeddings) -> None:
    error = refused(store, other_texts(store, task, embeddings, "set", dataset="other"), run_config("ridge"))
    assert "of 'other', not of 'toy'" in error.what
    assert error.mend == "zsl-semantics encode --dataset toy"


def test_classes_in_another_order(store: Store, task: Task, embeddings: ClassEmbeddings) -> None:
    names = embeddings.class_names
    swapped = other_texts(store, task, embeddings, "order", class_names=(*names[:8], names[9], names[8]))
    error = refused(store, swapped, run_config("ridge"))
    assert error.why == "row 8 is 'class 9', class 8 is 'class 8'"
    assert error.mend == "zsl-semantics encode --dataset toy"


def test_fewer_classes_than_the_data_set_has(store: Store, task: Task, embeddings: ClassEmbeddings) -> None:
    fewer = {field: {k: v[:9] for k, v in getattr(embeddings, field).items()} for field in ("slots", "masks")}
    short = other_texts(store, task, embeddings, "short", class_names=embeddings.class_names[:9], **fewer)
    assert "9 rows, the data set has 10 classes" in refused(store, short, run_config("ridge")).why


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_a_number_that_is_none_in_a_text(store: Store, task: Task, value: float) -> None:
    path = task.embeddings.path / "embeddings.safetensors"
    arrays = read_tensors(path)
    write_tensors(path, altered(arrays, "motion", (2, 0, 1), value))
    error = refused(store, task, run_config("ridge"))
    assert error.why == "slot 'motion' holds non-finite numbers"
    assert error.mend == "zsl-semantics encode --dataset toy"


@every_method
def test_a_slot_that_the_bank_lacks(store: Store, task: Task, embeddings: ClassEmbeddings, name: str) -> None:
    for slot in settings_of(name).method.needed_slots:
        slots, masks = ({k: v for k, v in part.items() if k != slot} for part in (embeddings.slots, embeddings.masks))
        lacking = other_texts(store, task, embeddings, slot, slots=slots, masks=masks)
        error = refused(store, lacking, run_config(name))
        assert error.what == f"the class embeddings of toy lack the text slot {slot!r}"
        assert error.why.startswith("they hold: ")
        family = slot.partition(".")[0]
        assert f"--family {family}" in error.mend
        assert error.mend.startswith("zsl-semantics generate --dataset toy ")
        assert error.mend.endswith("zsl-semantics encode --dataset toy --bank NAME")


@every_method
def test_a_class_without_a_text(store: Store, task: Task, embeddings: ClassEmbeddings, name: str) -> None:
    slot = settings_of(name).method.needed_slots[-1]
    silent = other_texts(store, task, embeddings, slot, masks=altered(embeddings.masks, slot, 6, False))
    error = refused(store, silent, run_config(name))
    assert error.what == f"the text slot {slot!r} of toy holds no text for 'class 6'"
    assert "zsl-semantics" in error.mend


@every_method
def test_one_text_per_class_where_many_are_usual(
    store: Store, task: Task, embeddings: ClassEmbeddings, name: str
) -> None:
    """A column of one text, and one text in a column for six, are the same."""
    masks = {slot: mask & (np.arange(mask.shape[1]) == 0) for slot, mask in embeddings.masks.items()}
    masked = other_texts(store, task, embeddings, "masked", masks=masks)
    cut = {f: {k: v[:, :1] for k, v in getattr(embeddings, f).items()} for f in ("slots", "masks")}
    single = other_texts(store, task, embeddings, "single", **cut)
    first, second = (scores_of(sound(store, some, run_config(name))) for some in (masked, single))
    np.testing.assert_allclose(first, second, atol=1e-5, rtol=1e-4)


def test_fewer_descriptions_than_the_heads_ask_for(store: Store, task: Task) -> None:
    """A head that wants fifty of six descriptions takes the six."""
    many, six = (
        sound(store, task, run_config("mla", f"series=[1,3,{k}]", "linear_weight=0", "inverse_epochs=0"))
        for k in (50, 6)
    )
    assert (many.path / "weights.safetensors").read_bytes() == (six.path / "weights.safetensors").read_bytes()
    np.testing.assert_array_equal(scores_of(many), scores_of(six))


@every_method
@pytest.mark.parametrize("kind", ["alike", "zero"])
def test_texts_that_tell_no_classes_apart(
    store: Store, task: Task, embeddings: ClassEmbeddings, name: str, kind: str
) -> None:
    rows = {"alike": np.eye(1, embeddings.dim, dtype=np.float32)[0], "zero": np.zeros(embeddings.dim, np.float32)}
    slots = {k: np.where(embeddings.masks[k][..., None], rows[kind], 0) for k in embeddings.slots}
    same = other_texts(store, task, embeddings, kind, slots=slots)
    report = read_report(sound(store, same, run_config(name)))
    assert report.accuracy == pytest.approx(report.chance, abs=0.35)
