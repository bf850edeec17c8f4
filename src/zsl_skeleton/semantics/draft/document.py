"""``facts.yaml`` as a person wants to edit it: block style, quoted phrases, comments where something is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.facts import ClassFacts
from zsl_skeleton.semantics.facts.references import Reference

_WIDE = 1_000_000  # no phrase is broken


class _Quoted(str):
    """A string that is written in quotation marks."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the items of a list below their key."""
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def facts_document(
    dataset: Dataset,
    source: str,
    known: Mapping[str, Reference],
    written: Mapping[str, ClassFacts],
    missing: Mapping[str, str],
) -> str:
    """The text of a draft, one entry per class in the order of the catalog.

    Args:
        dataset: the classes.
        source: where the facts come from.
        known: class -> the class of another data set that it is.
        written: class -> its facts.
        missing: class -> why it has no entry; a comment stands in its place.
    """
    lines = [
        f"# A draft of the facts of {dataset.name}, for a person to correct: hold every phrase against the recordings.",
        f"dataset: {json.dumps(dataset.name)}",
        f"source: {json.dumps(source)}",
        "classes:",
    ]
    for action in dataset.classes:
        name = json.dumps(action.name)
        if action.name in known:
            other, other_name = known[action.name]
            reference = f"{{dataset: {json.dumps(other)}, class: {json.dumps(other_name)}}}"
            lines.append(f"  - {{name: {name}, same_as: {reference}}}")
        elif action.name in written:
            lines.append("\n" + _block(written[action.name]) + "\n")
        else:
            lines.append(f"  # - name: {name}  (to be written: {_line(missing.get(action.name, ''))})")
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip("\n") + "\n"


def _block(facts: ClassFacts) -> str:
    content = facts.model_dump(mode="json", by_alias=True, exclude_none=True)
    text = yaml.dump([_quoted(content)], Dumper=_Dumper, sort_keys=False, width=_WIDE, allow_unicode=False)
    return "\n".join(f"  {line}" for line in text.rstrip("\n").split("\n"))


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return _Quoted(value) if isinstance(value, str) else value


def _line(text: str) -> str:
    return " ".join(text.split())
