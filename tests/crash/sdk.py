"""Shops' servers with an SDK: keep-alive connections that send again what was not answered 200.

Bare asyncio, since tens of thousands of requests come through here: a request is made once, as the bytes
that go over the wire, so that sending it again is sending the same message ids again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from support import until

AGAIN = 0.03  # seconds until a server that is away is asked again


class Call(NamedTuple):
    """One request and the orders in it.

    `breaks`: its first sending meets a connection that breaks before the answer. `gives_up`: after that the
    shop does not send it again, so nobody was ever told that it was accepted.
    """

    request: bytes
    orders: frozenset[str]
    breaks: bool = False
    gives_up: bool = False


class Connection:
    """A keep-alive connection, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> None:
        """Raises OSError: the server is not there."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        self._streams[1].write(request)
        await self._streams[1].drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body. Raises OSError or EOFError: the connection broke first."""
        assert self._streams is not None
        reader = self._streams[0]
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        if fields.get(b"connection") == b"close":
            await self.close()
        return int(head.split(b" ", 2)[1]), body

    async def close(self) -> None:
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Fleet:
    """Many connections that work off one queue of calls, over any number of restarts of the server.

    `answered` are the orders that the server took on with a 200, `unanswered` those of calls given up.
    """

    def __init__(self, port: int, calls: Iterable[Call]) -> None:
        self._port = port
        self._calls = deque(calls)
        self._broken: set[Call] = set()
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self.sent_again = 0

    async def run(self, connections: int) -> None:
        """Until every call has been answered or given up."""
        await asyncio.gather(*(self._work(Connection(self._port)) for _ in range(connections)))
        self.unanswered -= self.answered

    async def reached(self, orders: int) -> None:
        """Until so many orders have been answered."""
        await until(lambda: len(self.answered) >= orders, seconds=120)

    async def _work(self, connection: Connection) -> None:
        while self._calls:
            call = self._calls.popleft()
            while not await self._tried(connection, call):
                self.sent_again += 1
        await connection.close()

    async def _tried(self, connection: Connection, call: Call) -> bool:
        """Send the call once; whether it is over and done with."""
        try:
            await connection.send(call.request)
            if call.breaks and call not in self._broken:
                self._broken.add(call)
                await connection.close()
                if call.gives_up:
                    self.unanswered |= call.orders
                return call.gives_up
            status, body = await connection.answer()
        except (OSError, EOFError):
            await connection.close()
            await asyncio.sleep(AGAIN)
            return False
        if status == 200:
            self.answered |= call.orders
            return True
        assert status == 503, (status, body)
        await asyncio.sleep(AGAIN)
        return False
