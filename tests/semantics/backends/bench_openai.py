"""How busy the openai backend keeps a server, and what a request costs on our side.

    python tests/semantics/backends/bench_openai.py

The server runs in a process of its own, so that the CPU time of this process is that of the backend alone.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from semantics.backends.asking import chat, good, request
from zsl_skeleton.cache import open_text_cache
from zsl_skeleton.semantics.backends import Options
from zsl_skeleton.semantics.backends.language_model import LanguageModel

REQUESTS = 200
CONCURRENCY = 16
LATENCY = 0.05
LINE = "{:<34}{:>10.1f} {}\n"


def _serve(latency: float, pipe: Connection) -> None:
    """The least that is a server: the same answer for everybody, after a while."""
    body = json.dumps(
        {
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": good()}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10},
        }
    ).encode()
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                if latency:
                    await asyncio.sleep(latency)
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=256)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def measure(latency: float, concurrency: int, cache: Path) -> tuple[float, float]:
    """Wall-clock and CPU seconds for all requests, cache and checks included; connections and imports are not."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(latency, theirs), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{ours.recv()}/v1"
    texts = open_text_cache(cache, "response cache")
    model = LanguageModel(chat(address, max_concurrency=concurrency), texts, Options())

    async def work() -> tuple[float, float]:
        gate = asyncio.Semaphore(model.concurrency)

        async def one(index: int) -> None:
            async with gate:
                await model.answer(request(index=index))

        # The first calls import the client, read the certificates and learn the form.
        await asyncio.gather(*(one(index) for index in range(concurrency)))
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(one(1000 + index) for index in range(REQUESTS)))
        spent = time.perf_counter() - wall, time.process_time() - cpu
        await model.close()
        return spent

    try:
        return asyncio.run(work())
    finally:
        server.terminate()
        server.join()


def main() -> None:
    """Print both figures."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = measure(LATENCY, CONCURRENCY, Path(folder) / "a")
        possible = CONCURRENCY / LATENCY
        sys.stdout.write(f"{REQUESTS} requests, {CONCURRENCY} at a time, server with {LATENCY * 1000:.0f} ms latency\n")
        sys.stdout.write(LINE.format("  rate", REQUESTS / wall, f"requests/s of {possible:.0f} possible"))
        sys.stdout.write(LINE.format("  share of the possible rate", 100 * REQUESTS / wall / possible, "%"))
        sys.stdout.write(LINE.format("  CPU time per request", 1000 * cpu / REQUESTS, "ms"))
        wall, cpu = measure(0.0, 1, Path(folder) / "b")
        sys.stdout.write(f"{REQUESTS} requests, one after the other, server without latency\n")
        sys.stdout.write(LINE.format("  wall-clock time per request", 1000 * wall / REQUESTS, "ms"))
        sys.stdout.write(LINE.format("  CPU time per request", 1000 * cpu / REQUESTS, "ms"))


if __name__ == "__main__":
    main()
