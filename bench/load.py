"""A client that costs little: prepared requests over keep-alive connections, one outstanding on each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import NamedTuple, cast

import uvloop


class Result(NamedTuple):
    """Requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    refused: int


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], latencies: list[float], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._done = done
        self.refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own is one in all but name
        self._next()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"):
            self.refused += 1
        if data.endswith(b"}"):  # head and body may arrive apart
            self._latencies.append(time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


def post(path: str, body: bytes, key: str = "YmVuY2hLZXk6") -> bytes:
    """A prepared POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def closed_loop(port: int, requests: list[bytes], connections: int) -> Result:
    """As fast as `connections` allow."""
    return uvloop.run(_closed_loop(port, requests, connections))


async def _closed_loop(port: int, requests: list[bytes], connections: int) -> Result:
    loop = asyncio.get_running_loop()
    queue, latencies = iter(requests), list[float]()
    clients = []
    started = time.perf_counter()
    done = []
    for _ in range(min(connections, len(requests))):
        done.append(loop.create_future())
        _, client = await loop.create_connection(
            lambda: _Connection(queue, latencies, done[-1]), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*done)
    return _result(len(requests), time.perf_counter() - started, latencies, sum(c.refused for c in clients))


def _result(count: int, seconds: float, latencies: list[float], refused: int) -> Result:
    ordered = sorted(latencies)
    return Result(
        count / seconds, ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000, refused
    )


def paced(port: int, requests: list[bytes], rate: float) -> Result:
    """At a fixed rate, each on a free connection: latency when the machine is not saturated."""
    return uvloop.run(_paced(port, requests, rate))


async def _paced(port: int, requests: list[bytes], rate: float) -> Result:
    loop = asyncio.get_running_loop()
    lanes = 16
    latencies = list[float]()
    started = loop.time()

    async def lane(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index in range(number, len(requests), lanes):
            await asyncio.sleep(max(started + index / rate - loop.time(), 0))
            sent = time.perf_counter()
            writer.write(requests[index])
            await reader.readuntil(b"}")
            latencies.append(time.perf_counter() - sent)
        writer.close()

    await asyncio.gather(*(lane(number) for number in range(lanes)))
    return _result(len(requests), loop.time() - started, latencies, 0)
