"""The mail server: SMTP with STARTTLS and AUTH on a port of its own, by aiosmtpd, in the running event loop.

What is said to a command is `channel.Afs`'s business; this module has the connections, breaks them on request,
and lets none outlive `stop`. AUTH is offered under TLS only: a password in the clear is refused, so that a
sender that would do so is caught.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any, AnyStr, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from plaudit.errors import PlauditError, UsageError
from plaudit.sandbox.afs.certificate import self_signed
from plaudit.sandbox.afs.channel import Afs
from plaudit.sandbox.breaking import drop

SIZE_LIMIT = 1024 * 1024

# aiosmtpd logs every line that it reads, addresses and all, and warns of itself at each login.
logging.getLogger("mail.log").disabled = True


class MailServer:
    """Listens from `start` to `stop`.

    `or_any`: on any free port when that one is taken. `grace` is how many seconds mails under way may take when
    it stops.
    """

    def __init__(self, afs: Afs, host: str, port: int, *, or_any: bool = False, grace: float) -> None:
        self.port = port
        self._afs = afs
        self._host = host
        self._or_any = or_any
        self._grace = grace
        self._context, self.certificate = self_signed(host)
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()
        self._change = asyncio.Event()

    async def start(self) -> None:
        """Raises `PlauditError`: the port cannot be had."""
        sock = self._bound()
        self.port = sock.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(self._session, sock=sock)

    def _bound(self) -> socket.socket:
        if not 0 <= self.port <= 65535:
            raise UsageError(f"{self.port} is no port: choose 0 (any free one) to 65535")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self.port), family=family)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            if taken and self._or_any:
                return socket.create_server((self._host, 0), family=family)
            why = "the port is in use" if taken else str(error.strerror).lower()
            raise PlauditError(
                f"cannot listen for mail on {self._host} port {self.port}: {why}; choose another with --smtp-port"
            ) from None

    async def stop(self) -> None:
        """Take no more connections, let mails under way get their answer, then drop what is left."""
        if self._server is None:
            return
        self._server.close()
        for session in [session for session in self._sessions if not session.is_busy]:
            session.end()
        try:
            async with asyncio.timeout(self._grace):
                await self._all_gone()
        except TimeoutError:
            for session in list(self._sessions):
                session.end()
            await self._all_gone()
        await self._server.wait_closed()
        self._server = None

    async def _all_gone(self) -> None:
        while self._sessions:
            self._change.clear()
            await self._change.wait()
        await asyncio.sleep(0)  # what the last of them has cancelled ends here

    def _session(self) -> _Session:
        return _Session(self._afs, self._context, self)

    def came(self, session: _Session) -> None:
        self._sessions.add(session)

    def went(self, session: _Session) -> None:
        self._sessions.discard(session)
        self._change.set()

    @property
    def is_stopping(self) -> bool:
        return self._server is not None and not self._server.is_serving()


class _Session(SMTP):
    """One connection, with the ways to end it that aiosmtpd has no hook for."""

    def __init__(self, afs: Afs, context: Any, server: MailServer) -> None:
        self._afs = afs
        self._owner = server
        self.is_busy = False
        super().__init__(
            _Hooks(afs),
            data_size_limit=SIZE_LIMIT,
            hostname="localhost",
            ident="Plaudit sandbox",
            tls_context=context,
            authenticator=_authenticator(afs),
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # also once more, when TLS has begun
        self._owner.came(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None and self.transport is not None:
            super().connection_lost(error)
        self._owner.went(self)

    def end(self) -> None:
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    async def drop(self) -> None:
        """Break the connection; never returns, since that would be an answer."""
        drop(cast("asyncio.Transport", self.transport))
        await asyncio.Event().wait()  # until the end of the connection cancels this

    async def push(self, status: AnyStr) -> None:
        await super().push(status)
        if status[:3] in {"421", b"421"} or (self._owner.is_stopping and not self.is_busy):
            self.close()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        self.is_busy = True
        try:
            recipients = self.envelope.rcpt_tos if self.envelope is not None else []
            if recipients and not arg and self._afs.breaks(recipients[0]):
                await self.drop()
            await super().smtp_DATA(arg)
        finally:
            self.is_busy = False
        if self._owner.is_stopping:
            self.close()


class _Hooks:
    """What aiosmtpd calls, in its words."""

    def __init__(self, afs: Afs) -> None:
        self._afs = afs

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by this name
        self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._afs.wants_login and not session.authenticated:
            return "530 5.7.0 log in first: this sandbox was started with users"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        reply = self._afs.address(address, len(envelope.rcpt_tos))
        if reply.text.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply.text

    async def handle_DATA(self, server: _Session, _: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        content = envelope.original_content or b""
        reply = self._afs.mail(envelope.rcpt_tos[0], content)
        await asyncio.sleep(reply.delay)  # cancelled when the sender goes away
        if reply.broken:
            await server.drop()
        return reply.text

    async def handle_exception(self, _: Exception) -> str:
        return "500 5.5.2 the sandbox cannot read this command"


def _authenticator(afs: Afs) -> Any:
    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, data: LoginPassword) -> AuthResult:
        good = afs.login(data.login.decode("utf-8", "replace"), data.password.decode("utf-8", "replace"))
        return AuthResult(success=good, handled=False, auth_data=data)

    return authenticate
