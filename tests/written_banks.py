"""Banks whose texts a test writes down itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank

Texts = Mapping[str, Sequence[Sequence[str]]]
"""Slot -> texts by class."""


def _generated(place: tuple[int, str, int], text: str) -> str:
    return "generated"


def bank_of(
    names: Sequence[str], texts: Texts, state: Callable[[tuple[int, str, int], str], str] = _generated
) -> SemanticBank:
    """A bank with ``texts[slot][class]``; ``state`` tells that of a text from its class, slot and number, and words."""
    rows = [
        Description(
            dataset="some",
            class_index=index,
            class_name=names[index],
            slot=slot,
            index=number,
            text=text,
            provenance=Provenance.model_validate(
                {
                    "family": f"{slot.partition('.')[0]}@v1",
                    "template": "",
                    "backend": "import",
                    "state": state((index, slot, number), text),
                }
            ),
        )
        for slot, classes in texts.items()
        for index, found in enumerate(classes)
        for number, text in enumerate(found)
    ]
    return SemanticBank("some", tuple(names), tuple(rows), "0")
