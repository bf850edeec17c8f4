"""Banks made of texts, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.bank import Description, Provenance, SemanticBank
from zsl_skeleton.semantics.lint import Finding

Texts = Mapping[str, Sequence[Sequence[str]]]


def bank_of(names: Sequence[str], texts: Texts, state: str = "generated") -> SemanticBank:
    """A bank with ``texts[slot][class]``."""
    rows = [
        Description(
            dataset="some",
            class_index=index,
            class_name=names[index],
            slot=slot,
            index=number,
            text=text,
            provenance=Provenance.model_validate(
                {"family": f"{slot.partition('.')[0]}@v1", "template": "", "backend": "import", "state": state}
            ),
        )
        for slot, classes in texts.items()
        for index, found in enumerate(classes)
        for number, text in enumerate(found)
    ]
    return SemanticBank("some", tuple(names), tuple(rows), "0")


def dataset_of(names: Sequence[str], two: Sequence[str] = ()) -> Dataset:
    """A data set with these classes; two people act in those listed in ``two``."""
    classes = [
        {"index": n, "code": f"A{n}", "name": name, "persons": 2 if name in two else 1} for n, name in enumerate(names)
    ]
    return Dataset.model_validate(
        {
            "name": "some",
            "title": "Some",
            "synthetic": True,
            "layout": "ntu-25",
            "fps": 30,
            "persons": 2,
            "classes": classes,
            "protocols": {"xsub": {"name": "xsub", "by": "subject", "train": [1]}},
            "default_protocol": "xsub",
        }
    )


def of_rule(findings: Sequence[Finding], rule: str) -> list[Finding]:
    """The findings of one rule."""
    return [item for item in findings if item.rule == rule]
