"""``batch status``: what the servers say of the batches that were handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_skeleton.artifacts import Store
from zsl_skeleton.semantics.batch.records import BatchRecord, read_records, record_path
from zsl_skeleton.semantics.batch.server import BatchServer, Counts


@dataclass(frozen=True)
class BatchStatus:
    """One batch.

    Args:
        id: at the server; None: whether it arrived there is not known, the next ``submit`` finds out.
        dataset: name of the data set.
        at: when it was handed in (UTC).
        state: the server's word for it.
        total, completed, failed: requests.
        problems: why the server did not take it.
        collected: whether its answers were fetched; then nobody is asked about it.
    """

    id: str | None
    dataset: str
    at: str
    state: str
    total: int
    completed: int
    failed: int
    problems: tuple[str, ...]
    collected: bool


def status(store: Store) -> list[BatchStatus]:
    """All recorded batches, oldest first; the servers are asked about those that were not collected.

    Raises:
        BackendError: a server cannot be asked, or does not know one of them.
        InputError: a record cannot be read.
    """
    return [_status(store, record) for record in read_records(store)]


def _status(store: Store, record: BatchRecord) -> BatchStatus:
    state, problems = record.state, list[str]()
    completed, failed = record.answered, len(record.tries)
    if record.id is not None and not record.collected:
        server = BatchServer(record.server, record.origin.config.options.timeout)
        try:
            batch = server.batch(record.id, record_path(store, record))
        finally:
            server.close()
        state, problems, counts = batch.status, batch.problems, batch.request_counts or Counts()
        completed, failed = counts.completed, counts.failed
    return BatchStatus(
        id=record.id,
        dataset=record.origin.dataset,
        at=record.at,
        state=state,
        total=len(record.requests),
        completed=completed,
        failed=failed,
        problems=tuple(problems),
        collected=record.collected,
    )


def render_status(batches: Sequence[BatchStatus]) -> str:
    """The table of :func:`status`, for people, with the command that comes next."""
    if not batches:
        return "no batch was handed in\nnext: zsl-semantics batch submit --dataset DATASET --model MODEL"
    width = max(len(batch.id or "?") for batch in batches)
    lines = [f"{'batch':<{width}}  {'data set':<14}{'state':<14}{'requests':>9}{'done':>8}{'failed':>8}  handed in"]
    for batch in batches:
        state = "collected" if batch.collected else batch.state
        numbers = f"{batch.total:>9}{batch.completed:>8}{batch.failed:>8}"
        lines.append(f"{batch.id or '?':<{width}}  {batch.dataset:<14}{state:<14}{numbers}  {batch.at[:16]}")
        lines += [f"  {problem}" for problem in batch.problems]
    if not all(batch.collected for batch in batches):
        lines.append("next: zsl-semantics batch collect")
    return "\n".join(lines)
