"""Findings for people, for programs, and as a count."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from zsl_skeleton.semantics.lint.model import Finding
from zsl_skeleton.semantics.lint.rules import RULES

_LONGEST = 160


def summarise(findings: Sequence[Finding]) -> dict[str, int]:
    """Rule -> number of findings, in the order of the rules, without those that found nothing."""
    counts = {rule.name: 0 for rule in RULES}
    for item in findings:
        counts[item.rule] += 1
    return {rule: count for rule, count in counts.items() if count}


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """JSON values: the number of errors and warnings, the count per rule, and every finding with all its fields."""
    errors = sum(item.severity == "error" for item in findings)
    return {
        "errors": errors,
        "warnings": len(findings) - errors,
        "rules": summarise(findings),
        "findings": [dataclasses.asdict(item) for item in findings],
    }


def render(findings: Sequence[Finding], examples: int = 3) -> str:
    """Findings by rule, with its reason and at most so many examples, and a line with the total."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for item in findings:
        groups[item.rule].append(item)
    lines = []
    for rule in RULES:
        found = groups.get(rule.name)
        if not found:
            continue
        lines += [f"{rule.severity} {rule.name}: {len(found)}", f"  {rule.reason}"]
        for item in found[:examples]:
            lines += _example(item)
        if len(found) > examples:
            lines.append(f"  - and {len(found) - examples} more")
        lines.append("")
    return "\n".join([*lines, _total(findings)])


def _example(item: Finding) -> list[str]:
    name = None if item.class_index is None else f"{item.class_index} {item.class_name}"
    place = ", ".join(filter(None, (name, item.slot, None if item.index is None else f"text {item.index}")))
    lines = [f"  - {place or 'the bank'}: {item.message}"]
    if item.text is not None:
        shown = item.text if len(item.text) <= _LONGEST else item.text[: _LONGEST - 3] + "..."
        lines.append(f"      {shown!a}")
    return lines


def _total(findings: Sequence[Finding]) -> str:
    if not findings:
        return "no findings"
    errors = sum(item.severity == "error" for item in findings)
    warnings = len(findings) - errors
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
