"""Mail servers for tests: a real one with TLS and login, and one that says and breaks what it is told to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BREAK = "break"  # instead of a reply: reset the connection
HANG = "hang"


def certificate(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for these names: its file, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "pair.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


class Inbox:
    """aiosmtpd in a thread of its own: what it was sent, how it was greeted, and who logged in."""

    port = 0

    def __init__(
        self, *, context: ssl.SSLContext | None = None, implicit: bool = False, login: bool = False
    ) -> None:
        self.mails: list[Envelope] = []
        self.greetings: list[str] = []
        self.logins: list[bytes] = []
        self._implicit = context if implicit else None
        self._how: dict[str, Any] = {
            "tls_context": None if implicit else context,
            "require_starttls": context is not None and not implicit,
            "authenticator": self._authenticate if login else None,
            "auth_required": login,
            "auth_require_tls": context is not None and not implicit,
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        def session() -> SMTP:
            return SMTP(self, hostname="localhost", loop=self._loop, **self._how)

        self._server = await self._loop.create_server(session, "127.0.0.1", 0, ssl=self._implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # what they had open closes

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds it by this name
        self, _: SMTP, session: Session, __: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greetings.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.mails.append(envelope)
        return "250 OK"

    def _authenticate(
        self, _: SMTP, __: Session, ___: Envelope, ____: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"right", handled=False)


class Script:
    """A server that replies as told: a text, BREAK or HANG for a command, else what is usual.

    DOT is the mail's end, DATA-BREAK breaks after the reply to DATA, GREETING and EHLO are what they say.
    """

    USUAL: Mapping[str, str] = {
        "GREETING": "220 hello",
        "EHLO": "250 hello",
        "DATA": "354 go on",
        "DOT": "250 taken",
        "QUIT": "221 bye",
    }

    def __init__(self, replies: dict[str, str]) -> None:
        self.replies = {**self.USUAL, **replies}
        self.once: dict[str, str] = {}  # before those, for one time
        self.mails: list[bytes] = []
        self.commands: list[str] = []
        self.connections = 0

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._say("GREETING", writer)
        while line := await reader.readline():
            verb = line.decode().split(maxsplit=1)[0].upper().strip()
            self.commands.append(line.decode().strip())
            await self._say(verb, writer)
            if verb == "DATA" and self.replies["DATA"].startswith("354"):
                if "DATA-BREAK" in self.replies:
                    self.replies.pop("DATA-BREAK")
                    raise _BreakError
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                await self._say("DOT", writer)
            if verb == "QUIT":
                return

    async def _say(self, verb: str, writer: asyncio.StreamWriter) -> None:
        reply = self.once.pop(verb, None) or self.replies.get(verb, "250 fine")
        if reply == BREAK:
            raise _BreakError
        if reply == HANG:
            await asyncio.sleep(60)
        for line in reply.split("\n"):
            writer.write(line.encode() + b"\r\n")
        await writer.drain()
        if reply.startswith("421"):
            raise _HangUpError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._talk(reader, writer)
            except _BreakError:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, _HangUpError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _BreakError(Exception):
    pass


class _HangUpError(Exception):
    pass
