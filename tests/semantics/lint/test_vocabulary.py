"""The word lists: inflection, coverage, and senses that are well formed."""

from __future__ import annotations

import pytest

from zsl_skeleton.catalog import dataset_names, load_dataset
from zsl_skeleton.semantics.lint.vocabulary import plural, sense_of, verb_forms, vocabulary


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("swing", {"swing", "swings", "swinging", "swinged"}),
        ("step", {"step", "steps", "stepping", "stepped"}),
        ("raise", {"raise", "raises", "raising", "raised"}),
        ("carry", {"carry", "carries", "carrying", "carried"}),
        ("sway", {"sway", "sways", "swaying", "swayed"}),
        ("lean", {"lean", "leans", "leaning", "leaned"}),
        ("push", {"push", "pushes", "pushing", "pushed"}),
        ("lie", {"lie", "lies", "lying", "lied"}),
        ("draw", {"draw", "draws", "drawing", "drawed"}),
    ],
)
def test_verbs_are_inflected(verb: str, forms: set[str]) -> None:
    assert verb_forms(verb) == forms


def test_nouns_are_inflected() -> None:
    assert [plural(noun) for noun in ("arm", "wrench", "body", "key")] == ["arms", "wrenches", "bodies", "keys"]


def test_words_of_things_and_feelings_are_no_body_parts_or_movements() -> None:
    kinds = vocabulary().kinds
    allowed = {"body", "motion", "direction", "cue"}
    mixed = {word for word, found in kinds.items() if found & {"body", "motion"} and not found <= allowed}
    assert not mixed


def test_the_body_has_the_parts_that_the_facts_speak_of() -> None:
    kinds = vocabulary().kinds
    for word in ("head", "neck", "trunk", "arms", "elbow", "wrists", "hand", "fist", "hip", "knees", "feet", "heel"):
        assert "body" in kinds[word]
    for word in ("right", "left", "front", "side", "person", "floor"):
        assert "body" not in kinds.get(word, ())


def test_every_sense_belongs_to_a_class_that_exists() -> None:
    names = [action.name for name in dataset_names() for action in load_dataset(name).classes]
    found = {id(sense) for name in names if (sense := sense_of(name))}
    assert len(found) > 35
    assert sense_of("cheer up") is not sense_of("drop")
    assert sense_of("Cheer Up") is sense_of("cheer up")
    assert sense_of("eat meal/snack") is None


def test_what_a_class_means_is_neither_forbidden_nor_unseen() -> None:
    names = {action.name for name in dataset_names() for action in load_dataset(name).classes}
    for name in sorted(names):
        sense = sense_of(name)
        if sense:
            assert not sense.forbid.search(sense.means.lower().replace(",", "")), name
