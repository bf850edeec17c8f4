"""What a model is asked for about one class: a flat object of strings and lists, and how it becomes facts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.backends.answers import plain
from zsl_skeleton.semantics.backends.find_json import JsonError, find_object
from zsl_skeleton.semantics.facts import LEVELS, PARTS, PHASES, ClassFacts, class_problems
from zsl_skeleton.semantics.lint import text_findings

_SUBJECTS = ("the person ", "the first person ", "the second person ", "a person ")


Two = Annotated[list[StrictStr], Field(min_length=2, max_length=2)]
Three = Annotated[list[StrictStr], Field(min_length=3, max_length=3)]
Four = Annotated[list[StrictStr], Field(min_length=4, max_length=4)]
Six = Annotated[list[StrictStr], Field(min_length=6, max_length=6)]


class OneAnswer(BaseModel):
    """The answer about an action of one person. Flat, because small models and constrained decoding want it so."""

    model_config = ConfigDict(extra="forbid")

    action: StrictStr
    synonyms: Three
    posture: StrictStr
    tempo: StrictStr
    repetition: StrictStr
    objects: Annotated[list[StrictStr], Field(max_length=4)]
    moving: Annotated[list[StrictStr], Field(min_length=1, max_length=6)]
    motion: Six
    start: Four
    main: Four
    end: Four
    head: Three
    torso: Three
    left_arm: Three
    right_arm: Three
    left_leg: Three
    right_leg: Three


class TwoAnswer(OneAnswer):
    """The answer about an action of two people."""

    second_start: Two
    second_main: Two
    second_end: Two


def answer_schema(action: ActionClass) -> dict[str, Any]:
    """JSON schema of the answer about a class."""
    schema = _form(action).model_json_schema()
    properties = {
        key: {name: value for name, value in entry.items() if name != "title"}
        for key, entry in schema["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_facts(text: str, action: ActionClass) -> tuple[ClassFacts | None, list[str]]:
    """The facts in what a model wrote, and what is wrong with them, in words that it can act on.

    Blanks, a capital at the beginning, a full stop at the end and a subject before a verb phrase are mended in silence:
    a repair turn for them would be wasted. The facts are complete and sound if and only if there are no problems.
    """
    try:
        answer = _form(action).model_validate(find_object(text))
        content, strange = _content(answer, action)
        facts = ClassFacts.model_validate(content)
    except JsonError as error:
        return None, [str(error)]
    except ValidationError as error:
        return None, [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return facts, [*strange, *class_problems(facts), *_not_shown(facts, action)]


def _form(action: ActionClass) -> type[OneAnswer]:
    return OneAnswer if action.persons == 1 else TwoAnswer


def _content(answer: OneAnswer, action: ActionClass) -> tuple[dict[str, Any], list[str]]:
    """The content of an entry of ``facts.yaml``, and moving parts that are none."""
    said = answer.model_dump()
    moving = [part for part in PARTS if any(part.replace("-", " ") in _words(item) for item in said["moving"])]
    strange = [
        f"moving: {item!r} is none of the six parts"
        for item in said["moving"]
        if not any(part.replace("-", " ") in _words(item) for part in PARTS)
    ]
    content: dict[str, Any] = {
        "name": action.name,
        **{key: _phrase(said[key]) for key in ("action", "posture", "tempo", "repetition")},
        **{key: [_phrase(item) for item in said[key]] for key in ("synonyms", "objects")},
        # Other classes of the data set are not shown to the model: their names would leak into a zero-shot text.
        "confused_with": [],
        "motion": [_verb(item) for item in said["motion"]],
        "parts": {
            part: {"moves": part in moving} | dict(zip(LEVELS, map(_phrase, said[part.replace("-", "_")]), strict=True))
            for part in PARTS
        },
        "phases": {phase: [_verb(item) for item in said[phase]] for phase in PHASES},
    }
    if isinstance(answer, TwoAnswer):
        content["second"] = {phase: [_verb(item) for item in said[f"second_{phase}"]] for phase in PHASES}
    return content, strange


def _words(text: str) -> str:
    return " ".join(text.lower().replace("-", " ").replace("_", " ").split())


def _phrase(text: str) -> str:
    text = plain(text).rstrip(".!?;:, ")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _verb(text: str) -> str:
    text = _phrase(text)
    return next((text.removeprefix(subject) for subject in _SUBJECTS if text.startswith(subject)), text)


def _not_shown(facts: ClassFacts, action: ActionClass) -> list[str]:
    """What lint would find in sentences of these phrases (but for the second person, whom the sentences add)."""
    found = []
    for place, rule, text in facts.shown():
        if rule == "second":
            continue
        whole = f"The person {text}." if rule in ("motion", "phases") else f"{text[:1].upper()}{text[1:]}."
        for item in text_findings(whole, "codebook", action, may_name=False):
            if item.severity == "error" and item.rule not in ("second-person-missing", "class-name-leak"):
                found.append(f"{place}: {item.message}: {text!r}")
    return found
