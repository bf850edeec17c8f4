"""What can be asked now, and what must not be asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_skeleton.semantics.backends import Message, Request
from zsl_skeleton.semantics.backends.answers import read_answer, repair_messages
from zsl_skeleton.semantics.batch.records import BatchRecord, Try, former_tries
from zsl_skeleton.semantics.generate import Plan
from zsl_skeleton.semantics.survey import Asked, survey


@dataclass(frozen=True)
class Open:
    """The requests that can be asked now, by key.

    Args:
        free: those to hand in.
        under_way: those in a batch that was not collected.
        given_up: those whose answer could not be used after all the repair turns allowed -> the last answer.
    """

    free: dict[str, Asked]
    under_way: dict[str, Asked]
    given_up: dict[str, tuple[Asked, Try]]


def find_open(plan: Plan, records: Sequence[BatchRecord], repairs: int) -> Open:
    """Hold all dialogues from the cache; where one stops, a request is open.

    Args:
        plan: what is to be made.
        records: all batches so far.
        repairs: how often an unusable answer is sent back.
    """
    handed_in = {key for record in records if not record.collected for key in record.requests}
    found = Open({}, {}, {})
    for item in survey(plan, through=False):
        if item.cached:
            continue
        tries = former_tries(records, item.key)
        if item.key in handed_in:
            found.under_way[item.key] = item
        elif len(tries) > repairs:
            found.given_up[item.key] = item, tries[-1]
        else:
            found.free[item.key] = item
    return found


def request_label(request: Request) -> str:
    """A request in words."""
    call = f", call {request.sample + 1}" if request.sample else ""
    return f"{request.action.name}: {request.family}, {request.turn.name}{call}"


def with_repair(request: Request, tries: Sequence[Try]) -> tuple[Message, ...]:
    """The question, and, where the model's last answer was of no use, that answer with what was wrong."""
    mendable = [item for item in tries if item.mendable]
    if not mendable:
        return request.messages
    text = mendable[-1].text
    return (*request.messages, *repair_messages(text, read_answer(text, request)[1]))
