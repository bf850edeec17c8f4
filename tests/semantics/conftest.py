"""Two small data sets with their facts, in folders of their own: ``pair``, and ``meeting``, in which two people act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from zsl_skeleton.catalog import Dataset

Content = dict[str, Any]


def _part(moves: bool, coarse: str, medium: str, fine: str) -> Content:
    return {"moves": moves, "coarse": coarse, "medium": medium, "fine": fine}


def _resting(side: str, limb: str, verb: str) -> Content:
    return _part(
        False,
        f"the {side} {limb} {verb} still",
        f"the {side} {limb} {verb} straight below the body and does not move",
        f"the {side} {limb} {verb} straight below the body from beginning to end and does not move at any moment",
    )


@pytest.fixture
def content() -> Content:
    """The content of ``facts.yaml`` for the two classes."""
    head = _part(
        False,
        "the head stays upright",
        "the head stays upright above the shoulders and faces forward",
        "the head stays upright above the shoulders and faces forward without a turn during the whole movement",
    )
    greeting = {
        "name": "right hand greeting",
        "action": "a person greets somebody with the raised right hand",
        "synonyms": ["saying hello", "signalling with a hand"],
        "posture": "standing upright",
        "tempo": "at a quick, steady rhythm",
        "repetition": "several times",
        "objects": [],
        "confused_with": [{"class": "knee bend", "difference": "an arm moves instead of both legs"}],
        "motion": [
            "raises the right hand beside the head and swings the forearm from side to side",
            "lifts the right arm and tilts the forearm outward and inward",
            "holds the right elbow at shoulder height and moves the right hand left and right",
            "brings the right hand up to head height and sweeps it sideways in short arcs",
            "keeps the right hand up while the right forearm swings like a pendulum",
        ],
        "parts": {
            "head": head,
            "torso": _part(
                False,
                "the trunk stays upright",
                "the trunk stays upright above the hips and does not lean",
                "the trunk stays upright above the hips with level shoulders and leans or turns to no side",
            ),
            "left-arm": _resting("left", "arm", "hangs"),
            "right-arm": _part(
                True,
                "the raised right forearm swings sideways",
                "the right hand is held at head height and swings to the left and right",
                "the right elbow is bent at shoulder height and the right hand travels in short arcs beside the head",
            ),
            "left-leg": _resting("left", "leg", "stands"),
            "right-leg": _resting("right", "leg", "stands"),
        },
        "phases": {
            "start": [
                "bends the right elbow and lifts the right hand beside the head",
                "raises the right arm from the hip to the side of the head",
                "brings the right forearm up in front of the right shoulder",
                "lifts the right hand away from the thigh up to head height",
            ],
            "main": [
                "swings the raised right forearm from side to side",
                "moves the right hand outward and inward at head height",
                "tilts the bent right arm sideways in short arcs",
                "sweeps the right hand left and right above the elbow",
            ],
            "end": [
                "lowers the right hand to the hip",
                "straightens the right elbow and lets the arm sink",
                "drops the right forearm and stands with both arms hanging",
                "returns the right hand from head height to the thigh",
            ],
        },
    }
    bend = {
        "name": "knee bend",
        "action": "a person goes down and up again as in a gym",
        "synonyms": ["going down on the heels", "a gym exercise for both legs"],
        "posture": "standing with the feet apart",
        "tempo": "slowly",
        "repetition": "once",
        "objects": [],
        "confused_with": [],
        "motion": [
            "lowers the hips between the feet and rises again",
            "sinks down on both legs until the thighs are level, then extends both legs",
            "moves the hips straight down and up again over the heels",
            "folds both legs below the body and straightens them",
            "goes down until the hips are at the height of the heels and comes up",
        ],
        "parts": {
            "head": head,
            "torso": _part(
                True,
                "the trunk sinks and rises",
                "the trunk sinks straight down between the feet and rises to full height",
                "the trunk sinks straight down, leans slightly forward at the lowest point and rises to full height",
            ),
            "left-arm": _resting("left", "arm", "hangs"),
            "right-arm": _resting("right", "arm", "hangs"),
            **{
                f"{side}-leg": _part(
                    True,
                    f"the {side} leg folds and extends",
                    f"the {side} leg folds until the thigh is level and extends again",
                    f"the {side} leg folds until its thigh is level with the floor, pauses and extends to full length",
                )
                for side in ("left", "right")
            },
        },
        "phases": {
            "start": [
                "sets the feet apart and starts to sink",
                "shifts the hips back and lets both legs fold",
                "leans the trunk forward and lowers the hips",
                "moves the hips down from their full height",
            ],
            "main": [
                "stays low with level thighs and an upright trunk",
                "reaches the lowest point with the hips behind the heels",
                "holds the hips low between both feet",
                "sinks further until both thighs are level",
            ],
            "end": [
                "rises until both legs are straight",
                "extends both legs and brings the hips over the feet",
                "pushes the hips up to their full height",
                "comes up and stands on straight legs",
            ],
        },
    }
    return {"dataset": "pair", "source": "written for the tests", "classes": [greeting, bend]}


@pytest.fixture
def semantics(tmp_path: Path, content: Content) -> Path:
    """A semantics folder that holds the facts of ``pair``."""
    folder = tmp_path / "semantics"
    write_facts(folder, content)
    return folder


def write_facts(folder: Path, content: Content) -> None:
    """Write ``content`` as the facts of its data set."""
    path = folder / content["dataset"] / "facts.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture
def pair() -> Dataset:
    """The data set of the two classes."""
    return Dataset.model_validate(
        {
            "name": "pair",
            "title": "Two classes",
            "synthetic": True,
            "layout": "ntu-25",
            "fps": 30,
            "persons": 1,
            "classes": [
                {"index": 0, "code": "A1", "name": "right hand greeting"},
                {"index": 1, "code": "A2", "name": "knee bend"},
            ],
            "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1]}},
            "default_protocol": "xsub",
        }
    )


@pytest.fixture
def meeting_content(content: Content) -> Content:
    """The facts of ``meeting``: an action of two people, and one that is a class of ``pair``."""
    two = yaml.safe_load((Path(__file__).parent / "shoulder.yaml").read_text())
    bend = {"name": "knee bend", "same_as": {"dataset": "pair", "class": "knee bend"}}
    return {"dataset": "meeting", "source": "written for the tests", "classes": [two, bend]}


@pytest.fixture
def meeting(pair: Dataset, semantics: Path, meeting_content: Content) -> Dataset:
    """The data set of these two classes; its facts lie in ``semantics``."""
    write_facts(semantics, meeting_content)
    classes = [
        {"index": 0, "code": "A1", "name": "tap on shoulder", "persons": 2},
        {"index": 1, "code": "A2", "name": "knee bend"},
    ]
    return Dataset.model_validate(pair.model_dump() | {"name": "meeting", "persons": 2, "classes": classes})
