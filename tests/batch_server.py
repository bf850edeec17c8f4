"""A server on 127.0.0.1 with the files and batches of OpenAI's API. A test decides when a batch ends, and how."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sound_answers import sound_answer

Line = dict[str, Any]
Answering = Callable[[Line], Line | bytes | None]


def output(line: Line, text: str | None = None, status: int = 200, **changed: Any) -> Line:
    """A line of an output file: the model's text (None: a sound one) as the answer to ``line``."""
    message = {"role": "assistant", "content": sound_answer(line["body"]) if text is None else text}
    body = {
        "object": "chat.completion",
        "model": "tiny-2025-01-01",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    } | changed
    response = {"status_code": status, "request_id": "r1", "body": body}
    return {"id": "line1", "custom_id": line["custom_id"], "response": response, "error": None}


def refusal(line: Line, status: int, message: str, code: str | None = None) -> Line:
    """A line of an error file: the server refused the request."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return output(line) | {"response": {"status_code": status, "request_id": "r1", "body": body}}


def expiry(line: Line) -> Line:
    """A line of an error file: there was no time for the request."""
    error = {"code": "batch_expired", "message": "This request could not be executed before the batch expired."}
    return output(line) | {"response": None, "error": error}


@dataclass
class BatchApi:
    """Runs in threads of its own.

    Attributes:
        files: id -> content.
        batches: id -> what is said of it.
        uploads: the requests of every input file, as they came in.
        failing: path -> (status, body) that is answered there instead, whatever happened.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Line] = field(default_factory=dict)
    uploads: list[list[Line]] = field(default_factory=list)
    failing: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)

    def __enter__(self) -> Self:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                api.keys.add(self.headers.get("authorization"))
                path = self.path.partition("?")[0]
                status, body = api.failing.get(f"{self.command} {path}", (0, b""))
                if not status or status >= 500:  # a proxy may fail when all is done
                    done = api.answer(self.command, path, content)
                    status, body = (status, body) if status else done
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def asked(self) -> list[str]:
        """The custom ids of all requests handed in, in order."""
        return [line["custom_id"] for lines in self.uploads for line in lines]

    def answer(self, method: str, path: str, content: bytes) -> tuple[int, bytes]:
        """Status and body."""
        parts = path.removeprefix("/v1/").split("/")
        if (method, parts) == ("POST", ["files"]):
            return _json({"id": self._add_file(_uploaded(content)), "object": "file"})
        if (method, parts) == ("POST", ["batches"]):
            return _json(self._create(json.loads(content)))
        if (method, parts) == ("GET", ["batches"]):
            return _json({"data": list(self.batches.values())[::-1], "has_more": False})
        if method == "GET" and parts[0] == "batches" and parts[1] in self.batches:
            return _json(self.batches[parts[1]])
        if method == "GET" and parts[0] == "files" and parts[1] in self.files:
            return 200, self.files[parts[1]]
        return _json({"error": {"message": f"no {path}"}}, 404)

    def finish(self, answering: Answering = output, status: str = "completed") -> None:
        """End all batches that are not; ``answering`` makes the lines (None: no line; bytes: as they are)."""
        for batch in self.batches.values():
            if batch["status"] != "validating":
                continue
            good, bad = [], []
            for line in map(json.loads, self.files[batch["input_file_id"]].splitlines()):
                answer = answering(line)
                if answer is not None:
                    failed = isinstance(answer, dict) and (answer["response"] or {}).get("status_code") != 200
                    (bad if failed else good).append(
                        answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                    )
            batch["status"] = status
            batch["output_file_id"] = self._add_file(b"\n".join(good)) if good else None
            batch["error_file_id"] = self._add_file(b"\n".join(bad)) if bad else None
            batch["request_counts"] |= {"completed": len(good), "failed": len(bad)}

    def _create(self, asked: Line) -> Line:
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.uploads.append(lines)
        name = f"batch_{len(self.batches) + 1}"
        counts = {"total": len(lines), "completed": 0, "failed": 0}
        self.batches[name] = {"id": name, "object": "batch", "status": "validating", "request_counts": counts, **asked}
        return self.batches[name]

    def _add_file(self, content: bytes) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name


def _json(body: Any, status: int = 200) -> tuple[int, bytes]:
    return status, json.dumps(body).encode()


def _uploaded(content: bytes) -> bytes:
    """The file in a form: what stands between its own headers and the boundary."""
    boundary = content.split(b"\r\n", 1)[0]
    parts = [part for part in content.split(boundary) if b'name="file"' in part]
    found = re.split(rb"\r\n\r\n", parts[0], maxsplit=1)[1]
    return found.removesuffix(b"\r\n")
