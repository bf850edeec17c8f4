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


def _written(folder: Path, content: dict[str, Any]) -> None:
    (folder / content["dataset"] / "facts.yaml").write_text(yaml.safe_dump(content))


def test_a_reference_takes_the_other_class_and_own_keys_win(
    meeting: Dataset, pair: Dataset, semantics: Path, meeting_content: dict[str, Any]
) -> None:
    meeting_content["classes"][1]["tempo"] = "with a long stop"
    _written(semantics, meeting_content)
    bend = load_facts(meeting, semantics).classes[1]
    assert bend.tempo == "with a long stop"
    assert bend.motion == load_facts(pair, semantics).classes[1].motion


def test_hash_covers_what_references_lead_to(meeting: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    before = load_facts(meeting, semantics).hash
    content["classes"][1]["tempo"] = "with a long stop"
    _written(semantics, content)
    assert load_facts(meeting, semantics).hash != before


def test_confusions_follow_references_under_their_own_names(
    meeting: Dataset, semantics: Path, content: dict[str, Any], meeting_content: dict[str, Any]
) -> None:
    content["classes"][1]["confused_with"] = [
        {"class": "right hand greeting", "difference": "both legs move instead of an arm"}
    ]
    _written(semantics, content)
    assert load_facts(meeting, semantics).classes[1].confused_with == ()  # the greeting is no class of `meeting`
    names = ["squatting", "waving"]
    greeting = {"name": "waving", "same_as": {"dataset": "pair", "class": "right hand greeting"}}
    meeting_content["classes"] = [meeting_content["classes"][1] | {"name": "squatting"}, greeting]
    _written(semantics, meeting_content)
    classes = [{"index": index, "code": str(index), "name": name} for index, name in enumerate(names)]
    renamed = Dataset.model_validate(meeting.model_dump() | {"classes": classes})
    assert load_facts(renamed, semantics).classes[0].confused_with[0].other == "waving"


@pytest.mark.parametrize(
    ("same_as", "expected"),
    [
        ({"dataset": "pairs", "class": "knee bend"}, "'pairs', of which there are no facts"),
        ({"dataset": "pair", "class": "knee bent"}, "write 'knee bend' instead"),
        ({"dataset": "meeting", "class": "knee bend"}, "in a circle"),
        ("pair", "'pair' is not a reference"),
        ({"dataset": "pair"}, "is not a reference"),
    ],
)
def test_references_that_lead_nowhere_are_refused(
    meeting: Dataset, semantics: Path, meeting_content: dict[str, Any], same_as: Any, expected: str
) -> None:
    meeting_content["classes"][1]["same_as"] = same_as
    _written(semantics, meeting_content)
    with pytest.raises(InputError) as caught:
        load_facts(meeting, semantics)
    assert expected in str(caught.value) and "'knee bend'" in caught.value.what


def test_a_circle_through_two_data_sets_is_found(meeting: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    content["classes"][1] = {"name": "knee bend", "same_as": {"dataset": "meeting", "class": "knee bend"}}
    _written(semantics, content)
    with pytest.raises(InputError, match="in a circle") as caught:
        load_facts(meeting, semantics)
    assert "'knee bend' of pair -> 'knee bend' of meeting -> 'knee bend' of pair" in caught.value.why


def test_an_own_folder_may_refer_to_shipped_facts(
    meeting: Dataset, semantics: Path, meeting_content: dict[str, Any]
) -> None:
    meeting_content["classes"][1]["same_as"] = {"dataset": "demo", "class": "squat"}
    _written(semantics, meeting_content)
    assert "hips" in load_facts(meeting, semantics).classes[1].motion[0]


def test_second_is_there_exactly_for_two_people(
    meeting: Dataset, semantics: Path, meeting_content: dict[str, Any]
) -> None:
    second = meeting_content["classes"][0].pop("second")
    _written(semantics, meeting_content)
    with pytest.raises(InputError, match="second person") as caught:
        load_facts(meeting, semantics)
    assert "no `second`: 'tap on shoulder'" in caught.value.why
    meeting_content["classes"][0]["second"] = second
    meeting_content["classes"][1]["second"] = second
    _written(semantics, meeting_content)
    with pytest.raises(InputError, match="second person") as caught:
        load_facts(meeting, semantics)
    assert "one person, but a `second`: 'knee bend'" in caught.value.why


def test_shared_holds_anchors_and_changes_nothing(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    before = load_facts(pair, semantics).hash
    _written(semantics, content | {"shared": {"head-up": content["classes"][0]["parts"]["head"]}})
    assert load_facts(pair, semantics).hash == before


def test_unknown_confusion_is_refused(pair: Dataset, semantics: Path, content: dict[str, Any]) -> None:
    content["classes"][0]["confused_with"][0]["class"] = "knee lift"
    assert "'right hand greeting' is confused with 'knee lift'" in _refused(pair, semantics, content).why


def test_bad_style_is_told_with_class_and_place(meeting: Dataset, semantics: Path, meeting_content: Any) -> None:
    def problems() -> list[str]:
        facts = load_facts(meeting, semantics)
        return [line for line in style_problems(facts) if line.startswith("tap on shoulder: ")]

    assert problems() == []
    two = meeting_content["classes"][0]
    two["parts"]["head"]["coarse"] = "a head stays still"
    two["second"]["main"][0] = "waits"
    two["motion"][0] = "raises the right hand for a tap on one shoulder"
    _written(semantics, meeting_content)
    places = [line.split(": ")[1].split(" ")[0] for line in problems()]
    assert places == ["motion[0]", "second.main[0]", "parts.head.coarse"]


@pytest.mark.parametrize("name", WITH_FACTS)
def test_committed_facts_are_sound(name: str, repository: Path) -> None:
    dataset = load_dataset(name)
    assert style_problems(load_facts(dataset, repository / "semantics")) == []
    names = set(dataset.class_names)
    for entry in load_facts(dataset, repository / "semantics").classes:
        assert {confusion.other for confusion in entry.confused_with} <= names - {entry.name}
