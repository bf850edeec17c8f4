"""Counts, text for people and JSON."""

from __future__ import annotations

import json

from semantics.lint.banks import dataset_of
from written_banks import bank_of
from zsl_skeleton.semantics.lint import RULES, as_json, lint_bank, render, summarise

NAMES = ("salute", "wave")
FINDINGS = lint_bank(
    bank_of(
        NAMES,
        {
            "motion": [
                ["The hand lifts a phone.", "The arm might rise.", "The hand lifts a cup."],
                ["The hand holds a hat."],
            ],
            "codebook": [["The right arm rises."], ["The right arm rises."]],
        },
    ),
    dataset_of((*NAMES, "bow")),
)


def test_counts_are_in_the_order_of_the_rules() -> None:
    counts = summarise(FINDINGS)
    order = [rule.name for rule in RULES]
    assert list(counts) == sorted(counts, key=order.index)
    assert counts["object-word"] == 3 and counts["hedge-word"] == 1 and counts["class-missing"] == 1
    assert sum(counts.values()) == len(FINDINGS)


def test_people_get_the_reason_examples_and_a_total() -> None:
    text = render(FINDINGS, examples=2)
    reason = next(rule.reason for rule in RULES if rule.name == "object-word")
    assert f"error object-word: 3\n  {reason}\n  - 0 salute, motion, text 0: 'phone'" in text
    assert "'The hand lifts a phone.'" in text and "'The hand lifts a cup.'" in text
    assert "a hat" not in text and "and 1 more" in text
    errors = sum(item.severity == "error" for item in FINDINGS)
    assert text.endswith(f"{errors} errors, {len(FINDINGS) - errors} warning" + "s" * (len(FINDINGS) - errors > 1))
    assert render([]) == "no findings"


def test_odd_letters_and_long_texts_are_shown_safely() -> None:
    text = "The arm \u202e rises \x1b[31m" + " and on" * 60
    shown = render(lint_bank(bank_of(("salute",), {"motion": [[text]]})))
    assert shown.isascii() and "\x1b" not in shown and "\\x1b" in shown
    assert max(map(len, shown.splitlines())) < 220


def test_json_holds_everything() -> None:
    found = json.loads(json.dumps(as_json(FINDINGS)))
    assert found["errors"] + found["warnings"] == len(found["findings"]) == len(FINDINGS)
    assert found["rules"] == summarise(FINDINGS)
    phone = next(item for item in found["findings"] if item["text"] == "The hand lifts a phone.")
    assert phone["rule"] == "object-word" and phone["severity"] == "error" and phone["slot"] == "motion"
    assert phone["class_index"] == 0 and phone["class_name"] == "salute" and phone["index"] == 0
