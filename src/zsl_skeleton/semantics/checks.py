"""What every answer must satisfy before it enters a bank, whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.backends.base import Request
from zsl_skeleton.semantics.lint import Finding, text_findings
from zsl_skeleton.semantics.prompts import AnswerField, Turn
from zsl_skeleton.semantics.words import same_key, word_count


def text_problem(text: str, field: AnswerField, turn: Turn, action: ActionClass) -> str | None:
    """The first thing that is wrong with a single text, in words that a writer can act on; None if it is sound."""
    least, most = field.words
    if not text.strip():
        return "a text is empty"
    if text != " ".join(text.split()) or not (text.isascii() and text.isprintable()):
        return f"not plain one-line ASCII: {text!r}"
    if not least <= word_count(text) <= most:
        return f"{word_count(text)} words instead of {least} to {most}: {text!r}"
    broken = next((item for item in _findings(text, field, turn, action) if item.severity == "error"), None)
    if broken:
        return f"{broken.message}: {text!r}"
    if not turn.literal and not (text[0].isupper() and text.endswith(".")):
        return f"not a sentence with a capital and a full stop: {text!r}"
    return None


def _findings(text: str, field: AnswerField, turn: Turn, action: ActionClass) -> list[Finding]:
    # The words of a literal turn are the prompt's own.
    return [] if turn.literal else text_findings(text, field.slot, action, turn.may_name)


def answer_problems(texts: Sequence[str], field: AnswerField, request: Request) -> list[str]:
    """Everything that is wrong with the texts that answer a request, for one of its slots."""
    count, given = request.counts[field.slot], request.given[field.slot]
    problems = [] if len(texts) == count else [f"{len(texts)} texts instead of {count}"]
    for text in texts:
        problem = text_problem(text, field, request.turn, request.action)
        problems += [problem] if problem else []
    seen = {same_key(text) for text in given}
    for text in texts:
        if same_key(text) in seen:
            problems.append(f"said twice: {text!r}")
        seen.add(same_key(text))
    return problems
