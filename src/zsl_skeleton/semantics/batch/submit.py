"""``batch submit``: hands in everything that can be asked now and is not under way already."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_skeleton.errors import BackendError, UsageError
from zsl_skeleton.progress import say
from zsl_skeleton.semantics.backends.connection import HOSTED, server_address
from zsl_skeleton.semantics.backends.dialect import Dialect, Rung
from zsl_skeleton.semantics.backends.faults import KEY
from zsl_skeleton.semantics.backends.prices import load_prices
from zsl_skeleton.semantics.batch.lines import form_of, request_body, request_line, split_lines
from zsl_skeleton.semantics.batch.open_requests import find_open, request_label, with_repair
from zsl_skeleton.semantics.batch.records import (
    BatchRecord,
    Origin,
    former_tries,
    locked,
    read_records,
    record_path,
    write_record,
)
from zsl_skeleton.semantics.batch.server import BatchServer, NoAnswerError
from zsl_skeleton.semantics.generate import GenerateConfig, Plan, plan_bank
from zsl_skeleton.semantics.survey import Asked, estimate

if TYPE_CHECKING:
    from zsl_skeleton.artifacts import Artifact, Store
    from zsl_skeleton.catalog import Dataset


@dataclass(frozen=True)
class Submitted:
    """What was handed in.

    Args:
        batches: id -> number of requests.
        under_way: how many more requests can be asked now but are in batches that were not collected yet.
        given_up: request (for people) -> why its last answer could not be used, after all the repair turns allowed.
        next: the command that comes next.
    """

    batches: Mapping[str, int]
    under_way: int
    given_up: Mapping[str, str]
    next: str


def submit(
    store: Store,
    dataset: Dataset,
    config: GenerateConfig,
    keep: Artifact | None = None,
    catalog: Path | None = None,
) -> Submitted:
    """Hand in all requests that are open now, in as few batches as the API allows.

    A request that is in a batch not yet collected is left out; an answer that could not be used is sent back with what
    was wrong, as often as ``config.options.repairs`` says. Killed at any point, nothing is handed in twice: a batch
    whose id was never heard is found at the server by its mark.

    Args:
        store: where artifacts and the records of batches lie.
        dataset: the classes.
        config: as for ``generate``; the backend is always ``openai``.
        keep: a bank whose edited and approved texts stay.
        catalog: folder that ``dataset`` was loaded from, if not the packaged one.

    Raises:
        UsageError: an option that a batch cannot honour.
        BackendError: the server refuses, has no Batch API, or the price could pass ``max_cost``.
        InputError: prompts, facts or a record are missing or not valid.
    """
    config = _checked(config)
    plan = plan_bank(store, dataset, config, keep)
    families = tuple(family.id for family in plan.families.values())
    origin = Origin(
        dataset=dataset.name,
        config=config,
        families=families,
        catalog=catalog.absolute() if catalog else None,
        keep=keep.path.absolute() if keep else None,
    )
    with locked(store):
        server = BatchServer(server_address(config.options), config.options.timeout)
        try:
            _adopt(store)
            return _submit(store, plan, origin, server)
        finally:
            server.close()


def _checked(config: GenerateConfig) -> GenerateConfig:
    """The configuration as it is recorded: whoever collects may stand in another folder."""
    options, url = config.options, server_address(config.options)
    if options.refresh:
        raise UsageError("a batch cannot --refresh", mend="zsl-semantics generate --backend openai --refresh asks anew")
    if "@" in url:
        raise UsageError("the address of a batch server is recorded, so it may hold no password", mend=f"use {KEY}")
    prices, prompts, facts = (path and path.absolute() for path in (options.prices, config.prompts, config.semantics))
    options = options.model_copy(update={"base_url": url, "prices": prices})
    return config.model_copy(update={"backend": "openai", "options": options, "prompts": prompts, "semantics": facts})


def _adopt(store: Store) -> None:
    """Settle what a killed ``submit`` left: the batch is at the server, or it never got there."""
    for record in [record for record in read_records(store) if record.id is None]:
        server = BatchServer(record.server, record.origin.config.options.timeout)
        try:
            found = server.find(record.mark, record_path(store, record))
        finally:
            server.close()
        if found is not None:
            say(f"{found.id}: was handed in by a command that was stopped")
            write_record(store, record.model_copy(update={"id": found.id, "state": found.status}))
        record_path(store, record).unlink(missing_ok=True)


def _submit(store: Store, plan: Plan, origin: Origin, server: BatchServer) -> Submitted:
    records = read_records(store)
    found = find_open(plan, records, origin.config.options.repairs)
    _check_cost(list(found.free.values()), origin)
    form = _form(records, server.url, plan.backend.model)
    lines = []
    for key, item in found.free.items():
        messages = with_repair(item.request, former_tries(records, key))
        lines.append((key, request_line(key, request_body(item.request, messages, form, plan.backend.fingerprint))))
    batches = {}
    for file in split_lines(lines):
        record = BatchRecord(
            id=None,
            mark=secrets.token_hex(8),
            server=server.url,
            origin=origin,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            requests={key: request_label(found.free[key].request) for key in file},
            rung=form.rung,
            new_limit=form.new_limit,
        )
        batches[_hand_in(store, record, b"".join(file.values()), server)] = len(file)
    waits = batches or found.under_way
    given_up = {request_label(item.request): last.reason for item, last in found.given_up.values()}
    command = "zsl-semantics batch collect" if waits else origin.command("generate")
    return Submitted(batches, len(found.under_way), given_up, command)


def _hand_in(store: Store, record: BatchRecord, content: bytes, server: BatchServer) -> str:
    """Start one batch and write it down, before and after: the server may have it though we never heard so."""
    file = server.upload(content)
    write_record(store, record)
    try:
        batch = server.create(file, record.mark)
    except NoAnswerError:
        raise
    except BackendError:
        record_path(store, record).unlink()
        raise
    write_record(store, record.model_copy(update={"id": batch.id, "state": batch.status}))
    record_path(store, record).unlink(missing_ok=True)
    return batch.id


def _form(records: Sequence[BatchRecord], url: str, model: str | None) -> Dialect:
    """How this server and model want to be asked, as far as former batches have shown."""
    rung, new_limit = int(Rung.SCHEMA), url == HOSTED
    for record in records:
        if record.server == url and record.origin.config.options.model == model and record.collected:
            rung = min(record.rung + (record.refused == "form"), int(Rung.PLAIN))
            new_limit = record.new_limit != (record.refused == "limit")
    return form_of(rung, new_limit)


def _check_cost(asked: Sequence[Asked], origin: Origin) -> None:
    options = origin.config.options
    if options.max_cost is None or not asked:
        return
    prices = load_prices(options.prices)
    costs = [row.cost and row.cost * prices.batch for row in estimate(asked, options.model, options)]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        raise BackendError(
            f"--max-cost cannot be kept: the price of the model {options.model!r} is unknown",
            why=f"the price table of {prices.dated} does not list it; nothing was sent",
            mend="name a table that lists it (--prices prices.yaml), or leave --max-cost out",
        )
    if sum(known) > options.max_cost:
        raise BackendError(
            f"these requests could pass --max-cost {options.max_cost:g}",
            why=f"they may cost ${sum(known):.4f}; nothing was sent",
            mend="name a higher --max-cost, or hand in one family at a time with --family",
        )


def render_submitted(result: Submitted) -> str:
    """What :func:`submit` did, for people."""
    lines = [f"{name}: {count} requests" for name, count in result.batches.items()]
    lines = lines or ["nothing was handed in"]
    if result.under_way:
        lines.append(f"{result.under_way} open requests are in batches that were not collected yet")
    for label, reason in result.given_up.items():
        lines.append(f"given up: {label}: {reason}")
    return "\n".join([*lines, f"next: {result.next}"])
