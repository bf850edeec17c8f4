"""Data sets and findings, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Sequence

from zsl_skeleton.catalog import Dataset
from zsl_skeleton.semantics.lint import Finding


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
