"""The sandbox as a server in a running event loop: for `plaudit sandbox`, for the demo, for tests.

It installs no signal handlers, touches no logging and never exits the process: who runs it decides. Its HTTP
protocol is uvicorn's own with one thing added: a way for the app to drop the TCP connection with no byte
sent, which ASGI has no word for.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Collection, Iterable
from types import TracebackType
from typing import Self

from plaudit.clock import Clock
from plaudit.sandbox.app import create_app
from plaudit.sandbox.asgi import ABORT
from plaudit.sandbox.faults import Fault, parse
from plaudit.serving import HttpServer, Protocol

DEFAULT_PORT = 8711
_GRACE = 2.0  # seconds that requests under way may take when stopping


class _Protocol(Protocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self._abort}}

    def _abort(self) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is not None:  # lingering for 0 seconds makes the close a reset, not a polite end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Server:
    """A sandbox that listens from `start` to `stop`; also an async context manager.

    `faults` are spelled ("429:0.1") or ready; UsageError if one is wrong. The other arguments are
    `create_app`'s. `app.recorder` and `app.faults` are there before the start.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        faults: Iterable[str | Fault] = (),
        keys: Collection[str] | None = None,
        clock: Clock | None = None,
        hint: str = "",
    ) -> None:
        wanted = [parse(fault) if isinstance(fault, str) else fault for fault in faults]
        self.app = create_app(faults=wanted, keys=keys, clock=clock, hint=hint)
        self._http = HttpServer(self.app, host, port, http=_Protocol, grace=_GRACE)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end: what `base_url` wants."""
        return self._http.url

    @property
    def port(self) -> int:
        return self._http.port

    async def start(self) -> int:
        """Listen; returns the port, which with port 0 is a free one. PlauditError if it cannot."""
        await self._http.start()
        return self.port

    async def stop(self) -> None:
        """Take no more connections, let the requests under way end, then drop what is left."""
        await self._http.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def serve(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    faults: Iterable[str | Fault] = (),
    keys: Collection[str] | None = None,
) -> None:
    """Serve until cancelled."""
    async with Server(host, port, faults=faults, keys=keys):
        await asyncio.Event().wait()
