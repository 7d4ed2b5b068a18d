"""An ASGI app on a port of this machine, inside a running event loop. Signals are the caller's business."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import socket
from collections.abc import Generator
from http import HTTPStatus
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plaudit.errors import PlauditError, UsageError

HEAD_BYTES = 64 * 1024
ARRIVAL_SECONDS = 30.0
# Java's client offers HTTP/2 with every plain request, and uvicorn then loses the body. Any such offer may be
# ignored (RFC 9110, 7.8), so its header gets a name of the same length that means nothing.
_OFFER = re.compile(rb"(?<=\r\n)upgrade(?=:)", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP, with bounds: how large a head may be, and how long a request may take to arrive whole.

    A request that comes in one piece, as nearly all do, arms no timer.
    """

    _timer: asyncio.TimerHandle | None = None
    _whole = False
    _in_head = False
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if b"pgrade:" in data or b"PGRADE:" in data:
            data = _OFFER.sub(b"ignored", data)
        super().data_received(data)
        if self._whole:
            self._disarm()
            return
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(431, "head_too_large", f"the request's head is larger than {HEAD_BYTES:,} bytes")
        if self._timer is None:
            self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._late)

    def on_message_begin(self) -> None:
        self._whole, self._in_head, self._head = False, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._whole = True
        super().on_message_complete()

    def _late(self) -> None:
        self._timer = None
        self._refuse(408, "timeout", f"the request did not arrive within {ARRIVAL_SECONDS:g} s")

    def _refuse(self, status: int, code: str, message: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started:
            body = msgspec.json.encode({"success": False, "code": code, "message": message})
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            self.transport.write(
                f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
            )
        self.transport.close()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class HttpServer:
    """`start` returns when it listens; `port` is then the real one, also when 0 was asked for.

    `http` is uvicorn's protocol class, for who needs another. `grace` is how many seconds requests that have
    begun may take when it stops.
    """

    def __init__(
        self, app: Any, host: str, port: int, *, http: type[Protocol] = Protocol, grace: float = 10.0
    ) -> None:
        self.host = host
        self.port = port
        self._config = {"app": app, "http": http}
        self._grace = grace
        self._socket: socket.socket | None = None
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def bind(self) -> None:
        """Take the port before anything else is begun. Raises `PlauditError`: it cannot be had."""
        if self._socket is None:
            self._socket = _bound(self.host, self.port)
            self.port = self._socket.getsockname()[1]

    async def start(self) -> None:
        """See `bind`."""
        self.bind()
        config = uvicorn.Config(
            **self._config,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        self._server = _Uvicorn(config)
        sockets = [self._socket] if self._socket else []
        self._task = asyncio.create_task(self._server.serve(sockets=sockets), name=f"http {self.port}")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._task

    async def stop(self) -> None:
        """Take no new requests, finish those that have begun, then drop what is left."""
        if self._server is None or self._task is None:
            if self._socket is not None:
                self._socket.close()
            return
        self._server.should_exit = True
        await asyncio.wait({self._task}, timeout=self._grace)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await self._task
        self._server = self._task = None


def _bound(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is no port: choose 0 (any free one) to 65535")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except socket.gaierror:
        raise PlauditError(f"cannot listen on host {host!r}: this machine has no such address") from None
    except OSError as error:
        why = "the port is in use" if error.errno == errno.EADDRINUSE else str(error.strerror).lower()
        raise PlauditError(
            f"cannot listen on {host} port {port}: {why}; choose another with --port"
        ) from None
