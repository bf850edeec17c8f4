"""What can go wrong with a call over HTTP, whom it concerns, and whether sending it again may help."""

from __future__ import annotations

import difflib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError

KEY = "OPENAI_API_KEY"
_MANY = 5
_SHOWN_MODELS = 20
_NOT_TAKEN = re.compile(r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|not permitted|not allowed|extra")
_FORMAT = re.compile(r"response_format|json_schema|json_object|guided|grammar|structured output|schema")
_TOO_LONG = re.compile(r"context_length|context length|context window|maximum context|context size|prompt is too long")
_WITHHELD = re.compile(r"content_filter|content_policy|content management policy")
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|insufficient.balance|billing")


@dataclass(eq=False)
class CallError(Exception):
    """A call that failed.

    Args:
        what, why, mend: as in :class:`~zsl_skeleton.errors.ZslError`.
        retries: how often sending it again may help.
        wait: seconds that the server asks to wait.
        busy: the server has too much to do; while it answers others, waiting helps.
        everyone: every other call would fail, too.
        alone: no other call is concerned; such a failure says nothing of the server.
        form_after: from this attempt on (from 0) it may be the way of asking for the form that the server cannot bear.
    """

    what: str
    why: str = ""
    mend: str = ""
    retries: int = 0
    wait: float | None = None
    busy: bool = False
    everyone: bool = False
    alone: bool = False
    form_after: int | None = None

    def may_be_form(self, attempt: int) -> bool:
        """Whether the same call in another form may succeed."""
        return self.form_after is not None and attempt >= self.form_after


class FormatRefusedError(CallError):
    """The server does not take this way of asking for the form of the answer."""


class LimitNameError(CallError):
    """The server calls the limit of tokens by its other name."""


class UnknownModelError(CallError):
    """The server does not know the model, or the address is wrong."""


def missing_model_fault(model: str, address: str, known: Sequence[str], said: str) -> CallError:
    """The server has no such model, or there is no such server."""
    if known and model not in known:
        close = difflib.get_close_matches(model, known, n=1, cutoff=0.0)[0]
        shown = ", ".join(known[:_SHOWN_MODELS]) + (", ..." if len(known) > _SHOWN_MODELS else "")
        what, why, mend = f"{address} has no model {model!r}", f"it has: {shown}", f"name another one: --model {close}"
        return CallError(what, why=why, mend=mend, everyone=True)
    mend = f"check --model, and --base-url, which usually ends in /v1: curl {address}/models"
    return CallError(
        f"{address} does not answer for the model {model!r} (HTTP 404)", why=said, mend=mend, everyone=True
    )


def timeout_fault(seconds: float, heard: bool) -> CallError:
    """Nobody answered in time; ``heard``: the server has answered before."""
    return CallError(
        f"no answer within {seconds:g} seconds",
        mend="allow more with --timeout, or ask less at a time with --max-concurrency",
        retries=1,
        everyone=not heard,
    )


def connection_fault(error: APIConnectionError, address: str, heard: bool) -> CallError:
    """No connection, or one that broke; ``heard``: the server has answered before."""
    causes = list(_causes(error))
    mend = f"start the server, or check --base-url: curl {address}/models"
    why = "; ".join(dict.fromkeys(str(cause) for cause in causes[1:] if str(cause))) or str(error)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        mend = "check --base-url (http:// or https://?); for a certificate of your own set SSL_CERT_FILE=FILE"
        return CallError(f"no secure connection to {address}", why=why, mend=mend, everyone=True)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return CallError(f"the address {address} is not known", why=why, mend=mend, retries=1, everyone=True)
    if any(type(cause).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol") for cause in causes):
        # One that was there a moment ago may be starting again.
        return CallError(f"no server at {address}", why=why, mend=mend, retries=_MANY if heard else 2, everyone=True)
    return CallError("the server broke the connection off before the answer was whole", why=why, retries=3)


def status_fault(error: APIStatusError, asked: Mapping[str, Any], with_key: bool) -> CallError:
    """A status of 400 or more.

    Args:
        error: what the client raised.
        asked: the arguments that were sent.
        with_key: whether a key was sent.
    """
    status, said = error.status_code, server_words(error)
    if status in (401, 403):
        return _key_fault(status, said, with_key)
    if status == 402 or (status == 429 and _QUOTA.search(said.lower())):
        mend = "top up the account, or ask another server with --base-url; what was answered is not asked again"
        return CallError("the account at the server is used up", why=said, mend=mend, everyone=True)
    if status == 404 or "model_not_found" in said:
        return UnknownModelError("", why=said, everyone=True)
    wait = _wait(error)
    if status == 429:
        mend = "keep below the server's limits with --requests-per-minute, --tokens-per-minute or --max-concurrency"
        what = "the server's rate limit is reached"
        return CallError(what, why=said, mend=mend, retries=_MANY, wait=wait, busy=True, everyone=True)
    if status in (408, 409, 425) or status >= 500:
        form_after = {500: 1, 501: 0}.get(status)  # llama.cpp answers 500 to a schema it cannot compile
        what = f"the server failed (HTTP {status})"
        return CallError(what, why=said, retries=_MANY, wait=wait, busy=status in (503, 529), form_after=form_after)
    if status in (400, 413, 415, 422):
        return _request_fault(status, said, asked)
    return CallError(f"the server refused (HTTP {status})", why=said, mend="check --base-url", everyone=True)


def _key_fault(status: int, said: str, with_key: bool) -> CallError:
    mend = f"export {KEY}=... (a key of this server)"
    if not with_key:
        return CallError(f"the server asks for a key, but {KEY} is not set", mend=mend, everyone=True)
    if status == 401:  # its words are not quoted: servers repeat parts of the key
        return CallError(f"the server refuses the key in {KEY} (HTTP 401)", mend=mend, everyone=True)
    what = f"the key in {KEY} may not be used for this (HTTP 403)"
    return CallError(what, why=said, mend=f"{mend}, or another --model", everyone=True)


def _request_fault(status: int, said: str, asked: Mapping[str, Any]) -> CallError:
    """The server does not like the request: its form, a parameter, or its content."""
    lower = said.lower()
    what = f"the server refused the request (HTTP {status})"
    if _TOO_LONG.search(lower) or status == 413:
        mend = "ask for fewer texts per call (per_call in card.yaml), or use a model with a longer context"
        return CallError("the dialogue is too long for the model", why=said, mend=mend, alone=True)
    if _WITHHELD.search(lower):
        mend = "edit the prompt, or ask another model"
        return CallError("the server's content filter refused the prompt", why=said, mend=mend, alone=True)
    named = [name for name in ("max_tokens", "max_completion_tokens") if name in asked]
    if named and named[0] in lower:
        if _NOT_TAKEN.search(lower):
            return LimitNameError(what, why=said, mend="leave out --max-tokens", everyone=True)
        return CallError(what, why=said, mend="choose another --max-tokens", everyone=True)
    for name in ("temperature", "top_p", "seed"):
        if name in asked and re.search(rf"\b{name}\b", lower):
            # Left out silently, the answers would be recorded under a parameter that they do not have.
            mend = f"leave out --{name.replace('_', '-')}, or change it"
            return CallError(f"the server does not take {name}={asked[name]}", why=said, mend=mend, everyone=True)
    if "response_format" in asked and (_FORMAT.search(lower) or not lower):
        return FormatRefusedError(what, why=said)
    return CallError(what, why=said, form_after=0)


def server_words(error: APIStatusError) -> str:
    """What the server says of an error, as far as it says anything."""
    body = error.body
    if isinstance(body, dict):
        detail = body.get("detail")
        if isinstance(detail, list):  # FastAPI; its "input" would repeat the whole prompt
            pairs = [(item.get("loc", ()), item.get("msg", "")) for item in detail if isinstance(item, dict)]
            return "; ".join(f"{'.'.join(map(str, loc))}: {message}" for loc, message in pairs)
        parts = [body.get("message") or body.get("error") or detail, body.get("code")]
        return "; ".join(str(part) for part in parts if part)
    return str(body or "")


def _wait(error: APIStatusError) -> float | None:
    """Seconds of ``retry-after``; dates and nonsense are left to our own backoff."""
    for header, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(error.response.headers[header]) / divisor
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
