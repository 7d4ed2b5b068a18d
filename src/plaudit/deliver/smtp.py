"""Mail out, over aiosmtplib: a few connections, each for some mails, to an address that was looked at before.

What matters is the final dot of DATA. Until it is written nothing can have been taken (`NotSentError`); from then
on only the server's reply tells (`NoAnswerError` without one). So DATA is spoken here, where both sides of the
dot are known. A reply of any code is an `Answer`; its header `stage` says to what it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import formatdate
from hashlib import sha256

from aiosmtplib import SMTPException

from plaudit import __version__
from plaudit.clock import SystemClock
from plaudit.deliver.failures import NotSentError, UnusableError
from plaudit.deliver.smtp_line import Account, Line, ReplyError
from plaudit.destinations.base import Answer, Fault, Mail
from plaudit.destinations.settings import Settings

CONNECTIONS = 4  # at a time: mail servers count them per client
MAILS = 50  # for each, and then a new one, as servers like it
BEFORE_SECONDS = 30.0  # from a free connection to the final dot
AFTER_SECONDS = 60.0  # for the reply to it: servers look into a mail before they take it
IDLE_SECONDS = 15.0
# The way out is this machine's own trouble.
_OURS = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE})


def account(settings: Settings) -> Account:
    """The account that a destination's settings name."""
    return Account(
        host=str(settings["smtp_host"]),
        port=int(settings.get("smtp_port") or 587),
        security=str(settings.get("smtp_security") or "starttls"),
        user=str(settings.get("smtp_user") or ""),
        password=str(settings.get("smtp_password") or ""),
        allow_private=bool(settings.get("allow_private")),
    )


class SmtpTransport:
    """Sends mails. `tls` is whom to trust: by default, as the machine does (SSL_CERT_FILE counts)."""

    def __init__(
        self,
        server: Account,
        *,
        tls: ssl.SSLContext | None = None,
        before: float = BEFORE_SECONDS,
        after: float = AFTER_SECONDS,
    ) -> None:
        self._server = server
        self._tls = tls
        self._before = before
        self._after = after
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Line] = []
        self._timers: dict[Line, asyncio.TimerHandle] = {}
        self._closed = False

    async def send(self, mail: Mail) -> Answer:
        """Raises `NotSentError`, `NoAnswerError`, and `UnusableError` or `ForbiddenAddressError` when the settings are to blame.

        A mail without html only logs in.
        """
        content = _content(mail) if mail.html else b""
        try:
            async with asyncio.timeout(self._before):
                await self._room.acquire()
        except TimeoutError:
            message = "every connection to the mail server is busy"
            raise NotSentError("no_connection", message, Fault.OURS) from None
        try:
            return await self._converse(mail, content)
        except ReplyError as reply:
            return reply.answer
        finally:
            self._room.release()

    async def close(self) -> None:
        self._closed = True
        lines, self._idle = self._idle, []
        for timer in self._timers.values():
            timer.cancel()
        await asyncio.gather(*(line.quit() for line in lines))

    async def _converse(self, mail: Mail, content: bytes) -> Answer:
        line: Line | None = None
        again = False
        try:
            with _nothing_sent(self._server.host, self._before):
                async with asyncio.timeout(self._before):
                    line = await self._ready(mail.sender if content else "")
                    if not content:
                        again = True
                        return Answer(250, {"stage": "login"})
                    await line.transfer(mail.recipient, content)
            answer = await line.reply(self._after)
            again = answer.status == 250
            return answer
        finally:
            if line is not None:
                self._put(line, again=again)

    async def _ready(self, sender: str) -> Line:
        """A connection whose server takes mail from the sender; one that was used before, if there is one."""
        while True:
            used = bool(self._idle)
            if used:
                line = self._idle.pop()
                self._timers.pop(line).cancel()
            else:
                if self._tls is None:
                    self._tls = ssl.create_default_context()
                line = await Line.open(self._server, self._tls)
            try:
                await line.begin(sender)
            except BaseException as error:
                line.leave()
                if used and _hung_up(error):
                    continue  # it had closed an idle connection, as it may: nothing was asked of it
                raise
            return line

    def _put(self, line: Line, *, again: bool) -> None:
        if not again or self._closed or line.mails >= MAILS:
            line.leave()
            return
        self._idle.append(line)
        self._timers[line] = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._retire, line)

    def _retire(self, line: Line) -> None:
        del self._timers[line]
        self._idle.remove(line)
        line.leave()


def _hung_up(error: BaseException) -> bool:
    if isinstance(error, ReplyError):
        return error.answer.status == 421
    return isinstance(error, ConnectionError)


@contextlib.contextmanager
def _nothing_sent(host: str, seconds: float) -> Iterator[None]:
    """What a failure means that comes before the final dot."""
    try:
        yield
    except TimeoutError:
        raise NotSentError("no_connection", f"{host} took no mail within {seconds:g} s") from None
    except (SMTPException, OSError) as error:
        cause = (
            error.__cause__ or error
        )  # aiosmtplib wraps what happens when TLS is spoken from the first byte
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            raise UnusableError("mail_tls", _distrust(host, cause)) from None
        number = getattr(cause, "errno", None)
        said = os.strerror(number) if number else str(cause) or type(cause).__name__
        fault = Fault.OURS if number in _OURS else Fault.VENDOR
        raise NotSentError("no_connection", f"no conversation with {host}: {said}", fault) from None


def _distrust(host: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} is not trusted ({error.verify_message}): give the server one that is, "
            "or name the file of your own authority in the environment variable SSL_CERT_FILE"
        )
    return f"{host} and this machine cannot agree on TLS ({error.reason or error}): check smtp_port and smtp_security"


def _content(mail: Mail) -> bytes:
    """The mail as it goes over the wire, but for the dots."""
    for name, address in (("mail_sender", mail.sender), ("mail_recipient", mail.recipient)):
        if not address.isascii():
            raise UnusableError(name, "an address of the settings has letters that mail servers do not take")
    message = EmailMessage(policy=WIRE)
    message["From"] = mail.sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = formatdate(SystemClock().now() / 1000)
    # The same mail has the same id: servers that look can tell that it is sent for the second time.
    message["Message-ID"] = (
        f"<{sha256(mail.html.encode()).hexdigest()[:32]}@{mail.sender.rpartition('@')[2]}>"
    )
    message["X-Mailer"] = f"Plaudit/{__version__}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()
