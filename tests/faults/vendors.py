"""Raw vendors: servers that do with a connection whatever a broken one, or a hostile one, could do.

Each is a coroutine on a socket's streams. `Vendor` serves one of them, with or without TLS, and counts the requests
that it has read as a whole: those could have done something.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import NamedTuple, Self

Behaviour = Callable[["Connection"], Awaitable[None]]
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Connection(NamedTuple):
    vendor: Vendor
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """A whole request; empty: the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await self.reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, OSError):
            return b""
        self.vendor.requests += 1
        return head + body

    async def say(self, said: bytes) -> None:
        self.writer.write(said)
        await self.writer.drain()

    def reset(self) -> None:
        """RST instead of FIN."""
        its = self.writer.get_extra_info("socket")
        its.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Vendor:
    """An async context manager."""

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.behaviour = behaviour
        self._place = host, port
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.requests = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, *self._place, ssl=self._tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self.behaviour(Connection(self, reader, writer))
        self._tasks.discard(task)
        writer.close()


async def good(on: Connection) -> None:
    while await on.request():
        await on.say(CREATED)


def says(*parts: bytes, reset: bool = False, pause: float = 0.0) -> Behaviour:
    """Reads the request, says so, part by part, and hangs up."""

    async def behaviour(on: Connection) -> None:
        await on.request()
        for part in parts:
            await on.say(part)
            await asyncio.sleep(pause)
        if reset:
            on.reset()

    return behaviour


def drips(said: bytes, seconds: float) -> Behaviour:
    """The answer, a byte at a time."""
    return says(*[said[at : at + 1] for at in range(len(said))], pause=seconds)


def endless(start: bytes, more: bytes) -> Behaviour:
    async def behaviour(on: Connection) -> None:
        await on.request()
        await on.say(start)
        while True:
            await on.say(more)
            await asyncio.sleep(0.002)  # endless, and not faster than those beside it can bear

    return behaviour


def at_once(said: bytes) -> Behaviour:
    """Says so to the first bytes that come, whatever they are."""

    async def behaviour(on: Connection) -> None:
        await on.reader.read(1)
        await on.say(said)

    return behaviour


async def resets_at_once(on: Connection) -> None:
    on.reset()


async def hangs_up_at_once(on: Connection) -> None:
    """Closes before the request."""


async def resets_in_the_request(on: Connection) -> None:
    await on.reader.readexactly(20)
    on.reset()


async def never_reads(on: Connection) -> None:
    on.writer.transport.pause_reading()  # type: ignore[attr-defined] # it is a read transport too
    await asyncio.sleep(600)


async def never_answers(on: Connection) -> None:
    await on.request()
    await asyncio.sleep(600)


async def half_closes(on: Connection) -> None:
    """No more from this side, while it goes on reading."""
    await on.request()
    on.writer.write_eof()
    await asyncio.sleep(600)


async def half_closes_after_the_answer(on: Connection) -> None:
    await on.request()
    await on.say(CREATED)
    on.writer.write_eof()
    await asyncio.sleep(600)


async def answers_before_the_request(on: Connection) -> None:
    await on.say(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
