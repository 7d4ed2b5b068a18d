"""Floors: what the machine does when nothing but the unavoidable is done."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path

import uvloop

from bench.load import Result, closed_loop
from bench.processes import free_port, running
from plaudit.sqlite import connect, transaction


def machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} (system)"


def server(requests: list[bytes], connections: int) -> Result:
    """The same HTTP server and client, with an app that only says yes."""
    port = free_port()
    with running("bench.noop", str(port), port=port):
        closed_loop(port, requests[:2000], connections)
        return closed_loop(port, requests, connections)


def inserts(payload: bytes, rows: int, a_commit: int) -> float:
    """Rows a second that the same SQLite makes durable, `a_commit` at a time, with nothing around it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        connection = connect(Path(folder) / "floor.db")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, body BLOB)")
        started = time.perf_counter()
        for _ in range(rows // a_commit):
            with transaction(connection):
                connection.executemany("INSERT INTO t (at, body) VALUES (?, ?)", [(1, payload)] * a_commit)
        seconds = time.perf_counter() - started
        connection.close()
    return rows / seconds


def posts(sink: int, body: bytes, count: int, concurrency: int) -> float:
    """Requests a second of the same HTTP client towards the same sink, with nothing around it."""
    return uvloop.run(_posts(sink, body, count, concurrency))


async def _posts(sink: int, body: bytes, count: int, concurrency: int) -> float:
    import asyncio

    from plaudit.deliver.http import HttpTransport
    from plaudit.destinations.base import Request

    url = f"http://127.0.0.1:{sink}"
    transport = HttpTransport(allow_private=True)
    request = Request(
        method="POST",
        url=f"{url}/api/k/invitation",
        shown="",
        headers={"content-type": "application/json"},
        body=body,
    )
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await transport.send(request)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    seconds = time.perf_counter() - started
    await transport.close()
    return count / seconds
