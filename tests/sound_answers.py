"""What a model that makes no mistakes would answer: sound texts, always the same ones to the same chat."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_VERBS = ("swings", "moves", "sweeps", "turns", "tilts", "rotates")
_LIMBS = tuple(f"{side} {limb}" for side in ("left", "right") for limb in ("arm", "hand", "forearm", "elbow", "wrist"))
_WAYS = ("short", "wide", "slow", "quick", "even")
_PLACES = ("beside the head", "above the hip", "in front of the chest", "below the shoulder", "near the knee")
_SAID = "These descriptions have been given already"
_FORM = "Answer with a JSON object"


def sentence(number: int) -> str:
    """One of 1500 sentences that pass the checks of every family."""
    number, verb = divmod(number, len(_VERBS))
    number, limb = divmod(number, len(_LIMBS))
    number, way = divmod(number, len(_WAYS))
    return f"The person {_VERBS[verb]} the {_LIMBS[limb]} in {_WAYS[way]} arcs {_PLACES[number % len(_PLACES)]}."


def sound_answer(body: dict[str, Any]) -> str:
    """The answer to the arguments of a chat completion that asks for a JSON schema."""
    question, _, said = body["messages"][-1]["content"].partition(_SAID)
    # The same start for all calls of a turn, so that none repeats what the calls before it said.
    chat = [message["content"] for message in body["messages"][:-1]] + [question.partition(_FORM)[0].strip()]
    number = int(hashlib.sha256(json.dumps(chat).encode()).hexdigest()[:8], 16) % 1000 + said.count("\n- ")
    answer: dict[str, Any] = {}
    for key, kind in body["response_format"]["json_schema"]["schema"]["properties"].items():
        count = kind.get("minItems", 1)
        texts = [sentence(number + index) for index in range(count)]
        number += count
        answer[key] = texts if kind["type"] == "array" else texts[0]
    return json.dumps(answer)
