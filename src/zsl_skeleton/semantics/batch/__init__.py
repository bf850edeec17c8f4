"""OpenAI's Batch API: a batch fills the response cache, and ``generate`` then makes the bank without asking.

A dialogue goes turn by turn, so it takes several rounds: every round hands in all requests that can be asked now.
"""

from __future__ import annotations

from zsl_skeleton.semantics.batch.collect import Collected, Failure, collect, render_collected
from zsl_skeleton.semantics.batch.records import BatchRecord, Origin, read_records
from zsl_skeleton.semantics.batch.status import BatchStatus, render_status, status
from zsl_skeleton.semantics.batch.submit import Submitted, render_submitted, submit

__all__ = [
    "BatchRecord",
    "BatchStatus",
    "Collected",
    "Failure",
    "Origin",
    "Submitted",
    "collect",
    "read_records",
    "render_collected",
    "render_status",
    "render_submitted",
    "status",
    "submit",
]
