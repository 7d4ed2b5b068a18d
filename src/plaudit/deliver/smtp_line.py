"""One connection to a mail server, step by step: open, begin, transfer, reply, and leave at any time.

Each step raises `ReplyError` for a reply that is no success, and aiosmtplib's or the system's errors for a
connection that breaks; `transfer` has written the final dot when it returns, and not when it raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Self, cast

import msgspec
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from plaudit.deliver.address import Endpoint, ResolveError, look_up
from plaudit.deliver.failures import NoAnswerError, NotSentError, UnusableError
from plaudit.destinations.base import Answer, Fault

CONNECT_SECONDS = 5.0  # for each address of the server
QUIT_SECONDS = 2.0
_DOTS = re.compile(rb"(?m)^\.")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server, and how to log in there."""

    host: str
    port: int
    security: str  # starttls, tls, none
    user: str = ""
    password: str = ""
    allow_private: bool = False


class ReplyError(Exception):
    """The server's reply was no success."""

    def __init__(self, stage: str, code: int, text: str) -> None:
        super().__init__(f"{stage}: {code}")
        self.answer = _answer(stage, code, text)


class Line:
    """See above. For one mail at a time."""

    def __init__(self, client: SMTP) -> None:
        self._client = client
        self._midway = False  # within a mail: what is written now would be part of it
        self.mails = 0

    @classmethod
    async def open(cls, server: Account, tls: ssl.SSLContext) -> Self:
        """A connection that is encrypted and logged in, as the account says."""
        try:
            endpoint = await look_up(server.host, server.port, allow_private=server.allow_private)
        except ResolveError as error:
            raise NotSentError("dns", str(error), Fault.OURS) from None
        connected = await _connect(endpoint)
        client = SMTP(
            hostname=server.host,  # what the certificate must be for
            sock=connected,
            # An address literal: looking up this machine's name can take long, and tells it to strangers.
            local_hostname=_literal(connected),
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=tls,
            timeout=None,  # the caller bounds it all together
        )
        line = cls(client)
        try:
            with _at("greeting"):
                await client.connect()
                await client.ehlo()
            await line._secure(server)
        except BaseException:
            line.leave()
            raise
        return line

    async def _secure(self, server: Account) -> None:
        if server.security == "starttls":
            if not self._client.supports_extension("starttls"):
                raise UnusableError(
                    "mail_tls",
                    f"{server.host} offers no STARTTLS at port {server.port}, so nothing was sent: "
                    "check smtp_port and smtp_security",
                )
            with _at("tls"):
                await self._client.starttls()
            with _at("greeting"):
                await self._client.ehlo()
        if server.user:
            if not self._client.supported_auth_methods:
                raise UnusableError(
                    "mail_login",
                    f"{server.host} offers no login at port {server.port}: check smtp_port and smtp_security, "
                    "or leave out smtp_user and smtp_password",
                )
            with _at("login"):
                await self._client.login(server.user, server.password)

    async def begin(self, sender: str) -> None:
        """Make sure that the server is there; with a sender, begin a mail of his."""
        with _at("sender"):
            if sender:
                await self._client.mail(sender)
            else:
                await self._client.noop()

    async def transfer(self, recipient: str, content: bytes) -> None:
        """The rest of the mail, with the final dot."""
        with _at("recipient"):
            await self._client.rcpt(recipient)
        with _at("data"):
            ready = await self._client.execute_command(b"DATA")
            if ready.code != 354:
                raise SMTPResponseException(ready.code, ready.message)
        protocol = self._client.protocol
        if protocol is None:
            raise ConnectionResetError("the mail server hung up")
        self._midway = True
        # All of it must have left before the dot does: a break until then is known to have done nothing.
        cast("asyncio.WriteTransport", protocol.transport).set_write_buffer_limits(0)
        protocol.write(_DOTS.sub(b"..", content))
        await protocol._drain_helper()  # noqa: SLF001 - asyncio's own name for it, and its only one
        protocol.write(b".\r\n")
        self._midway = False

    async def reply(self, seconds: float) -> Answer:
        """What the server says to the mail. Raises `NoAnswerError`."""
        protocol = self._client.protocol
        self.mails += 1
        try:
            if protocol is None:
                raise ConnectionResetError
            code, text = await protocol.read_response(timeout=seconds)
        except TimeoutError:
            message = f"no reply within {seconds:g} s after the mail's end"
            raise NoAnswerError("no_answer", message) from None
        except (SMTPException, OSError):
            message = "the connection to the mail server broke before its reply"
            raise NoAnswerError("connection_lost", message) from None
        return _answer("sent", code, text)

    def leave(self) -> None:
        """Let the connection go at once; a mail that is midway is not completed."""
        protocol = self._client.protocol
        if protocol is not None and protocol.transport is not None:
            if self._midway:
                cast("asyncio.WriteTransport", protocol.transport).abort()
            else:
                with contextlib.suppress(SMTPException, RuntimeError):
                    protocol.write(b"QUIT\r\n")
        self._client.close()

    async def quit(self) -> None:
        """Let it go politely."""
        with contextlib.suppress(SMTPException, OSError):
            async with asyncio.timeout(QUIT_SECONDS):
                await self._client.quit()
        self._client.close()


@contextlib.contextmanager
def _at(stage: str) -> Iterator[None]:
    """Replies that aiosmtplib takes for failures, as replies to this stage."""
    try:
        yield
    except SMTPResponseException as error:
        if error.code < 200:  # aiosmtplib's own, for what it cannot read
            raise NotSentError(
                "no_connection", "what answers there does not speak SMTP: check smtp_port"
            ) from None
        raise ReplyError(stage, error.code, error.message) from None


def _answer(stage: str, code: int, text: str) -> Answer:
    return Answer(code, {"stage": stage}, text.encode(errors="replace"))


async def _connect(endpoint: Endpoint) -> socket.socket:
    """A connection to the first of the addresses that takes one. Raises the last one's `OSError`."""
    loop = asyncio.get_running_loop()
    failure: OSError = ConnectionError("it has no address")
    for address in endpoint.addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        connected.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.sock_connect(connected, (address, endpoint.port))
        except TimeoutError:
            connected.close()
            failure = ConnectionError(f"no connection within {CONNECT_SECONDS:g} s")
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise failure


def _literal(connected: socket.socket) -> str:
    """The own address as RFC 5321, 4.1.3 writes it."""
    address = str(connected.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
