"""The sandbox as a server in a running event loop: for `plaudit sandbox`, for the demo, for tests.

It installs no signal handlers, touches no logging and never exits the process: who runs it decides. Its HTTP
protocol is uvicorn's own with one thing added: a way for the app to drop the TCP connection with no byte
sent, which ASGI has no word for. The mail server, if one is wanted, starts and stops with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from plaudit.clock import Clock
from plaudit.sandbox.app import create_app
from plaudit.sandbox.asgi import ABORT
from plaudit.sandbox.breaking import drop
from plaudit.sandbox.faults import Fault, parse
from plaudit.serving import HttpServer, Protocol

if TYPE_CHECKING:
    from plaudit.sandbox.afs.server import MailServer

DEFAULT_PORT = 8711
DEFAULT_SMTP_PORT = 8725
_GRACE = 2.0  # seconds that requests under way may take when stopping


class _Protocol(Protocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self._abort}}

    def _abort(self) -> None:
        drop(self.transport)


class Server:
    """A sandbox that listens from `start` to `stop`; also an async context manager.

    `faults` are spelled ("429:0.1") or ready; UsageError if one is wrong. `smtp_port`: where mail is taken;
    None: nowhere, 0: any free port; with `smtp_or_any` any free one too when it is taken. The other arguments are `create_app`'s. `app.recorder` and `app.faults`
    are there before the start; `port` and `smtp_port` are the real ones after it.
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
        smtp_port: int | None = None,
        clients: Mapping[str, str] | None = None,
        smtp_users: Mapping[str, str] | None = None,
        smtp_or_any: bool = False,
    ) -> None:
        wanted = [parse(fault) if isinstance(fault, str) else fault for fault in faults]
        self.app = create_app(
            faults=wanted, keys=keys, clock=clock, hint=hint, clients=clients, smtp_users=smtp_users
        )
        self._http = HttpServer(self.app, host, port, http=_Protocol, grace=_GRACE)
        self._host = host
        self.smtp_port = smtp_port
        self._smtp_or_any = smtp_or_any
        self._mail: MailServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end: what `base_url` wants."""
        return self._http.url

    @property
    def port(self) -> int:
        return self._http.port

    async def start(self) -> int:
        """Listen; returns the port, which with port 0 is a free one. PlauditError if it cannot."""
        self._http.bind()
        if self.smtp_port is not None:
            try:
                await self._start_mail(self.smtp_port)
            except BaseException:
                await self._http.stop()
                raise
        await self._http.start()
        return self.port

    async def stop(self) -> None:
        """Take no more connections, let the requests under way end, then drop what is left."""
        await asyncio.gather(self._http.stop(), *([self._mail.stop()] if self._mail else []))

    async def _start_mail(self, port: int) -> None:
        from plaudit.sandbox.afs.server import MailServer  # noqa: PLC0415 - only who wants mail pays for TLS

        self._mail = MailServer(self.app.afs, self._host, port, or_any=self._smtp_or_any, grace=_GRACE)
        await self._mail.start()
        self.smtp_port = self.app.page.smtp_port = self._mail.port
        self.app.certificate = self._mail.certificate

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
    smtp_port: int | None = None,
) -> None:
    """Serve until cancelled."""
    async with Server(host, port, faults=faults, keys=keys, smtp_port=smtp_port):
        await asyncio.Event().wait()
