"""The mail server over real sockets: TLS, logins, addresses, and connections that really break."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import time
from collections.abc import Callable, Coroutine
from email.message import EmailMessage
from typing import Any

import pytest
import uvloop

from plaudit.errors import PlauditError, UsageError
from plaudit.sandbox.faults import parse
from plaudit.sandbox.server import Server

from .client import AFS, mail

Session = Callable[[smtplib.SMTP], Any]


def _speak(port: int, session: Session, trust: bytes | None) -> Any:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        if trust is not None:
            smtp.starttls(context=ssl.create_default_context(cadata=trust.decode()))
        return session(smtp)


async def speak(server: Server, session: Session, *, tls: bool = True) -> Any:
    """What the session returns; it runs beside the loop that the server is in."""
    assert server.smtp_port is not None
    trust = server.app.certificate if tls else None
    return await asyncio.to_thread(_speak, server.smtp_port, session, trust)


def sending(message: EmailMessage) -> Session:
    return lambda smtp: smtp.send_message(message)


def test_it_works_on_both_loops() -> None:
    async def send() -> None:
        async with Server(port=0, smtp_port=0) as server:

            def two(smtp: smtplib.SMTP) -> tuple[int, bytes]:
                answer = smtp.login("anybody", "anything")
                smtp.send_message(mail(referenceId="1"))
                smtp.send_message(mail(referenceId="2"))
                return answer

            code, _ = await speak(server, two)
            assert code == 235
            await speak(server, sending(mail(referenceId="3")), tls=False)
            kept = [record.received.reference_id for record in server.app.recorder.newest()]
            assert kept == ["3", "2", "1"]
            assert server.app.recorder.stats().by_status == {"250": 3}

    loops: list[Callable[[Coroutine[Any, Any, None]], None]] = [asyncio.run, uvloop.run]
    for run in loops:
        run(send())


async def test_the_certificate_is_there_to_be_trusted() -> None:
    async with Server(port=0, smtp_port=0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /sandbox/certificate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(server.app.certificate)
        writer.close()
        untrusting = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await speak(server, lambda smtp: smtp.starttls(context=untrusting), tls=False)


async def test_only_users_that_were_given_may_send() -> None:
    async with Server(port=0, smtp_port=0, smtp_users={"shop": "geheim"}) as server:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            await speak(server, sending(mail()))
        assert refused.value.smtp_code == 530
        for user, password in (("shop", "wrong"), ("other", "geheim")):
            with pytest.raises(smtplib.SMTPAuthenticationError) as denied:
                await speak(server, lambda smtp, u=user, p=password: smtp.login(u, p))  # type: ignore[misc]
            assert denied.value.smtp_code == 535

        def both(smtp: smtplib.SMTP) -> None:
            smtp.login("shop", "geheim")
            smtp.send_message(mail())

        await speak(server, both)
        assert server.app.recorder.stats().accepted == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_both_ways_to_log_in(mechanism: str) -> None:
    def log_in(smtp: smtplib.SMTP) -> tuple[int, bytes]:
        smtp.ehlo()
        smtp.user, smtp.password = "shop", "geheim"
        way = {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login}[mechanism]
        return smtp.auth(mechanism, way)

    async with Server(port=0, smtp_port=0, smtp_users={"shop": "geheim"}) as server:
        code, _ = await speak(server, log_in)
        assert code == 235


async def test_a_password_in_the_clear_is_refused() -> None:
    async with Server(port=0, smtp_port=0) as server:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            await speak(server, lambda smtp: smtp.login("shop", "geheim"), tls=False)
        code, _ = await speak(server, lambda smtp: (smtp.ehlo(), smtp.docmd("AUTH", "PLAIN"))[1], tls=False)
        assert code == 538


async def test_only_addresses_of_the_service_are_taken_and_one_a_mail() -> None:
    async with Server(port=0, smtp_port=0) as server:

        def addresses(smtp: smtplib.SMTP) -> list[int]:
            smtp.ehlo()
            smtp.mail("orders@shop.example.com")
            return [smtp.rcpt(address)[0] for address in ("ada@example.com", AFS, AFS)]

        assert await speak(server, addresses) == [550, 250, 452]
        assert server.app.recorder.stats().by_status == {"452": 1, "550": 1}


async def test_a_mail_that_breaks_the_contract_is_told_why() -> None:
    async with Server(port=0, smtp_port=0) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await speak(server, sending(mail(locale="en_US")))
        assert refused.value.smtp_code == 554
        assert b"locale: not a locale with a hyphen" in refused.value.smtp_error


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize(("fault", "kept"), [("reset", 0), ("reset-after", 1)])
async def test_connections_break_before_the_mail_or_after_it(fault: str, kept: int, tls: bool) -> None:
    async with Server(port=0, smtp_port=0, faults=[f"{fault}x1"]) as server:
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
            await speak(server, sending(mail()), tls=tls)
        recorder = server.app.recorder
        assert [record.accepted for record in recorder.newest()] == [1] * kept
        await speak(server, sending(mail()), tls=tls)
        assert recorder.stats().by_status == {"250": 1, fault: 1}
        assert recorder.stats().twice == kept


async def test_421_closes_the_connection_and_451_does_not() -> None:
    def tries(smtp: smtplib.SMTP) -> list[int]:
        codes = []
        for _ in range(2):
            try:
                smtp.send_message(mail())
                codes.append(250)
            except smtplib.SMTPResponseException as error:
                codes.append(error.smtp_code)
        return codes

    async with Server(port=0, smtp_port=0, faults=["451x1"]) as server:
        assert await speak(server, tries) == [451, 250]
        server.app.faults.add(parse("421"))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            await speak(server, lambda smtp: (tries(smtp), smtp.noop()))


@pytest.mark.parametrize(
    ("fault", "error"), [("535", smtplib.SMTPAuthenticationError), ("550", smtplib.SMTPRecipientsRefused)]
)
async def test_logins_and_addresses_are_refused_on_request(fault: str, error: type[Exception]) -> None:
    def both(smtp: smtplib.SMTP) -> None:
        smtp.login("shop", "geheim")
        smtp.send_message(mail())

    async with Server(
        port=0, smtp_port=0, faults=[f"{fault}@{'shop' if fault == '535' else 'abc123def456'}"]
    ) as server:
        with pytest.raises(error):
            await speak(server, both)
        assert list(server.app.recorder.newest()) == []
        server.app.faults.replace([])
        await speak(server, both)


async def test_a_slow_answer_counts_at_once_and_does_not_hold_up_a_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(port=0, smtp_port=0, faults=["slow=60"])
    await server.start()
    _, idle = await asyncio.open_connection("127.0.0.1", server.smtp_port)
    waiting = asyncio.create_task(speak(server, sending(mail())))
    while not server.app.recorder.stats().accepted:  # noqa: ASYNC110 - the recorder has no event to wait on
        await asyncio.sleep(0.01)
    before = time.monotonic()
    await server.stop()
    await server.stop()
    assert time.monotonic() - before < 10
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        await waiting
    idle.close()
    assert not caplog.records
    with pytest.raises(ConnectionRefusedError):
        await speak(server, lambda smtp: smtp.noop())


async def test_no_line_of_a_log_holds_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with Server(port=0, smtp_port=0) as server:
        await speak(server, lambda smtp: (smtp.login("shop", "geheim"), smtp.send_message(mail())))
    assert not [
        record for record in caplog.records if "@" in record.getMessage() or record.name == "mail.log"
    ]


async def test_odd_commands_do_not_end_it() -> None:
    async with Server(port=0, smtp_port=0) as server:

        def odd(smtp: smtplib.SMTP) -> list[int]:
            smtp.ehlo()
            commands = [
                "MAIL FROM:<",
                "RCPT TO:<a",
                "DATA",
                "AUTH",
                "VRFY @",
                "HELP",
                "MAIL FROM:<\x01>",
                "é",
                "RSET",
            ]
            smtp.command_encoding = "utf-8"
            codes = [smtp.docmd(command)[0] for command in commands]
            smtp.send_message(mail())
            return codes

        assert all(200 <= code < 600 for code in await speak(server, odd))
        assert server.app.recorder.stats().accepted == 1


async def test_a_taken_port_is_told_in_one_line() -> None:
    async with Server(port=0, smtp_port=0) as first:
        second = Server(port=0, smtp_port=first.smtp_port)
        with pytest.raises(
            PlauditError, match=r"the port is in use; choose another with --smtp-port"
        ) as caught:
            await second.start()
        assert "\n" not in str(caught.value)
        async with Server(port=0, smtp_port=first.smtp_port, smtp_or_any=True) as third:
            assert third.smtp_port != first.smtp_port
            await speak(third, sending(mail()))
    with pytest.raises(UsageError, match="is no port"):
        await Server(port=0, smtp_port=70_000).start()


async def test_without_a_mail_server_there_is_none() -> None:
    async with Server(port=0) as server:
        assert server.smtp_port is None and server.app.certificate == b""
