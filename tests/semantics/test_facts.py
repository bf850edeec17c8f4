"""Facts: what is refused, with which words, and that the committed ones are sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from zsl_skeleton.catalog import Dataset, dataset_names, load_dataset
from zsl_skeleton.errors import InputError
from zsl_skeleton.semantics.facts import load_facts, style_problems

WITH_FACTS = sorted(
    path.parent.name
    for path in (Path(__file__).resolve().parents[2] / "semantics").glob("*/facts.yaml")
    if path.parent.name in dataset_names()
)


def _refused(pair: Dataset, folder: Path, content: dict[str, Any]) -> InputError:
    (folder / "pair" / "facts.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(InputError) as caught:
        load_facts(pair, folder)
    return caught.value


def test_good_facts_load(pair: Dataset, semantics: Path) -> None:
    facts = load_facts(pair, semantics)
    assert [entry.name for entry in facts.classes] == list(pair.class_names)
    assert facts.classes[0].parts["right-arm"].moves


def test_hash_follows_the_content_not_the_layout(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    before = load_facts(pair, semantics).hash
    path = semantics / "pair" / "facts.yaml"
    path.write_text("# a comment\n" + path.read_text())
    assert load_facts(pair, semantics).hash == before
    content["classes"][0]["tempo"] = "slowly"
    path.write_text(yaml.safe_dump(content))
    assert load_facts(pair, semantics).hash != before


def test_missing_file_tells_what_to_write(pair: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no facts for the data set 'pair'") as caught:
        load_facts(pair, tmp_path)
    assert "facts.yaml" in caught.value.mend


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c.update(name="knee lift"), "missing: 'knee bend'; not in the data set: 'knee lift'"),
        (lambda c: c.update(mood="happy"), "'knee bend'.mood: Extra inputs"),
        (lambda c: c.update(motion=c["motion"][:4]), "'knee bend'.motion: Tuple should have at least 5"),
        (lambda c: c["phases"].update(end=[]), "'knee bend'.phases.end"),
        (lambda c: c.update(tempo="am Stück"), "is not ASCII"),
        (lambda c: c.update(tempo="slowly."), "no closing punctuation"),
        (lambda c: c.update(tempo="Slowly"), "starts with a capital"),
        (lambda c: c.update(tempo=""), "'knee bend'.tempo"),
        (lambda c: c["parts"].pop("head"), "'knee bend'.parts: Value error, missing: head"),
        (lambda c: c["parts"].update(tail=c["parts"]["head"]), "'knee bend'.parts.tail"),
        (lambda c: c.pop("posture"), "'knee bend'.posture: Field required"),
    ],
)
def test_wrong_facts_are_refused(
    pair: Dataset, semantics: Path, content: dict[str, Any], change: Any, expected: str
) -> None:
    change(content["classes"][1])
    error = _refused(pair, semantics, content)
    assert expected in str(error)
    assert "facts.yaml" in str(error)


def test_wrong_order_and_missing_class_are_told_apart(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    content["classes"].reverse()
    assert "wrong order: entry 0 is 'knee bend'" in _refused(pair, semantics, content).why
    del content["classes"][0]
    assert "missing: 'knee bend'" in _refused(pair, semantics, content).why


def test_other_data_set_and_broken_yaml(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    assert "about another data set" in _refused(pair, semantics, content | {"dataset": "ntu60"}).what
    assert "breaks the schema" in _refused(pair, semantics, {"classes": [3]}).what
    (semantics / "pair" / "facts.yaml").write_text("a: [")
    with pytest.raises(InputError, match="not valid YAML"):
        load_facts(pair, semantics)


@pytest.mark.parametrize("name", WITH_FACTS)
def test_committed_facts_are_sound(name: str, repository: Path) -> None:
    dataset = load_dataset(name)
    assert style_problems(load_facts(dataset, repository / "semantics")) == []
    names = set(dataset.class_names)
    for entry in load_facts(dataset, repository / "semantics").classes:
        assert {confusion.other for confusion in entry.confused_with} <= names - {entry.name}
