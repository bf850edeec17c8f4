"""A chat-completions server on 127.0.0.1 that does exactly what a test tells it, mistakes of the wire included."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Seen:
    """A request as it came in; ``number`` counts those for completions from 0."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def form(self) -> str | None:
        return self.body.get("response_format", {}).get("type")


@dataclass(frozen=True)
class Scripted:
    """What to answer: status, body, headers; how late; and what becomes of the connection.

    ``sent`` bytes of the body are sent (None: all) before the connection is kept, closed, reset, or left hanging.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    sent: int | None = None
    then: Literal["keep", "close", "reset", "hang"] = "keep"
    chunked: bool = False


Script = Callable[[Seen], Scripted]


def completion(text: str | None, finish: str | None = "stop", **changed: Any) -> Scripted:
    """A proper chat completion with this text; ``changed`` replaces top-level keys (None: leaves them out)."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny-2025-01-01",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    } | changed
    return document({key: value for key, value in body.items() if value is not None})


def document(body: Any, status: int = 200, **headers: str) -> Scripted:
    """A JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(status, json.dumps(body).encode(), {"content-type": "application/json"} | named)


def failure(status: int, message: str = "", code: str | None = None, **headers: str) -> Scripted:
    """An error as OpenAI words it."""
    return document(
        {"error": {"message": message, "type": "some_error", "param": None, "code": code}}, status, **headers
    )


class ScriptedServer:
    """Runs in a thread of its own; ``script`` may be replaced at any time."""

    def __init__(self, script: Script, port: int = 0) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.under_way = self.most_under_way = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> list[Seen]:
        """The chat completions among what was seen."""
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions")]

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", self.port))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await self._read(reader)) is not None:
                self.seen.append(seen)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                try:
                    scripted = self.script(seen)
                    await asyncio.sleep(scripted.delay)
                finally:
                    self.under_way -= 1
                if not await self._write(writer, scripted):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()  # half of a greeting is answered by nothing, as plain servers do

    async def _read(self, reader: asyncio.StreamReader) -> Seen | None:
        start = await reader.readexactly(1)
        if start == b"\x16":  # the greeting of TLS
            raise ConnectionError
        head = start + await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Seen(len(self.asked), method, path, headers, json.loads(body) if body else {})

    async def _write(self, writer: asyncio.StreamWriter, scripted: Scripted) -> bool:
        headers = dict(scripted.headers)
        if scripted.chunked:
            headers["transfer-encoding"] = "chunked"
        else:
            headers["content-length"] = str(len(scripted.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = scripted.body if scripted.sent is None else scripted.body[: scripted.sent]
        if scripted.chunked:
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n" + (b"0\r\n\r\n" if scripted.sent is None else b"")
        if scripted.then != "reset" or scripted.sent:
            writer.write(f"HTTP/1.1 {scripted.status} Scripted\r\n{head}\r\n".encode() + body)
            await writer.drain()
        if scripted.then == "hang":
            await asyncio.sleep(3600)
        if scripted.then == "reset":
            # Linger for no time: the socket goes away with RST instead of FIN.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return scripted.then == "keep"
