"""``batch collect``: fetches what batches answered and puts into the response cache what passes the checks."""

from __future__ import annotations

from dataclasses import dataclass, field

from zsl_skeleton.artifacts import Store
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.progress import track
from zsl_skeleton.semantics.backends.chat import add_known
from zsl_skeleton.semantics.backends.prices import load_prices
from zsl_skeleton.semantics.batch.checking import Checker
from zsl_skeleton.semantics.batch.lines import AnswerLine, read_answer_lines
from zsl_skeleton.semantics.batch.open_requests import find_open
from zsl_skeleton.semantics.batch.records import (
    BatchRecord,
    Origin,
    locked,
    read_records,
    record_path,
    write_record,
)
from zsl_skeleton.semantics.batch.server import Batch, BatchServer
from zsl_skeleton.semantics.survey import survey

_SHOWN = 10


@dataclass(frozen=True)
class Failure:
    """What cannot be used. ``about``: the request, in words, or ``"the batch"``."""

    batch: str
    about: str
    reason: str


@dataclass
class Collected:
    """What was fetched.

    Args:
        batches: ids of the batches that are done with.
        waiting: ids of those that are not finished at the server -> their state there.
        answered: sound answers that are now in the response cache.
        prompt_tokens, completion_tokens: what the new ones took; None where the server did not count.
        cost: US dollars at the price of batches; None: unknown.
        failures: what cannot be used, and why.
        next: the commands that come next, one per bank that the batches are for.
    """

    batches: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    answered: int = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    cost: float | None = 0.0
    failures: list[Failure] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


def collect(store: Store) -> Collected:
    """Fetch the answers of all recorded batches that are finished at their servers.

    Every answer is checked as a live one is, and goes into the response cache under the key of its request. What
    cannot be used is written into the record of the batch; the next ``submit`` asks again and says what was wrong.
    Killed at any point, the same command fetches again what it was at.

    Raises:
        BackendError: a server cannot be asked, or does not know a batch.
        InputError: a record, the prompts, the data set or the response cache cannot be read.
    """
    result = Collected()
    with locked(store):
        records = [record for record in read_records(store) if not record.collected and record.id]
        for record in track(records, "batches"):
            server = BatchServer(record.server, record.origin.config.options.timeout)
            try:
                batch = server.batch(str(record.id), record_path(store, record))
                if batch.ended:
                    _collect(store, record, batch, server, result)
                else:
                    result.waiting[batch.id] = batch.status
            finally:
                server.close()
        origins = {record.origin.command("generate"): record.origin for record in records}
        result.next = list(dict.fromkeys(_next(store, origin) for origin in origins.values()))
    return result


def _collect(store: Store, record: BatchRecord, batch: Batch, server: BatchServer, result: Collected) -> None:
    lines, problems = _download(batch, server)
    problems += batch.problems
    problems += [f"it answers {key[:80]!r}, which was not asked" for key in lines if key not in record.requests]
    result.failures += [Failure(batch.id, "the batch", problem) for problem in problems]
    plan = record.origin.plan(store)
    requests = {item.key: item.request for item in survey(plan, through=False)}
    cache = open_text_cache(store.root / ".cache" / "responses", "response cache")
    changed = record.model_copy(deep=True, update={"state": batch.status, "collected": True})
    checker = Checker(plan.backend.fingerprint, cache, requests, changed, read_records(store))
    try:
        for key, label in track(record.requests.items(), f"{batch.id}: answers"):
            reason = checker.check(key, lines.get(key))
            if reason is not None:
                unasked = key not in lines and batch.status != "completed"
                result.failures.append(Failure(batch.id, label, f"the batch is {batch.status}" if unasked else reason))
    finally:
        cache.close()
    write_record(store, changed)
    _count(result, changed, checker)


def _count(result: Collected, record: BatchRecord, checker: Checker) -> None:
    result.batches.append(str(record.id))
    result.answered += record.answered
    result.prompt_tokens = add_known([result.prompt_tokens, checker.prompt_tokens])
    result.completion_tokens = add_known([result.completion_tokens, checker.completion_tokens])
    options = record.origin.config.options
    tokens = checker.prompt_tokens, checker.completion_tokens
    cost = load_prices(options.prices).cost(options.model or "", *tokens, batch=True)
    result.cost = None if cost is None or result.cost is None else result.cost + cost


def _download(batch: Batch, server: BatchServer) -> tuple[dict[str, AnswerLine], list[str]]:
    """Lines by key of the output file and of the error file, and what is wrong with them."""
    lines: dict[str, AnswerLine] = {}
    problems = []
    for name in filter(None, (batch.output_file_id, batch.error_file_id)):
        content = server.content(name)
        if content is None:
            problems.append(f"the server has deleted the file {name}")
            continue
        found, wrong = read_answer_lines(content)
        lines = found | lines
        problems += [f"{name}, {problem}" for problem in wrong]
    return lines, problems


def _next(store: Store, origin: Origin) -> str:
    found = find_open(origin.plan(store), read_records(store), origin.config.options.repairs)
    if found.free:
        return origin.command("batch submit")
    return "zsl-semantics batch collect" if found.under_way else origin.command("generate")


def render_collected(result: Collected) -> str:
    """What :func:`collect` found, for people."""
    if not result.batches and not result.waiting:
        return "there is nothing to collect"
    lines = [f"{name}: {state} at the server" for name, state in result.waiting.items()]
    if result.batches:
        cost = "an unknown price" if result.cost is None else f"${result.cost:.4f}"
        tokens = f"{_number(result.prompt_tokens)} + {_number(result.completion_tokens)} tokens, {cost}"
        lines.append(f"{', '.join(result.batches)}: {result.answered} sound answers ({tokens})")
    lines += [f"failed: {failure.about}: {failure.reason}" for failure in result.failures[:_SHOWN]]
    if len(result.failures) > _SHOWN:
        lines.append(f"failed: {len(result.failures) - _SHOWN} more (--json lists them)")
    return "\n".join([*lines, *(f"next: {command}" for command in result.next)])


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)
