"""The dialogue of one class with a backend: turn by turn, each turn seeing the questions and answers before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.semantics.backends import Answer, Backend, Message, Request, UnusableAnswerError
from zsl_skeleton.semantics.bank import Description, Provenance
from zsl_skeleton.semantics.checks import answer_problems
from zsl_skeleton.semantics.prompts import PromptFamily, Turn

_SHOWN_PROBLEMS = 3
_REQUEST_DIGITS = 16


@dataclass
class Dialogue:
    """One class and one family.

    Args:
        backend: who answers.
        family: what is asked.
        dataset: name of the data set.
        action: the class.
        common: the provenance that all texts of the family share.
    """

    backend: Backend
    family: PromptFamily
    dataset: str
    action: ActionClass
    common: Provenance
    _history: list[Message] = field(default_factory=list, init=False)
    _rows: list[Description] = field(default_factory=list, init=False)

    async def run(self) -> list[Description]:
        """Ask all turns and return their texts in the order of the card.

        A turn without a usable answer, and all turns after it, leave one empty row per slot with the state ``failed``
        and the reason.

        Raises:
            BackendError: the backend cannot answer at all.
            InputError: a template cannot be rendered.
        """
        if self.family.card.system:
            system = self.family.render(self.family.card.system, {"action": _plain(self.action)})
            self._history.append(Message("system", system))
        parent: str | None = None
        reason = ""
        for turn in self.family.card.turns:
            if not reason:
                try:
                    await self._turn(turn, parent)
                except UnusableAnswerError as error:
                    reason = f"{error.what} ({error.mend})" if error.mend else error.what
                    self._fail(turn, parent, reason)
                    reason = f"the turn before it failed: {turn.name}"
            else:
                self._fail(turn, parent, reason)
            parent = turn.answers[0].slot
        return self._rows

    async def _turn(self, turn: Turn, parent: str | None) -> None:
        given: dict[str, tuple[str, ...]] = {answer.slot: () for answer in turn.answers}
        rows: list[Description] = []
        for sample, counts in enumerate(turn.calls()):
            question = Message(
                "user", self.family.render(turn.template, template_values(turn, self.action, counts, given))
            )
            messages = (*self._history, question)
            request = Request(self.family.id, turn, self.action, messages, counts, dict(given), sample)
            answer = await self._ask(request)
            digest = None if turn.literal else request.hash(self.backend.fingerprint)[:_REQUEST_DIGITS]
            provenance = self.common.model_copy(update={"parent": parent, "request": digest})
            for slot, texts in answer.texts.items():
                start = len(given[slot])
                rows += [self._row(slot, start + n, text, provenance) for n, text in enumerate(texts)]
                given[slot] += texts
        slots = list(given)
        self._rows += sorted(rows, key=lambda row: (slots.index(row.slot), row.index))
        content = {
            answer.key: given[answer.slot] if answer.texts > 1 else given[answer.slot][0] for answer in turn.answers
        }
        self._history += [question, Message("assistant", json.dumps(content, ensure_ascii=False))]

    async def _ask(self, request: Request) -> Answer:
        if request.turn.literal:
            answer = Answer({field.slot: (request.messages[-1].content,) for field in request.fields})
        else:
            answer = await self.backend.answer(request)
        problems = []
        for answered in request.fields:
            problems += answer_problems(answer.texts.get(answered.slot, ()), answered, request)
        if problems:
            more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
            raise UnusableAnswerError("; ".join(problems[:_SHOWN_PROBLEMS]) + more)
        return answer

    def _fail(self, turn: Turn, parent: str | None, reason: str) -> None:
        provenance = self.common.model_copy(update={"parent": parent, "state": "failed", "reason": reason})
        self._rows += [self._row(answer.slot, 0, "", provenance) for answer in turn.answers]

    def _row(self, slot: str, index: int, text: str, provenance: Provenance) -> Description:
        return Description(
            dataset=self.dataset,
            class_index=self.action.index,
            class_name=self.action.name,
            slot=slot,
            index=index,
            text=text,
            provenance=provenance,
        )


def _plain(action: ActionClass) -> dict[str, Any]:
    # Templates get plain data: no methods to call and nothing to climb out of the sandbox by.
    return {"name": action.name, "persons": action.persons}


def template_values(
    turn: Turn, action: ActionClass, counts: Mapping[str, int], given: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """What the template of a turn may use: see :data:`zsl_skeleton.semantics.prompts.PLACEHOLDERS`."""
    first = turn.answers[0]
    return {
        "action": _plain(action),
        "count": counts[first.slot],
        "least": first.words[0],
        "most": first.words[1],
        "said": list(given[first.slot]),
        "fields": [{"key": answer.key, "slot": answer.slot} for answer in turn.answers],
    }
