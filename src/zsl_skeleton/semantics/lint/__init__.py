"""Lint: what class texts must not do, each rule with its reason; on one text (while it is written) or a whole bank."""

from zsl_skeleton.semantics.lint.model import Finding, Rule, Severity
from zsl_skeleton.semantics.lint.report import as_json, render, summarise
from zsl_skeleton.semantics.lint.rules import RULES
from zsl_skeleton.semantics.lint.single import text_findings
from zsl_skeleton.semantics.lint.whole import lint_bank, prompt_slots

__all__ = [
    "RULES",
    "Finding",
    "Rule",
    "Severity",
    "as_json",
    "lint_bank",
    "prompt_slots",
    "render",
    "summarise",
    "text_findings",
]
