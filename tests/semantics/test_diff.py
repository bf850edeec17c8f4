"""Two banks side by side: which texts differ, and which classes came closer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from written_banks import Texts, bank_of
from zsl_skeleton.catalog import Split
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.bank import SemanticBank
from zsl_skeleton.semantics.diff import TextChange, diff_banks
from zsl_skeleton.semantics.geometry import slot_shift
from zsl_skeleton.text.class_embeddings import ClassEmbeddings, EncoderCard

NAMES = ("wave", "squat", "walk")
SPLIT = Split(name="s", unseen=(2,), source="written for the tests")
CARD = EncoderCard(name="e", revision="1", pooling="mean", normalise=True)


def _bank(texts: Texts, rejected: tuple[str, ...] = ()) -> SemanticBank:
    return bank_of(NAMES, texts, lambda _, text: "rejected" if text in rejected else "generated")


def _embeddings(vectors: NDArray[np.float32], card: EncoderCard = CARD) -> ClassEmbeddings:
    return ClassEmbeddings("d", NAMES, card, {"motion": vectors}, {"motion": vectors.any(axis=2)})


def _angles(*degrees: float) -> NDArray[np.float32]:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)[:, None].astype(np.float32)


def test_texts_are_told_apart_by_what_they_say() -> None:
    before = _bank({"motion": [["a", "b", "c"], ["d", "d"], ["e"]], "old": [["x"], ["x"], ["x"]]})
    after = _bank({"motion": [["b", "a", "C"], ["d"], ["e", "f"]], "new": [["y"], ["y"], ["y"]]})
    diff = diff_banks(before, after)
    assert [change for change in diff.changes if change.slot == "motion"] == [
        TextChange("changed", 0, "wave", "motion", 2, "c", "C"),  # a and b only changed places
        TextChange("removed", 1, "squat", "motion", 1, "d", ""),  # one of two equal texts
        TextChange("added", 2, "walk", "motion", 1, "", "f"),
    ]
    assert diff.counts()["motion"] == {"added": 1, "removed": 1, "changed": 1, "classes": 3}
    assert diff.counts()["old"]["removed"] == 3 and diff.counts()["new"]["added"] == 3
    assert diff.slots == {"motion": (6, 6), "old": (3, 0), "new": (0, 3)}
    assert diff_banks(before, before).changes == ()


def test_rejected_texts_are_no_texts() -> None:
    before, after = _bank({"motion": [["a"], ["b"], ["c", "d"]]}), _bank({"motion": [["a"], ["b"], ["c", "d"]]}, ("d",))
    assert diff_banks(before, after).changes == (TextChange("removed", 2, "walk", "motion", 1, "d", ""),)


def test_class_pairs_that_came_closer_or_moved_apart() -> None:
    shift = slot_shift((_angles(0, 90, 60), np.ones((3, 1), bool)), (_angles(0, 60, 90), np.ones((3, 1), bool)), SPLIT)
    (closer,) = shift.closer
    assert (closer.first, closer.second, closer.sides) == (0, 1, "seen-seen")
    assert (closer.before, closer.after) == pytest.approx((0, 0.5), abs=1e-6)
    (apart,) = shift.apart
    assert (apart.first, apart.second, apart.sides) == (0, 2, "seen-unseen")
    assert apart.change == pytest.approx(-0.5, abs=1e-6)
    assert shift.by_sides == pytest.approx({"seen-seen": 0.5, "seen-unseen": -0.25}, abs=1e-6)
    assert shift.mean_cosine == pytest.approx((np.mean([0, 0.5, np.cos(np.pi / 6)]),) * 2, abs=1e-6)
    assert list(shift.moved) == [1, 2, 0] and shift.moved[0] == pytest.approx(1)


def test_means_leave_out_what_is_masked_and_classes_without_text() -> None:
    vectors = np.concatenate([_angles(0, 90, 60), _angles(40, 0, 0)], axis=1)
    mask = np.array([[True, True], [True, False], [False, False]])
    vectors[~mask] = 0
    shift = slot_shift((vectors, mask), (_angles(20, 90, 45), np.ones((3, 1), bool)), None)
    assert shift.classes == 2
    assert shift.moved == pytest.approx({0: 1, 1: 1})  # 0 and 40 degrees have the mean 20
    assert shift.closer == () and shift.by_sides == {} and np.isnan(shift.correlation)


def test_the_document_is_json_and_the_rendering_names_classes() -> None:
    before, after = _bank({"motion": [["a"], ["b"], ["c"]]}), _bank({"motion": [["a"], ["B"], ["C"]]})
    pair = (_embeddings(_angles(0, 90, 60)), _embeddings(_angles(0, 60, 90)))
    diff = diff_banks(before, after, pair, SPLIT)
    document = json.loads(json.dumps(diff.as_json(), allow_nan=False))
    assert document["geometry"]["motion"]["closer"][0]["names"] == ["wave", "squat"]
    assert document["geometry"]["motion"]["apart"][0]["sides"] == "seen-unseen"
    assert [change["kind"] for change in document["changes"]] == ["changed", "changed"]
    text = diff.render(classes=1)
    assert "motion: 3 -> 3 texts; 2 changed in 2 classes" in text
    assert "wave / squat  seen-seen" in text and "- 0: b" in text and "- 0: c" not in text
    assert "1 more classes" in text
    assert diff_banks(before, before, (pair[0], pair[0])).render().startswith("motion: 3 -> 3 texts; same")


def test_what_cannot_be_compared() -> None:
    before = _bank({"motion": [["a"], ["b"], ["c"]]})
    other = SemanticBank("d", ("wave", "squat", "run"), (), "id")
    with pytest.raises(InputError, match="different classes") as caught:
        diff_banks(before, other)
    assert "class 2: 'walk' against 'run'" in caught.value.why
    again = _embeddings(_angles(0, 90, 60), CARD.model_copy(update={"revision": "2"}))
    with pytest.raises(InputError, match="cannot be compared"):
        diff_banks(before, before, (_embeddings(_angles(0, 90, 60)), again))
