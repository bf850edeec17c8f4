"""What a text that a person writes must satisfy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from zsl_skeleton.artifacts import Card
from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.errors import UsageError
from zsl_skeleton.resources import data_folder
from zsl_skeleton.semantics.bank import Description
from zsl_skeleton.semantics.checks import text_problem
from zsl_skeleton.semantics.prompts import AnswerField, PromptFamily, Turn, load_families
from zsl_skeleton.semantics.words import same_key, word_count

_ANY_LENGTH = (1, 10**6)


@dataclass
class Rules:
    """The rules of the prompt families that the texts of a bank answer; texts of unknown families obey the basic ones.

    Args:
        card: card of the bank.
        prompts: folder of prompt families; None: the packaged one.
    """

    card: Card
    prompts: Path | None = None
    _families: dict[str, PromptFamily | None] = field(default_factory=dict, init=False)

    def action(self, row: Description) -> ActionClass:
        """The class of a row, as far as the bank knows it."""
        persons = self.card.config.get("persons") or [1] * len(self.card.config["class_names"])
        return ActionClass(index=row.class_index, code="", name=row.class_name, persons=persons[row.class_index])

    def asked(self, row: Description) -> tuple[Turn, AnswerField] | None:
        """The turn and answer field that the row fills; None where its family is not known here."""
        family = self._family(row.provenance.family)
        turns = family.card.turns if family else ()
        found = ((turn, answer) for turn in turns for answer in turn.answers if answer.slot == row.slot)
        return next(found, None)

    def _family(self, reference: str) -> PromptFamily | None:
        if reference not in self._families:
            try:
                self._families[reference] = next(
                    iter(load_families(data_folder("prompts", self.prompts), [reference]).values())
                )
            except UsageError:  # imported texts, or a version that is not in this folder
                self._families[reference] = None
        return self._families[reference]

    def broken(self, row: Description) -> str | None:
        """What the family's rules, but for its word limits, have against the text of a row."""
        asked = self.asked(row)
        if asked is None:
            return None
        turn, answer = asked
        return text_problem(row.text, answer.model_copy(update={"words": _ANY_LENGTH}), turn, self.action(row))

    def length_warning(self, row: Description) -> str | None:
        """What the family's word limits have against the text of a row."""
        asked = self.asked(row)
        if asked is None:
            return None
        least, most = asked[1].words
        count = word_count(row.text)
        return None if least <= count <= most else f"{count} words; the prompt asks for {least} to {most}"


def basic_problem(text: str) -> str | None:
    """What no text may be, whatever the family: empty, of several lines, or not plain ASCII."""
    if not text.strip():
        return "the text is empty; to take it out of the bank, reject it"
    if text != " ".join(text.split()) or not (text.isascii() and text.isprintable()):
        return f"not plain one-line ASCII: {text!r}"
    return None


class Said:
    """Finds texts in use that say the same (but for case and punctuation) in the same slot."""

    def __init__(self, rows: Iterable[Description]) -> None:
        self._rows: dict[tuple[str, str], list[Description]] = {}
        for row in rows:
            if row.in_use:
                self._rows.setdefault((row.slot, same_key(row.text)), []).append(row)

    def others(self, row: Description) -> list[Description]:
        """The other texts that say what ``row`` says, those of the same class first."""
        found = [other for other in self._rows.get((row.slot, same_key(row.text)), ()) if other.place != row.place]
        return sorted(found, key=lambda other: other.class_index != row.class_index)
