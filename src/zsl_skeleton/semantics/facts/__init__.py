"""Hand-written facts about how each class of a data set looks as a skeleton: ``semantics/<dataset>/facts.yaml``."""

from __future__ import annotations

from zsl_skeleton.semantics.facts.loading import facts_path, load_facts
from zsl_skeleton.semantics.facts.model import (
    LEVELS,
    PARTS,
    PHASES,
    ClassFacts,
    Confusion,
    Facts,
    Level,
    PartFacts,
    PartName,
    Phase,
    PhaseFacts,
    SecondFacts,
)
from zsl_skeleton.semantics.facts.references import Library
from zsl_skeleton.semantics.facts.style import class_problems, style_problems

__all__ = [
    "LEVELS",
    "PARTS",
    "PHASES",
    "ClassFacts",
    "Confusion",
    "Facts",
    "Level",
    "Library",
    "PartFacts",
    "PartName",
    "Phase",
    "PhaseFacts",
    "SecondFacts",
    "class_problems",
    "facts_path",
    "load_facts",
    "style_problems",
]
