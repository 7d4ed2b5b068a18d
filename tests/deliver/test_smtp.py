"""Mail out, against real servers: what comes through, and what each failure means on either side of the final dot."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from pathlib import Path
from typing import Any

import pytest

from deliver.mailserver import BREAK, HANG, Inbox, Script, certificate
from plaudit.deliver import smtp
from plaudit.deliver.address import ForbiddenAddressError
from plaudit.deliver.failures import NoAnswerError, NotSentError, UnusableError
from plaudit.deliver.smtp import SmtpTransport, account
from plaudit.deliver.smtp_line import Account
from plaudit.destinations.base import Answer, Fault, Mail
from support import free_port, until

HTML = "<html><body>" + "<p>.</p>\n.\n..\n.dot 李</p>" + "x" * 3000 + "</body></html>"
MAIL = Mail(
    recipient="shop+ab12@invite.example", sender="orders@shop.example", subject="Review invitation", html=HTML
)
LOGIN = Mail(recipient=MAIL.recipient, sender=MAIL.sender, subject="", html="")


def server(port: int, **more: Any) -> Account:
    return Account(**{"host": "127.0.0.1", "port": port, "security": "none", "allow_private": True, **more})


async def send(account: Account, mail: Mail = MAIL, **how: Any) -> Answer:
    transport = SmtpTransport(account, **how)
    try:
        return await transport.send(mail)
    finally:
        await transport.close()


def trusting(path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(path))


# What comes through.


async def test_a_mail_comes_as_it_was_written() -> None:
    with Inbox() as inbox:
        answer = await send(server(inbox.port))
    assert answer == Answer(250, {"stage": "sent"}, b"OK")
    (found,) = inbox.mails
    assert (found.mail_from, found.rcpt_tos) == (MAIL.sender, [MAIL.recipient])
    assert inbox.greetings == ["[127.0.0.1]"]
    message = email.message_from_bytes(found.original_content or b"", policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message.get_content_type() == "text/html"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == HTML
    assert (message["From"], message["To"], message["Subject"]) == (MAIL.sender, MAIL.recipient, MAIL.subject)
    assert message["X-Mailer"].startswith("Plaudit/") and message["Date"]
    assert (found.original_content or b"").isascii()
    assert max(map(len, (found.original_content or b"").split(b"\r\n"))) <= 78


async def test_the_same_mail_has_the_same_id() -> None:
    with Inbox() as inbox:
        transport = SmtpTransport(server(inbox.port))
        for mail in (
            MAIL,
            MAIL,
            Mail(recipient="a@b.example", sender="c@d.example", subject="", html="else"),
        ):
            await transport.send(mail)
        await transport.close()
    ids = [email.message_from_bytes(found.original_content or b"")["Message-ID"] for found in inbox.mails]
    assert ids[0] == ids[1] != ids[2] and ids[0].endswith("@shop.example>")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not:UserWarning")  # it looks for STARTTLS only
@pytest.mark.parametrize("implicit", [False, True])
async def test_tls_and_login(tmp_path: Path, implicit: bool) -> None:
    path, context = certificate(tmp_path, "localhost")
    security = "tls" if implicit else "starttls"
    with Inbox(context=context, implicit=implicit, login=True) as inbox:
        who = {"host": "localhost", "security": security, "user": "me", "password": "right"}
        answer = await send(server(inbox.port, **who), tls=trusting(path))
        assert answer.status == 250
        answer = await send(server(inbox.port, **who), LOGIN, tls=trusting(path))
        assert (answer.status, answer.headers) == (250, {"stage": "login"})
        answer = await send(server(inbox.port, **{**who, "password": "wrong"}), tls=trusting(path))
        assert (answer.status, answer.headers) == (535, {"stage": "login"})
        answer = await send(server(inbox.port, **{**who, "user": ""}), tls=trusting(path))
        assert (answer.status, answer.headers) == (530, {"stage": "sender"})
    assert len(inbox.mails) == 1 and set(inbox.logins) == {b"me"}


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    path, context = certificate(tmp_path, "localhost")
    for security, implicit in (("starttls", False), ("tls", True)):
        with Inbox(context=context, implicit=implicit) as inbox:
            with pytest.raises(UnusableError, match=r"not trusted.*SSL_CERT_FILE") as caught:
                await send(server(inbox.port, host="localhost", security=security))
            assert caught.value.reason == "mail_tls"
            # the name counts, not the address that it leads to
            with pytest.raises(UnusableError, match="not trusted"):
                await send(server(inbox.port, host="127.0.0.1", security=security), tls=trusting(path))
        assert inbox.mails == []


async def test_settings_that_do_not_fit_the_server_are_told_and_nothing_is_sent(tmp_path: Path) -> None:
    _, context = certificate(tmp_path, "localhost")
    with Inbox() as inbox:
        with pytest.raises(UnusableError, match="no STARTTLS") as caught:
            await send(server(inbox.port, security="starttls"))
        assert caught.value.reason == "mail_tls"
        with pytest.raises(UnusableError, match="cannot agree on TLS"):
            await send(server(inbox.port, security="tls"))
        with pytest.raises(UnusableError, match="letters"):
            await send(
                server(inbox.port), Mail(recipient="ä@b.example", sender="c@d.example", subject="", html="x")
            )
    async with Script({}).running() as port:
        with pytest.raises(UnusableError, match="offers no login") as caught:
            await send(server(port, user="me", password="right"))
        assert caught.value.reason == "mail_login"
    with Inbox(context=context, implicit=True) as inbox, pytest.raises(NotSentError):
        await send(server(inbox.port), before=0.5)
    assert inbox.mails == []


async def test_private_addresses_are_refused_unless_allowed() -> None:
    with pytest.raises(ForbiddenAddressError, match="allow_private"):
        await send(server(9, allow_private=False))


async def test_nobody_there_means_not_sent() -> None:
    with pytest.raises(NotSentError, match="refused") as caught:
        await send(server(free_port()))
    assert (caught.value.reason, caught.value.fault) == ("no_connection", Fault.VENDOR)
    with pytest.raises(NotSentError, match="cannot resolve") as caught:
        await send(server(25, host="nobody.invalid"))
    assert (caught.value.reason, caught.value.fault) == ("dns", Fault.OURS)


# Replies.


@pytest.mark.parametrize("code", [421, 451, 550])
@pytest.mark.parametrize(
    ("command", "stage"),
    [
        ("GREETING", "greeting"),
        ("EHLO", "greeting"),
        ("MAIL", "sender"),
        ("RCPT", "recipient"),
        ("DATA", "data"),
        ("DOT", "sent"),
    ],
)
async def test_a_reply_is_an_answer_with_its_stage(command: str, stage: str, code: int) -> None:
    script = Script({command: f"{code}-first\n{code} second"})
    async with script.running() as port:
        answer = await send(server(port))
    assert answer == Answer(code, {"stage": stage}, b"first\nsecond")
    assert len(script.mails) == (command == "DOT")


@pytest.mark.parametrize("command", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [BREAK, HANG, "nonsense"])
async def test_what_breaks_before_the_dot_did_nothing(command: str, how: str) -> None:
    script = Script({command: how})
    async with script.running() as port:
        with pytest.raises(NotSentError) as caught:
            await send(server(port), before=0.3)
    assert caught.value.reason == "no_connection" and script.mails == []


@pytest.mark.parametrize(
    ("how", "reason"), [(BREAK, "connection_lost"), (HANG, "no_answer"), ("nonsense", "connection_lost")]
)
async def test_what_breaks_after_the_dot_is_unknown(how: str, reason: str) -> None:
    script = Script({"DOT": how})
    async with script.running() as port:
        with pytest.raises(NoAnswerError) as caught:
            await send(server(port), after=0.3)
    assert caught.value.reason == reason and len(script.mails) == 1


async def test_a_reset_within_the_mail_did_nothing_or_is_unknown() -> None:
    """It depends on whether the reset is here before the mail has left."""
    script = Script({"DATA-BREAK": ""})
    async with script.running() as port:
        with pytest.raises((NotSentError, NoAnswerError)):
            await send(server(port))
    assert script.mails == []


async def test_a_server_that_stops_reading_within_a_mail_has_not_got_it() -> None:
    got = bytearray()
    stalled = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while not (await reader.readline()).startswith(b"DATA"):
            writer.write(b"250 fine\r\n")
        writer.write(b"354 go on\r\n")
        await stalled.wait()
        while some := await reader.read(65536):
            got.extend(some)
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    large = Mail(recipient="a@b.example", sender="c@d.example", subject="", html="x" * 20_000_000)
    with pytest.raises(NotSentError, match="took no mail within"):
        await send(server(port), large, before=1.0)
    stalled.set()
    await asyncio.sleep(0.1)
    listening.close()
    assert not got.endswith(b"\r\n.\r\n")


# Connections.


async def test_a_connection_serves_several_mails_one_after_another() -> None:
    script = Script({})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        for _ in range(5):
            assert (await transport.send(MAIL)).status == 250
        assert script.connections == 1
        await transport.close()
        await until(lambda: script.commands[-1] == "QUIT")
    assert len(script.mails) == 5


async def test_a_connection_is_changed_after_many_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MAILS", 2)
    script = Script({})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        for _ in range(5):
            await transport.send(MAIL)
        await transport.close()
    assert script.connections == 3


async def test_an_idle_connection_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0.05)
    script = Script({})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        await transport.send(MAIL)
        await until(lambda: script.commands[-1] == "QUIT")
        assert (await transport.send(MAIL)).status == 250
        await transport.close()
    assert script.connections == 2


@pytest.mark.parametrize("how", ["421 you were idle", BREAK])
async def test_an_idle_connection_that_the_server_ended_costs_nothing(how: str) -> None:
    script = Script({})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        await transport.send(MAIL)
        script.once["MAIL"] = how
        assert (await transport.send(MAIL)).status == 250
        await transport.close()
    assert script.connections == 2 and len(script.mails) == 2


async def test_after_a_refusal_the_next_mail_is_not_harmed() -> None:
    script = Script({"RCPT": "550 no"})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        assert (await transport.send(MAIL)).status == 550
        del script.replies["RCPT"]
        assert (await transport.send(MAIL)).status == 250
        await transport.close()


async def test_never_more_connections_than_servers_like() -> None:
    script = Script({})
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        answers = await asyncio.gather(*(transport.send(MAIL) for _ in range(40)))
        await transport.close()
    assert {answer.status for answer in answers} == {250} and len(script.mails) == 40
    assert script.connections <= smtp.CONNECTIONS


async def test_one_that_waits_too_long_for_a_connection_was_not_sent() -> None:
    script = Script({"DOT": HANG})
    async with script.running() as port:
        transport = SmtpTransport(server(port), before=0.3, after=1.0)
        found = await asyncio.gather(*(transport.send(MAIL) for _ in range(5)), return_exceptions=True)
        await transport.close()
    assert sorted(type(each).__name__ for each in found) == ["NoAnswerError"] * 4 + ["NotSentError"]


@pytest.mark.parametrize("command", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_cancelling_leaves_nothing_behind(command: str) -> None:
    script = Script({})
    script.once[command] = HANG
    async with script.running() as port:
        transport = SmtpTransport(server(port))
        sending = asyncio.create_task(transport.send(MAIL))
        await until(lambda: not script.once)  # it has come that far
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert (await transport.send(MAIL)).status == 250
        await transport.close()
    assert len(script.mails) == 1 + (command == "DOT")


def test_an_account_is_read_from_the_settings() -> None:
    found = account(
        {"smtp_host": "h", "smtp_port": 25, "smtp_security": "none", "smtp_user": "u", "smtp_password": "p"}
    )
    assert found == Account(host="h", port=25, security="none", user="u", password="p", allow_private=False)
    assert account({"smtp_host": "h"}) == Account(host="h", port=587, security="starttls")
