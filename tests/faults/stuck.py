"""Vendors for `test_kill_states.py`: each keeps its destination's order in one state, until it is made good."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from contextlib import AsyncExitStack

from .vendors import CREATED, Behaviour, Connection, Vendor

HOLDS = "holds the answer"


class Stuck:
    """One destination's vendor: what it reads, it has; whether it carries it out depends on what it says."""

    def __init__(self, says_first: bytes | str) -> None:
        self._first = says_first
        self.accepted: Counter[str] = Counter()
        self.has: Counter[str] = Counter()
        self.answer = asyncio.Event()
        self.good = False

    async def __call__(self, on: Connection) -> None:
        while request := await on.request():
            order = json.loads(request.partition(b"\r\n\r\n")[2] or b"{}").get("referenceId", "")
            if not order:  # the check of the key
                await on.say(b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"BusinessUnitId":"1"}')
                continue
            self.has[order] += 1
            if self.good or self._first == HOLDS:
                self.accepted[order] += 1
            if self._first == HOLDS and not self.good:
                await self.answer.wait()
            await on.say(CREATED if self.good or isinstance(self._first, str) else self._first)


class Crowded:
    """A listener whose queue is full: who connects hangs before the request, until there is room."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._crowd = [socket.socket() for _ in range(3)]
        for each in self._crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", self.port))

    async def let_in(self, behaviour: Behaviour, stack: AsyncExitStack) -> None:
        """From now on connections are served so."""
        for each in self._crowd:
            each.close()
        self._listener.close()
        await stack.enter_async_context(Vendor(behaviour, port=self.port))

    def close(self) -> None:
        for each in (*self._crowd, self._listener):
            each.close()


LATER = b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"
BAD_KEY = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
BAD_DATA = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
ODD = b"HTTP/1.1 204 Odd\r\n\r\n"
