"""The files and batches of a server that has OpenAI's Batch API."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError

from zsl_skeleton.errors import BackendError
from zsl_skeleton.semantics.backends.connection import Connection
from zsl_skeleton.semantics.backends.faults import KEY, connection_fault, status_fault
from zsl_skeleton.semantics.backends.find_json import shorten

if TYPE_CHECKING:
    from openai import OpenAI

ENDPOINT: Final = "/v1/chat/completions"
MARK = "zsl_skeleton"
_AGAIN = "run the same command again later; nothing is handed in or paid twice"
_ABSENT = (404, 405, 501)
_PAGE = 100
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"  # goes into file names and addresses

M = TypeVar("M", bound=BaseModel)


class NoAnswerError(BackendError):
    """Nobody knows whether the server got the call."""


class Counts(BaseModel):
    """How many requests a batch has, and how many of them are done."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class _Problem(BaseModel):
    message: str | None = None
    code: str | None = None
    line: int | None = None


class _Problems(BaseModel):
    data: list[_Problem] | None = None


class Batch(BaseModel):
    """What the server says of a batch."""

    id: str = Field(pattern=_ID)
    status: str
    output_file_id: str | None = Field(default=None, pattern=_ID)
    error_file_id: str | None = Field(default=None, pattern=_ID)
    request_counts: Counts | None = None
    errors: _Problems | None = None
    metadata: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status in ("completed", "failed", "expired", "cancelled")

    @property
    def problems(self) -> list[str]:
        """Why the server did not take it, one line each."""
        found = (self.errors.data or []) if self.errors else []
        places = [f"line {item.line}: " if item.line is not None else "" for item in found]
        return [place + shorten(item.message or item.code or "") for place, item in zip(places, found, strict=True)]


class _File(BaseModel):
    id: str = Field(pattern=_ID)


class _Page(BaseModel):
    data: list[Batch]
    has_more: bool = False


class BatchServer:
    """A server with the Batch API; the key comes from ``OPENAI_API_KEY``.

    Every method raises BackendError where the server cannot be reached, has no Batch API, or refuses.

    Args:
        url: address, as of ``server_address``.
        timeout: seconds until a call is given up.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self._key = os.environ.get(KEY, "").strip() or None
        self._timeout = timeout
        self._words = Connection(url, self._key, timeout)  # checks the key, and keeps it out of messages
        self._client: OpenAI | None = None

    def upload(self, lines: bytes) -> str:
        """Send an input file.

        Returns:
            Its id.
        """
        return self._ask(
            lambda client: client.files.with_raw_response.create(file=("requests.jsonl", lines), purpose="batch"), _File
        ).id

    def create(self, file: str, mark: str) -> Batch:
        """Start a batch. Sent once only: whether a call without an answer arrived is found out by :meth:`find`."""

        def work(client: OpenAI) -> Any:
            return client.with_options(max_retries=0).batches.with_raw_response.create(
                input_file_id=file, endpoint=ENDPOINT, completion_window="24h", metadata={MARK: mark}
            )

        return self._ask(work, Batch)

    def batch(self, name: str, record: object) -> Batch:
        """What the server says of a batch; ``record`` is named where it says that there is none."""
        missing = BackendError(
            f"{self._words.address} does not know the batch {name}",
            why="it belongs to another key or project, or the server forgot it",
            mend=f"export {KEY}=... (the one it was handed in with), or hand its requests in again: rm {record}",
        )
        return self._ask(lambda client: client.batches.with_raw_response.retrieve(name), Batch, missing)

    def find(self, mark: str, record: object) -> Batch | None:
        """The batch that was handed in under ``mark``; None if it never arrived. ``record`` is named in the error."""
        missing = BackendError(
            f"{self._words.address} cannot list its batches, so whether one arrived there is not known",
            why="the command that handed it in was stopped before the server answered",
            mend=f"if you are sure that it did not arrive: rm {record}",
        )
        after: dict[str, Any] = {}

        def work(client: OpenAI) -> Any:
            return client.batches.with_raw_response.list(limit=_PAGE, **after)

        while True:
            page = self._ask(work, _Page, missing)
            for batch in page.data:
                if (batch.metadata or {}).get(MARK) == mark:
                    return batch
            if not page.has_more or not page.data or after.get("after") == page.data[-1].id:
                return None
            after["after"] = page.data[-1].id

    def content(self, file: str) -> bytes | None:
        """A file; None if the server has deleted it."""
        missing = BackendError("")
        try:
            return self._bytes(lambda client: client.files.with_raw_response.content(file), missing)
        except BackendError as error:
            if error is missing:
                return None
            raise

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _ask(self, work: Callable[[OpenAI], Any], model: type[M], missing: BackendError | None = None) -> M:
        body = self._bytes(work, missing)
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            start = self._words.quoted(body[:200].decode("utf-8", "replace"))
            why = f"{error.errors()[0]['msg']}; its answer begins: {start}"
            raise self._no_api(why) from None

    def _bytes(self, work: Callable[[OpenAI], Any], missing: BackendError | None) -> bytes:
        import openai

        try:
            content: bytes = work(self._open()).http_response.content
        except openai.APIStatusError as error:
            fault = status_fault(error, {}, self._key is not None)
            why = self._words.quoted(fault.why)
            if error.status_code in _ABSENT:
                raise missing or self._no_api(why or f"HTTP {error.status_code}") from None
            kind = NoAnswerError if error.status_code >= 500 else BackendError
            raise kind(fault.what, why=why, mend=fault.mend or _AGAIN) from None
        except openai.APIConnectionError as error:
            fault = connection_fault(error, self._words.address, heard=False)
            raise NoAnswerError(fault.what, why=self._words.quoted(fault.why), mend=fault.mend or _AGAIN) from None
        except openai.OpenAIError as error:
            raise BackendError("the call failed", why=self._words.quoted(str(error)), mend=_AGAIN) from None
        return content

    def _no_api(self, why: str) -> BackendError:
        return BackendError(
            f"{self._words.address} has no Batch API",
            why=why,
            mend="ask it directly: zsl-semantics generate --backend openai (as many at a time as --max-concurrency)",
        )

    def _open(self) -> OpenAI:
        if self._client is None:
            from openai import OpenAI

            self._client = OpenAI(api_key=self._key or "none", base_url=self.url, timeout=self._timeout)
        return self._client
