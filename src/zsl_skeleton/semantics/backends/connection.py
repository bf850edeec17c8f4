"""One server over HTTP: sends a chat completion once and tells what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from zsl_skeleton.errors import BackendError, UsageError
from zsl_skeleton.semantics.backends.chat import Reply
from zsl_skeleton.semantics.backends.completion import model_ids, read_completion
from zsl_skeleton.semantics.backends.faults import KEY, CallError, connection_fault, status_fault, timeout_fault
from zsl_skeleton.semantics.backends.find_json import shorten
from zsl_skeleton.semantics.options import Options

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HOSTED = "https://api.openai.com/v1"
_ADDRESS = "OPENAI_BASE_URL"
_CONNECT = 10.0  # seconds
_SECRET = 6  # characters; a shorter "key" is a placeholder such as x, and replacing it would garble every message
_RAW = "X-Stainless-Raw-Response"  # makes the client hand out the response as it came


class Connection:
    """A server that speaks the chat completions of OpenAI.

    Args:
        url: from :func:`server_address`.
        key: None: the server needs none.
        timeout: seconds until a call is given up.

    Attributes:
        address: the url as it may be shown, without a password.
        heard: whether the server has given a proper answer.

    Raises:
        BackendError: the key cannot be a key.
    """

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        self.url = url
        self.address = _without_password(url)
        self.heard = False
        self._key = _sound(key)
        self._timeout = timeout
        self._client: AsyncOpenAI | None = None

    async def send(self, asked: Mapping[str, Any]) -> Reply:
        """Send the arguments of one chat completion, once.

        Raises:
            CallError: there is no answer, or one that cannot be read.
        """
        import openai

        try:
            # The client's own timeout is one per packet; a server that trickles would never run into it.
            async with asyncio.timeout(self._timeout):
                body = await self._post(asked)
            reply = read_completion(body, self.heard)
        except TimeoutError:
            raise timeout_fault(self._timeout, self.heard) from None
        except openai.APIConnectionError as error:
            if isinstance(error, openai.APITimeoutError) and type(error.__cause__).__name__ != "ConnectTimeout":
                raise timeout_fault(self._timeout, self.heard) from None
            raise connection_fault(error, self.address, self.heard) from None
        except openai.APIStatusError as error:
            raise status_fault(error, asked, self._key is not None) from None
        except openai.OpenAIError as error:
            raise CallError("the call failed", why=str(error)) from None
        self.heard = True
        return reply

    async def _post(self, asked: Mapping[str, Any]) -> bytes:
        # Below the typed interface, which walks through every request and guesses at every answer: it would take a
        # third of the time that a request costs us, and hide what the server really sent.
        response: Any = await self._open().post(
            "/chat/completions", body=dict(asked), cast_to=object, options={"headers": {_RAW: "true"}}
        )
        content: bytes = response.http_response.content
        return content

    async def models(self) -> list[str]:
        """Ids of the models that the server has; empty if it does not tell."""
        import openai

        try:
            async with asyncio.timeout(min(self._timeout, _CONNECT)):
                response = await self._open().models.with_raw_response.list()
        except (TimeoutError, openai.OpenAIError):
            return []
        return model_ids(response.http_response.content)

    def quoted(self, text: str) -> str:
        """A server's words on one line, without the key that it may repeat."""
        secret = self._key is not None and len(self._key) >= _SECRET
        return shorten(text.replace(self._key or "", "[key]") if secret else text)

    async def close(self) -> None:
        """Close all connections; :meth:`send` opens new ones, in whatever event loop it runs."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI, Timeout

            self._client = AsyncOpenAI(
                api_key=self._key or "none",  # the client wants one, the server does not
                base_url=self.url,
                timeout=Timeout(self._timeout, connect=min(self._timeout, _CONNECT)),
                max_retries=0,  # counted against the rate limits, so done where they are known
            )
        return self._client


def server_address(options: Options) -> str:
    """``--base-url``, or else ``OPENAI_BASE_URL``, or else the hosted service.

    Raises:
        UsageError: it is not an address.
    """
    url = (options.base_url or os.environ.get(_ADDRESS, "")).strip().rstrip("/") or HOSTED
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        sound = False
    if not sound:
        where = "--base-url" if options.base_url else _ADDRESS
        raise UsageError(
            f"{where} {url!r} is not the address of a server", mend="write it like http://localhost:8000/v1"
        )
    return url


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _sound(key: str | None) -> str | None:
    # Checked here because a client that cannot put it into a header quotes it in the error.
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise BackendError(
            f"the value of {KEY} cannot be a key",
            why="it holds blanks or characters that are not ASCII",
            mend=f"export {KEY}=... (copy it again)",
        )
    return key
