"""What the log's URL says, and what is wrong with it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from plaudit.errors import ConfigError
from plaudit.log.jetstream import JetStreamLog
from plaudit.log.jetstream.settings import parse, tls


@pytest.mark.parametrize(
    ("url", "servers", "who"),
    [
        ("nats://a:4222,b:4333", ("nats://a:4222", "nats://b:4333"), ("", "", "")),
        ("nats://a", ("nats://a:4222",), ("", "", "")),
        ("tls://u:p@a,b/", ("tls://a:4222", "tls://b:4222"), ("u", "p", "")),
        ("nats://u:p@a:1,u:p@b:2", ("nats://a:1", "nats://b:2"), ("u", "p", "")),
        ("nats://u%40x:p%2C%3A@a", ("nats://a:4222",), ("u@x", "p,:", "")),
        ("nats://tok%2Fen@a", ("nats://a:4222",), ("", "", "tok/en")),
        ("nats://[::1]:5,c", ("nats://[::1]:5", "nats://c:4222"), ("", "", "")),
    ],
)
def test_servers_and_who_asks(url: str, servers: tuple[str, ...], who: tuple[str, str, str]) -> None:
    found = parse(url, {})
    assert found.servers == servers
    assert (found.user, found.password, found.token) == who


def test_the_environment_stands_behind_the_url() -> None:
    environment = {"PLAUDIT_LOG_USER": "eu", "PLAUDIT_LOG_PASSWORD": "ep", "PLAUDIT_LOG_TOKEN": "et"}
    found = parse("nats://a", environment)
    assert (found.user, found.password, found.token) == ("eu", "ep", "et")
    assert parse("nats://u:p@a", environment).token == ""


def test_what_it_must_be() -> None:
    found = parse("nats://a?stream=Orders&replicas=1&sync=lazy&first=9&creds=/x&ca=/y", {})
    assert (found.stream, found.subjects, found.replicas, found.sync, found.first) == (
        "Orders",
        "orders",
        1,
        "lazy",
        9,
    )
    assert (found.creds, found.ca) == ("/x", "/y")
    default = parse("nats://a", {})
    assert (default.stream, default.replicas, default.sync) == ("PLAUDIT", 3, "")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://secret@a", "must look like nats://"),
        ("nats://", "must look like nats://"),
        ("nats://secret@a/path", "must look like nats://"),
        ("nats://secret@a?replica=1", "no parameter 'replica'"),
        ("nats://secret@a?replicas=0", "a number from 1 to 5"),
        ("nats://secret@a?replicas=x", "a number from 1 to 5"),
        ("nats://secret@a?sync=never", "'always' or 'lazy'"),
        ("nats://secret@a?stream=a.b", "letters, digits"),
        ("nats://secret@a:port", "'a:port', which is no host:port"),
        ("nats://secret@a,,b", "'', which is no host:port"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        JetStreamLog(url)
    assert words in str(error.value) and "secret" not in str(error.value)


@pytest.mark.parametrize("partitions", [0, 65])
def test_partitions_have_bounds(partitions: int) -> None:
    with pytest.raises(ConfigError, match="from 1 to 64"):
        JetStreamLog("nats://a", partitions=partitions)


def test_certificates(tmp_path: Path) -> None:
    assert isinstance(tls(parse("tls://a", {})), ssl.SSLContext)
    (tmp_path / "bad.pem").write_text("no certificate")
    for query in (f"ca={tmp_path}/none.pem", f"ca={tmp_path}/bad.pem", f"cert={tmp_path}/bad.pem"):
        with pytest.raises(ConfigError, match="certificates cannot be used"):
            tls(parse(f"tls://a?{query}", {}))
