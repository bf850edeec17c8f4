"""The rules on one text: each fires on what it is about, and keeps quiet about its near misses."""

from __future__ import annotations

import pytest

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.lint import RULES, text_findings

SOUND = "The right hand rises to the shoulder."
PAIR = "pushing other person"


def rules_of(
    text: str, name: str = "salute", slot: str = "motion", persons: int = 1, may_name: bool = False
) -> set[str]:
    action = ActionClass.model_validate({"index": 3, "code": "A4", "name": name, "persons": persons})
    return {item.rule for item in text_findings(text, slot, action, may_name)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("The person gets ready and starts.", "no-body-part"),
        ("The right arm, with its elbow and wrist.", "no-motion-verb"),
        ("The person happily lifts both arms.", "affect-word"),
        ("The mouth opens and the face lights up.", "affect-word"),
        ("The arm swings in order to hit.", "affect-word"),
        ("The right hand lifts a cup to the mouth.", "object-word"),
        ("Both hands tear the paper.", "object-word"),
        ("The hand waves his fan.", "object-word"),
        ("The hand throws the ball forward.", "object-word"),
        ("The person walks through the kitchen with swinging arms.", "scene-word"),
        ("The hands clap loudly.", "scene-word"),
        ("The arm might swing forward.", "hedge-word"),
        ("The arm swings as if it were heavy.", "hedge-word"),
        ("Raises arm.", "too-short"),
        ("", "too-short"),
        ("Sorry, but I cannot describe an arm that swings.", "refusal"),
        ("As an AI language model, the arm swings.", "refusal"),
        ("Here is the description: the arm swings.", "refusal"),
        ("- **Lifts** the arm slowly", "markdown"),
        ("1. The arm swings forward.", "markdown"),
        ("The arm <b>swings</b> forward.", "markdown"),
        ("The arm [direction] swings.", "markdown"),
        ('The "wave" starts at the elbow.', "quotes"),
        ("The 'wave' starts at the elbow.", "quotes"),
        ("The \u201cwave\u201d starts at the elbow.", "quotes"),
        ("The arm \u2013 raised \u2013 swings.", "non-ascii"),
        ("n/a", "placeholder"),
        ("Unknown action", "placeholder"),
        ("The arm swings, rest to be written.", "placeholder"),
        ("Lorem ipsum dolor the arm swings.", "placeholder"),
    ],
)
def test_a_rule_fires(text: str, rule: str) -> None:
    assert rule in rules_of(text)


@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        "The palm of the closed right hand moves back to the chest, then to the waist.",
        "The person's right hand meets the left hand's palm on the back.",
        "The hips sink toward the floor, and both feet stay on the floor.",
        "The hand goes to the mouth and then to the ear.",
        "The fist hammers down and the forearm bounces.",
        "The hand fans the air beside the face.",
        "The weight stays on the ball of the right foot while the heel rises.",
        "The fist boxes forward and the trunk rocks from side to side.",
        "The ring finger and the thumb touch.",
        "The trunk leans right, and the right knee bends at a right angle.",
        "Both arms form a ring above the head.",
        "The calf and the sole of the left foot stay where they are.",
        "2 quick swings of the right arm end at the hip.",
        "The hand watches over nothing and stays at the hip.",
    ],
)
def test_bodily_senses_and_directions_are_allowed(text: str) -> None:
    assert rules_of(text) == set()


@pytest.mark.parametrize(
    ("name", "text", "leaks"),
    [
        ("make ok sign", "Making the OK sign with the right hand.", True),
        ("make ok sign", "The fingers of the right hand form a circle.", False),
        ("carry", "The person carries with both hands.", True),
        ("wear a shoe", "The shoulder bends down to the foot, wearing on.", False),
        ("handshaking", "The person moves both hands, one to each other.", False),
        ("handshaking", "A handshake of the right hand.", True),
    ],
)
def test_leaks_are_found_in_every_form_of_a_word(name: str, text: str, leaks: bool) -> None:
    assert ("class-name-leak" in rules_of(text, name)) is leaks


def test_texts_that_may_name_are_free_to_name_things_and_feelings() -> None:
    text = "A person happily salutes an officer on the street, cap in hand."
    assert rules_of(text, slot="action", may_name=True) == set()
    assert {"affect-word", "scene-word", "class-name-leak"} <= rules_of(text)


def test_a_label_is_a_name_and_no_description() -> None:
    assert rules_of("drop", "drop", "label", may_name=True) == set()
    assert rules_of("pushing other person", PAIR, "label", persons=2, may_name=True) == set()
    assert rules_of("", "drop", "label", may_name=True) == {"too-short"}
    assert "quotes" in rules_of('"drop"', "drop", "label", may_name=True)


@pytest.mark.parametrize(
    ("text", "slot", "missing"),
    [
        ("Both hands move forward at chest height.", "motion", True),
        ("One hand crosses the other hand.", "codebook", True),
        ("Both hands move forward against the second person's chest.", "motion", False),
        ("Both people move their hands forward.", "temporal.main", False),
        ("The two bodies lean toward each other.", "spatial.fine", False),
        ("Both hands move forward against the other, whose trunk sways.", "motion", False),
        ("The left leg stays straight below the hip.", "body-parts.left-leg", False),
        ("A person uses both hands.", "action", True),
        ("A person moves somebody away with both hands.", "action", False),
    ],
)
def test_two_people_must_be_named(text: str, slot: str, missing: bool) -> None:
    found = rules_of(text, PAIR, slot, persons=2, may_name=slot == "action")
    assert ("second-person-missing" in found) is missing
    assert "second-person-missing" not in rules_of(text, PAIR, slot, persons=1, may_name=slot == "action")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cheer up", "The head lifts as the mood gets better."),
        ("cheer up", "A person tries to make somebody cheerful."),
        ("drop", "The hips and the trunk: the person falls down."),
        ("drop", "The person drops into a squat on both knees."),
        ("hands up (both hands)", "The shoulders droop and the arms hang."),
        ("hush (quite)", "The hand makes a soothing move."),
        ("shoot at the basket", "The right arm is level and the finger pulls the trigger."),
        ("shoot at other person with a gun", "Both hands push up to the basket."),
        ("butt kicks (kick backward)", "The foot strikes the second person from behind."),
        ("bow", "The left arm is extended and the right hand pulls the bowstring."),
        ("tear up paper", "The eyes fill and the head sinks."),
        ("take off jacket", "Both arms spread, as on a runway."),
    ],
)
def test_the_wrong_sense_is_found(name: str, text: str) -> None:
    assert "wrong-sense" in rules_of(text, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("drop", "The person lets the right hand open at hip height, and the trunk leans slightly forward."),
        ("drop trash", "The person drops the right hand to the hip and opens it."),
        ("wear jacket", "Both arms swing in a circular fashion beside the trunk."),
        ("hit other person with something", "The right arm successively swings down toward the second person."),
        ("shake head", "The head turns from side to side without nodding."),
    ],
)
def test_the_right_sense_is_not_mistaken(name: str, text: str) -> None:
    assert "wrong-sense" not in rules_of(text, name)


def test_a_finding_says_where_what_and_how_to_mend() -> None:
    action = ActionClass(index=3, code="A4", name="salute")
    text = "The right hand lifts a phone."
    [found] = text_findings(text, "motion", action, may_name=False)
    assert (found.rule, found.severity) == ("object-word", "error")
    assert (found.class_index, found.class_name, found.slot, found.index) == (3, "salute", "motion", None)
    assert found.text == text
    assert "'phone'" in found.message and "describe the moving body parts" in found.message
    assert text not in found.message


def test_rules_are_complete_and_plain() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.severity in ("error", "warning")
        assert len(rule.reason) > 20 and rule.example
        assert (rule.reason + rule.example).isprintable()
