"""The dialogue of one class with a backend: turn by turn, each turn seeing the questions and answers before it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zsl_skeleton.catalog import ActionClass
from zsl_skeleton.errors import some_of
from zsl_skeleton.semantics.backends import Answer, Message, Request, UnusableAnswerError
from zsl_skeleton.semantics.bank import Description, Provenance
from zsl_skeleton.semantics.checks import answer_problems
from zsl_skeleton.semantics.prompts import PromptFamily, Turn

_SHOWN_PROBLEMS = 3
_REQUEST_DIGITS = 16


@dataclass(frozen=True)
class Past:
    """What people decided about texts of an earlier bank.

    Args:
        kept: (class index, slot, number) -> a text that stays as it is.
        rejected: (class index, slot) -> texts that must not come again.
    """

    kept: Mapping[tuple[int, str, int], Description] = field(default_factory=dict)
    rejected: Mapping[tuple[int, str], tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Dialogue:
    """One class and one family.

    Args:
        ask: hands a request to the backend.
        fingerprint: who answers, for the hash of the requests.
        family: what is asked.
        dataset: name of the data set.
        action: the class.
        common: the provenance that all texts of the family share.
        past: texts that stay, and texts that must not come again.
    """

    ask: Callable[[Request], Awaitable[Answer]]
    fingerprint: Mapping[str, Any]
    family: PromptFamily
    dataset: str
    action: ActionClass
    common: Provenance
    past: Past = field(default_factory=Past)
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
        kept = {answer.slot: self._kept(answer.slot, answer.texts) for answer in turn.answers}
        free = {
            slot: [n for n in range(total) if n not in kept[slot]]
            for slot, total in ((answer.slot, answer.texts) for answer in turn.answers)
        }
        rows = [row for found in kept.values() for row in found.values()]
        wrong = {slot: self.past.rejected.get((self.action.index, slot), ()) for slot in free}
        # What was rejected was a call, too: the same question must not get the same answer from the cache.
        calls = sum(map(len, wrong.values()))
        given = {slot: (*wrong[slot], *(row.text for row in found.values())) for slot, found in kept.items()}
        for sample, counts in enumerate(turn.calls({slot: len(numbers) for slot, numbers in free.items()}), calls):
            request = self._request(turn, counts, given, sample)
            answer = await self._answer(request)
            digest = None if turn.literal else request.hash(self.fingerprint)[:_REQUEST_DIGITS]
            provenance = self.common.model_copy(update={"parent": parent, "request": digest})
            for slot, texts in answer.texts.items():
                rows += [self._row(slot, free[slot].pop(0), text, provenance) for text in texts]
                given[slot] += texts
        slots = list(given)
        rows.sort(key=lambda row: (slots.index(row.slot), row.index))
        self._rows += rows
        self._remember(turn, rows)

    def _kept(self, slot: str, total: int) -> dict[int, Description]:
        found = ((number, self.past.kept.get((self.action.index, slot, number))) for number in range(total))
        return {number: row for number, row in found if row is not None}

    def _request(
        self, turn: Turn, counts: Mapping[str, int], given: Mapping[str, tuple[str, ...]], sample: int
    ) -> Request:
        question = self.family.render(turn.template, template_values(turn, self.action, counts, given))
        messages = (*self._history, Message("user", question))
        return Request(self.family.id, turn, self.action, messages, counts, dict(given), sample)

    async def _answer(self, request: Request) -> Answer:
        if request.turn.literal:
            answer = Answer({field.slot: (request.messages[-1].content,) for field in request.fields})
        else:
            answer = await self.ask(request)
        problems = []
        for answered in request.fields:
            problems += answer_problems(answer.texts.get(answered.slot, ()), answered, request)
        if problems:
            raise UnusableAnswerError(some_of(problems, _SHOWN_PROBLEMS))
        return answer

    def _remember(self, turn: Turn, rows: list[Description]) -> None:
        """Add the turn to the dialogue as if all its texts had been asked for and given at once."""
        counts = {answer.slot: answer.texts for answer in turn.answers}
        whole = self._request(turn, counts, dict.fromkeys(counts, ()), 0)
        texts = {slot: [row.text for row in rows if row.slot == slot] for slot in counts}
        content = {
            answer.key: texts[answer.slot] if answer.texts > 1 else texts[answer.slot][0] for answer in turn.answers
        }
        self._history += [whole.messages[-1], Message("assistant", json.dumps(content, ensure_ascii=False))]

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
    asked = [answer for answer in turn.answers if counts.get(answer.slot)]
    first = asked[0]
    return {
        "action": _plain(action),
        "count": counts[first.slot],
        "least": first.words[0],
        "most": first.words[1],
        "said": list(given[first.slot]),
        "fields": [{"key": answer.key, "slot": answer.slot} for answer in asked],
    }
