"""Comparisons: good texts win, noise does not, unseen clips change nothing, and the words say what the numbers do."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.quality.candidates import TextSet
from zsl_skeleton.quality.compare import Comparison, Difference, compare
from zsl_skeleton.quality.config import CompareConfig
from zsl_skeleton.quality.measures import Interval
from zsl_skeleton.quality.predict import Seen
from zsl_skeleton.quality.render import SYNTHETIC, TEXT_ONLY, TRAINED, as_json, render
from zsl_skeleton.skeletons.features import FeatureSet

QUICK = CompareConfig(folds=12, permutations=49, resamples=300, shuffles=20, neighbours=2)


@pytest.fixture
def comparison(seen: Seen, meanings: np.ndarray, candidate) -> Comparison:  # type: ignore[no-untyped-def]
    noise = np.random.default_rng(9).normal(size=(12, 1, 4))
    good = candidate({"s": meanings, "t": meanings[:, None] + 0.1 * noise}, bank="good")
    texts = [
        candidate(noise, bank="noise"),
        good,
        replace(good, name=replace(good.name, control="shuffled")),
        candidate(meanings, bank="good", control="name-only"),
        replace(good, name=replace(good.name, bank="copy")),
    ]
    return compare(texts, seen, QUICK)


def test_texts_that_the_motion_follows_win(comparison: Comparison) -> None:
    noise, good, shuffled, *_ = comparison.rows
    assert comparison.best is good
    assert good.accuracy.value > 0.8
    assert noise.accuracy.value < 0.7
    assert shuffled.accuracy.value == pytest.approx(comparison.chance, abs=0.1)
    assert good.agreement.rsa.value > 0.7
    assert good.agreement.cka.value > 0.7
    assert good.agreement.rsa_test
    assert good.agreement.rsa_test.p == 1 / 50
    assert abs(shuffled.agreement.rsa.value) < 0.15
    assert shuffled.agreement.rsa_test is None


def test_intervals_hold_their_values(comparison: Comparison) -> None:
    for row in comparison.rows:
        assert row.accuracy.low <= row.accuracy.value <= row.accuracy.high
        assert row.single[0] <= row.accuracy.value <= row.single[1]
        assert row.agreement.cka.low <= row.agreement.cka.value <= row.agreement.cka.high


def test_the_verdict_tells_worse_from_no_difference(comparison: Comparison) -> None:
    found = {(item.name.bank, item.name.control): item for item in comparison.differences}
    copy, shuffled = found["copy", "none"], found["good", "shuffled"]
    assert (copy.difference.low, copy.difference.high) == (0.0, 0.0)
    assert not copy.shown
    assert shuffled.shown
    assert comparison.differences[0].difference.value >= comparison.differences[-1].difference.value


@pytest.mark.parametrize(("high", "shown"), [(0.05, False), (0.0, False), (-0.01, True)])
def test_a_difference_is_shown_where_the_interval_excludes_zero(high: float, shown: bool) -> None:
    assert Difference(TextSet("b", "e", "all"), Interval(-0.1, -0.2, high)).shown is shown


def test_diversity_is_that_of_the_texts(comparison: Comparison) -> None:
    good, shuffled = comparison.rows[1], comparison.rows[2]
    assert good.diversity
    assert good.diversity.texts == 2
    assert 1 < good.diversity.effective < 2
    assert good.diversity.cosine > 0.9
    assert shuffled.diversity is None
    assert [item.index for item in good.unseen] == [0, 4, 7]


def test_clips_that_may_not_be_looked_at_change_nothing(
    seen: Seen, features: FeatureSet, meanings: np.ndarray, candidate
) -> None:  # type: ignore[no-untyped-def]
    allowed = np.isin(features.subjects, (1, 2)) & ~np.isin(features.labels, seen.split.unseen)
    pooled = np.where(allowed[:, None], features.arrays["pooled"], 1e3).astype(np.float32)
    other = Seen.of(replace(features, arrays={"pooled": pooled}), seen.dataset, seen.split, seen.protocol)
    one, two = (as_json(compare([candidate(meanings)], part, QUICK)) for part in (seen, other))
    assert one == two


def test_json_is_json(comparison: Comparison) -> None:
    document = json.loads(json.dumps(as_json(comparison), allow_nan=False))
    assert document["verdict"]["best"] == {"bank": "good", "encoder": "toy", "group": "all", "control": "none"}
    assert document["chance"] == pytest.approx(1 / 3)
    noise, good, *_ = document["text_sets"]
    assert np.mean(good["accuracy"]["per_fold"]) == pytest.approx(good["accuracy"]["value"])
    assert noise["diversity"]["cosine"] is None  # one text per class: no pair
    assert good["unseen_text_only"][0]["name"] == "class 0"


def test_people_read_the_verdict_and_the_warnings(comparison: Comparison) -> None:
    text = render(comparison)
    assert "train with all (toy, good)" in text
    assert SYNTHETIC in text
    assert TEXT_ONLY in text
    assert TRAINED not in text
    (copy,) = (line for line in text.splitlines() if "copy" in line and "points" in line)
    assert "+0.0 points [+0.0, +0.0]" in copy
    assert copy.endswith("no difference shown")
    (worse,) = (line for line in text.splitlines() if "shuffled" in line and "points" in line)
    assert worse.endswith("worse")


def test_a_trained_backbone_is_warned_of(features: FeatureSet, dataset: Dataset, meanings, candidate) -> None:  # type: ignore[no-untyped-def]
    trained = replace(features, trained_on=(1, 2), protocol="xsub")
    seen = Seen.of(trained, dataset, dataset.split("three"), dataset.protocol())
    assert TRAINED in render(compare([candidate(meanings)], seen, QUICK))


def test_equal_texts_are_measured_without_a_fault(seen: Seen, candidate) -> None:  # type: ignore[no-untyped-def]
    comparison = compare([candidate(np.ones((12, 4)))], seen, QUICK)
    assert comparison.rows[0].agreement.rsa.value != comparison.rows[0].agreement.rsa.value
    assert as_json(comparison)["text_sets"][0]["agreement"]["rsa"]["value"] is None
    assert " - " in render(comparison)


def test_controls_alone_are_no_comparison(seen: Seen, meanings: np.ndarray, candidate) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="only controls"):
        compare([candidate(meanings, control="name-only")], seen, QUICK)


def test_texts_of_another_data_set_are_refused(seen: Seen, meanings: np.ndarray, candidate) -> None:  # type: ignore[no-untyped-def]
    made = candidate(meanings)
    foreign = replace(made, embeddings=replace(made.embeddings, dataset="other"))
    with pytest.raises(InputError, match="'other'"):
        compare([foreign], seen, QUICK)
