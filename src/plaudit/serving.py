"""An ASGI app on a port of this machine, inside a running event loop. Signals are the caller's business."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

from plaudit.errors import PlauditError, UsageError


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
        self, app: Any, host: str, port: int, *, http: Any = "httptools", grace: float = 10.0
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
