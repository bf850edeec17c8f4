"""Reading what a model wrote: tolerant where it is unambiguous, clear about everything else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from zsl_skeleton.semantics.backends.answers import plain, read_answer
from zsl_skeleton.semantics.backends.find_json import JsonError, find_object

from .asking import MANY, ONE, PARTS, good, request, sentence

SURROUNDED = {
    "alone": "{}",
    "fence": "```json\n{}\n```",
    "fence without a language": "Here it is:\n```\n{}\n```\nAnything else?",
    "words around": "Sure! {} I hope that helps.",
    "twice the same": "{}\n\n{}",
    "thoughts": '<think>maybe {"motion": "no"} or not</think>\n\n{}',
}


@pytest.mark.parametrize("name", SURROUNDED)
def test_what_surrounds_one_object_is_tolerated(name: str) -> None:
    texts, problems = read_answer(
        SURROUNDED[name].replace("{}", good()).replace("{{", "{").replace("}}", "}"), request()
    )
    assert problems == [] and texts == {"motion": (sentence(0),)}


WRONG = {
    "": "there is no answer",
    "I cannot say.": "there is no valid JSON object in it",
    '{"motion": "The person': "the JSON is cut off before its end",
    '{"motion": "a"} or {"motion": "b"}': "there are 2 different JSON objects in it instead of one",
    '```\n{"motion": "a"}\n```\n```\n{"motion": "b"}\n```': "there are 2 different JSON objects in it instead of one",
    '{"motion": "a", "motion": "b"}': "the key 'motion' is there twice",
    '["a"]': "a JSON object was asked for, not a list",
    '"a"': "a JSON object was asked for, not a string",
    "{'motion': 'a'}": "there is no valid JSON object in it",
    '{"motion": NaN}': "motion: should be one string",
    "[" * 5000: "there is no valid JSON object in it",
    '{"a":' * 5000: "the JSON is cut off before its end",
}


@pytest.mark.parametrize("text", WRONG, ids=[text[:20] for text in WRONG])
def test_what_is_wrong_is_said(text: str) -> None:
    texts, problems = read_answer(text, request())
    assert texts == {} and problems == [WRONG[text]]


SHAPES = [
    (MANY, {"descriptions": sentence(0)}, ["descriptions: should be a list of strings"]),
    (MANY, {"descriptions": [sentence(n) for n in range(3)]}, ["descriptions: 3 texts instead of 4"]),
    (MANY, {"descriptions": [sentence(n) for n in range(5)]}, ["descriptions: 5 texts instead of 4"]),
    (MANY, {"descriptions": [1, sentence(1), None, sentence(2)]}, ["descriptions.0: ", "descriptions.2: "]),
    (MANY, {"descriptions": [sentence(0)] * 4}, ["descriptions: said twice"] * 3),
    (MANY, {}, ["the key 'descriptions' is missing"]),
    (ONE, {"motion": sentence(0), "note": "x"}, ["the key 'note' was not asked for"]),
    (ONE, {"motion": None}, ["motion: should be one string"]),
    (ONE, {"motion": ""}, ["motion: a text is empty"]),
    (ONE, {"motion": "Up."}, ["motion: 1 words instead of 6 to 30"]),
    (ONE, {"motion": sentence(0) + " \u2764"}, ["motion: not plain one-line ASCII"]),
    (
        ONE,
        {"motion": "The person makes a deep knee bend with the arms in front."},
        ["motion: gives the class name"],
    ),
    (PARTS, {"head": "The head stays upright."}, ["the key 'model_arms' is missing"]),
]


@pytest.mark.parametrize(("turn", "content", "problems"), SHAPES)
def test_shape_and_checks(turn: Any, content: Any, problems: list[str]) -> None:
    _, found = read_answer(json.dumps(content), request(turn))
    assert len(found) == len(problems)
    assert all(said.startswith(wanted) for said, wanted in zip(found, problems, strict=True)), found


def test_typographic_characters_become_ascii() -> None:
    assert plain("The  person\u2019s \u201cright\u201d arm \u2014 3\u20135 times \u2013 is half\u2011bent\u2026\n") == (
        'The person\'s "right" arm - 3-5 times - is half-bent...'
    )


@pytest.mark.parametrize("part", ["{", "{}", '{"a": ', "```\n", "<think>", '{"a": "'])
def test_runaway_answers_are_read_in_no_time(part: str) -> None:
    def work() -> None:
        try:
            find_object(part * 50_000)
        except JsonError:
            return

    async def bounded() -> None:
        await asyncio.wait_for(asyncio.to_thread(work), 5)

    asyncio.run(bounded())
