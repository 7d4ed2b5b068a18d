"""The JetStream log passes the suite on three servers; and what is particular to it, while all of them are well."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conformance.log import LogConformance, Open, entry
from natsd import Servers
from plaudit.errors import ConfigError, DataError, UnavailableError
from plaudit.log.base import Log
from plaudit.log.jetstream import JetStreamLog
from plaudit.log.jetstream import log as module
from plaudit.log.jetstream.split import pieces
from plaudit.spec.envelope import Entry, Envelope, partition, profile_key

_names = (f"T{number}" for number in itertools.count())


@contextlib.asynccontextmanager
async def opened_log(
    servers: Servers, stream: str = "", query: str = "", *, partitions: int = 16
) -> AsyncIterator[JetStreamLog]:
    name = stream or next(_names)
    log = JetStreamLog(servers.url("&".join(filter(None, (f"stream={name}", query)))), partitions=partitions)
    try:
        yield log
    finally:
        await log.close()


def event(number: int, user: object = None, size: int = 0) -> Envelope:
    body = msgspec.json.encode({"type": "track", "userId": user, "n": number, "filler": "x" * size})
    return Envelope(f"m{number}", "track", 5, body)


async def everything(log: Log, limit: int = 1000) -> list[tuple[int, int, Envelope]]:
    """(partition, position, event) of all that is there."""
    found = []
    for number in range(log.partitions):
        after = 0
        while batch := await log.read(number, after, limit):
            found += [(number, position, each) for position, e in batch for each in e.events]
            after = batch[-1][0]
    return found


async def ask(log: JetStreamLog, subject: str, body: object = None) -> Any:
    """Something that only tests ask of JetStream."""
    session = await log._link.session(5)
    data = b"" if body is None else msgspec.json.encode(body)
    return msgspec.json.decode((await session.request(f"$JS.API.{subject}", data, seconds=5)).data)


class TestJetStreamLog(LogConformance):
    @pytest.fixture
    def opened(self, cluster: Servers) -> Open:
        name = next(_names)

        async def open_log() -> Log:
            return JetStreamLog(cluster.url(f"stream={name}"), partitions=1)

        return open_log


async def test_a_profile_has_one_partition(cluster: Servers) -> None:
    """100 events of 100 users, some of them twice: each in its partition, in order, and none elsewhere."""
    events = [event(n, f"user-{n % 100}") for n in range(150)]
    async with opened_log(cluster) as log:
        position = await log.append(Entry(7, 1000, events, b'{"a":1}', b"{}", history=True))
        found = await everything(log)
        assert max(p for _, p, _ in found) == position
        assert {e.message_id: number for number, _, e in found} == {
            e.message_id: partition(e, 16) for e in events
        }
        assert len(found) == 150 and len({number for number, *_ in found}) > 10
        for user in range(50):
            assert [e.message_id for _, _, e in found if e in (events[user], events[user + 100])] == [
                f"m{user}",
                f"m{user + 100}",
            ]
        number = found[0][0]
        ((_, first),) = await log.read(number, 0, 1)
        assert (first.source_id, first.received_at, first.history) == (7, 1000, True)
        assert (first.context, first.integrations) == (b'{"a":1}', b"{}")
        assert (await ask(log, f"STREAM.INFO.{log._settings.stream}"))["state"]["messages"] == len(
            {number for number, *_ in found}
        )


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"userId":"u1","anonymousId":"a1"}', "u1"),
        (b'{"userId":17}', "17"),
        (b'{"userId":"","anonymousId":"a1"}', "a1"),
        (b'{"userId":null,"anonymousId":"a1"}', "a1"),
        (b'{"userId":{"a":1},"anonymousId":" a1 "}', "a1"),
        (rb'{"userId":"u1","properties":{"a":"\ud83d"}}', "u1"),
        (rb'{"userId":"u\ud83d1"}', "u\ufffd1"),
        (b'{"userId":true}', "m1"),
        (b'{"userId":"u1"', "m1"),
        (b"[" * 100_000, "m1"),
    ],
)
def test_whose_event_it_is(body: bytes, key: str) -> None:
    envelope = Envelope("m1", "track", 5, body)
    assert profile_key(envelope) == key
    assert 0 <= partition(envelope, 16) < 16


def test_partitions_stay_where_they_are() -> None:
    """On every machine and in every version: events of a profile must not change places."""
    assert [partition(event(1, f"u{n}"), 16) for n in range(8)] == [0, 6, 12, 10, 9, 15, 5, 3]
    assert partition(event(1, "u1"), 1) == 0


async def test_a_batch_longer_than_a_message_is_several(cluster: Servers) -> None:
    events = [event(n, "one user", size=30_000) for n in range(80)]
    async with opened_log(cluster) as log:
        position = await log.append(Entry(1, 1000, events))
        found = await everything(log)
        assert [e for *_, e in found] == events
        assert len({p for _, p, _ in found}) > 1 and found[-1][1] == position
        # Reading goes on where an answer of the servers ends.
        assert await everything(log, limit=1) == found


async def test_an_event_longer_than_a_message_is_told(cluster: Servers) -> None:
    async with opened_log(cluster) as log:
        with pytest.raises(UnavailableError, match=r"take 10\d+: raise their max_payload"):
            await log.append(entry(size=1_100_000))
        assert await log.append(entry()) > 0


async def test_the_same_message_is_stored_once(cluster: Servers) -> None:
    async with opened_log(cluster, partitions=1) as log:
        piece = pieces(entry(), 1, 1_000_000)[0]
        first = await log._put(piece, "a-name")
        assert await log._put(piece, "a-name") == first
        assert len(await log.read(0, 0, 10)) == 1


async def test_a_new_stream_begins_after_one_that_was_lost(cluster: Servers) -> None:
    async with opened_log(cluster, partitions=1) as log:
        log._patience = 1
        positions = [await log.append(entry(n)) for n in range(3)]
        await ask(log, f"STREAM.DELETE.{log._settings.stream}")
        with pytest.raises(UnavailableError):  # whoever sent it sends it again
            await log.append(entry())
        again = await log.append(entry())
        assert again > positions[-1]
        assert await log.read(0, positions[-1], 10) == [(again, entry())]


async def test_a_reader_far_ahead_of_the_log_is_told_what_to_do(cluster: Servers) -> None:
    async with opened_log(cluster, partitions=1) as log:
        position = await log.append(entry()) + 10_000_000
        with pytest.raises(DataError, match=f"first={position + 1}"):
            await log.advance(0, position)
        name = log._settings.stream
        await ask(log, f"STREAM.DELETE.{name}")
    async with opened_log(cluster, name, f"first={position + 1}", partitions=1) as log:
        assert await log.append(entry()) == position + 1


async def test_waiting_after_an_advance_is_waiting(cluster: Servers) -> None:
    """The mark that an advance leaves is no entry."""
    async with opened_log(cluster, partitions=2) as log:
        await log.append(entry(3))
        await log.advance(0, 5)  # far behind the stream
        assert await log.read(0, 5, 10) == []
        waiting = asyncio.create_task(log.wait(0, 5, 30))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await asyncio.gather(*(log.append(entry(n)) for n in range(8)))
        await asyncio.wait_for(waiting, 5)
        assert await log.read(0, 5, 10)


async def test_what_another_process_appends_is_noticed(cluster: Servers) -> None:
    async with (
        opened_log(cluster, "SHARED", partitions=1) as one,
        opened_log(cluster, "SHARED", partitions=1) as two,
    ):
        position = await one.append(entry())
        await asyncio.wait_for(two.wait(0, 0, 30), 5)  # it came before anybody waited
        for n in range(20):
            waiting = asyncio.create_task(two.wait(0, position, 30))
            await asyncio.sleep(0.005 * (n % 3))
            position = await one.append(entry(n))
            await asyncio.wait_for(waiting, 5)
            assert [p for p, _ in await two.read(0, position - 1, 10)] == [position]


async def test_idle_waiting_leaves_nothing_behind(cluster: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    async with opened_log(cluster, partitions=2) as log:
        await asyncio.gather(*(log.wait(n % 2, 1 << 40, 0.3) for n in range(4)))
        session = await log._link.session(1)
        assert len(session._client._subs) <= 3


async def test_too_much_under_way_is_refused_at_once(
    cluster: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100_000)
    async with opened_log(cluster) as log:
        results = await asyncio.gather(
            *(log.append(entry(n, size=1000)) for n in range(200)), return_exceptions=True
        )
        refused = [each for each in results if isinstance(each, UnavailableError)]
        assert len(refused) == 100 and refused[0].retry_after == 1
        assert len(await everything(log)) == 100
        assert (log._bytes, log._messages) == (0, 0)
        await log.append(entry())


async def test_closing_finishes_what_was_taken(cluster: Servers) -> None:
    name = next(_names)
    async with opened_log(cluster, name) as log:
        appending = [asyncio.create_task(log.append(entry(n))) for n in range(50)]
        await asyncio.sleep(0)
    assert all(task.result() for task in appending)


async def test_trimming_leaves_other_partitions_alone(cluster: Servers) -> None:
    async with opened_log(cluster, partitions=4) as log:
        for n in range(20):
            await log.append(entry(n, received_at=n))
        found = await everything(log)
        own = [p for number, p, _ in found if number == 2]
        assert await log.trim(2, own[-1], before=1000) == len(own) - 1
        assert await log.head(2) == own[-1]
        assert await everything(log) == [each for each in found if each[0] != 2 or each[1] == own[-1]]


@pytest.fixture(scope="module")
def lazy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("lazy"), 1, sync="2m") as servers:
        yield servers


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("unseen"), 1, seen=False) as servers:
        yield servers


async def refusal(servers: Servers, query: str) -> str:
    async with opened_log(servers, query=query) as log:
        with pytest.raises(ConfigError) as refused:
            await log.open()
        with pytest.raises(UnavailableError) as unavailable:
            await log.append(entry())
        assert str(unavailable.value) == str(refused.value)
        return str(refused.value)


async def test_servers_that_sync_lazily_are_refused_unless_told_so(lazy: Servers) -> None:
    for query in ("replicas=1", "replicas=1&sync=always"):
        words = await refusal(lazy, query)
        assert (
            "n1 does not sync each write" in words
            and "sync_interval: always" in words
            and "sync=lazy" in words
        )
    async with opened_log(lazy, query="replicas=1&sync=lazy") as log:
        assert await log.append(entry())


async def test_servers_that_cannot_be_asked_need_the_operators_word(unseen: Servers) -> None:
    assert "sync=always" in await refusal(unseen, "replicas=1")
    async with opened_log(unseen, query="replicas=1&sync=always") as log:
        assert await log.append(entry())


async def test_one_copy_is_refused_unless_told_so(cluster: Servers) -> None:
    async with opened_log(cluster, "SINGLE", "replicas=1") as log:
        await log.append(entry())
    words = await refusal(cluster, "stream=SINGLE")
    assert "one copy" in words and "replicas=1" in words and "--replicas 3" in words


async def test_one_server_cannot_have_three_copies(unseen: Servers) -> None:
    assert "replicas > 1 not supported" in await refusal(unseen, "sync=always")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_age": 10**12}, "max_age must be 0"),
        ({"max_bytes": 10**6, "discard": "old"}, "discard must be new"),
        ({"allow_direct": False}, "allow_direct must be on"),
        ({"no_ack": True}, "no_ack must be off"),
        ({"metadata": {"plaudit.partitions": "8"}}, "was made for 8 partitions"),
    ],
)
async def test_a_stream_that_was_changed_is_refused(
    cluster: Servers, change: dict[str, Any], words: str
) -> None:
    async with opened_log(cluster) as log:
        await log.open()
        name = log._settings.stream
        config = (await ask(log, f"STREAM.INFO.{name}"))["config"]
        assert "error" not in await ask(log, f"STREAM.UPDATE.{name}", config | change)
    assert words in await refusal(cluster, f"stream={name}")


async def test_a_full_stream_is_unavailable_and_keeps_what_it_has(cluster: Servers) -> None:
    async with opened_log(cluster, partitions=1) as log:
        await log.open()
        name = log._settings.stream
        config = (await ask(log, f"STREAM.INFO.{name}"))["config"]
        await ask(log, f"STREAM.UPDATE.{name}", config | {"max_bytes": 10_000})
        results = [
            *await asyncio.gather(
                *(log.append(entry(n, size=1000)) for n in range(50)), return_exceptions=True
            )
        ]
        refused = [str(each) for each in results if isinstance(each, UnavailableError)]
        assert any("maximum bytes" in words for words in refused)
        assert len(await log.read(0, 0, 100)) == 50 - len(refused) > 5


async def test_a_wrong_password_is_told_and_not_shown(cluster: Servers) -> None:
    url = cluster.url().replace("p%40ss%20word", "secret-word")
    log = JetStreamLog(url, patience=1)
    with pytest.raises(UnavailableError, match=r"(?i)authorization violation") as error:
        await log.append(entry())
    assert "secret" not in str(error.value)
    assert "secret" not in repr(log._settings)
    await log.close()


async def test_credentials_can_come_from_the_environment(
    cluster: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAUDIT_LOG_USER", "plaudit")
    monkeypatch.setenv("PLAUDIT_LOG_PASSWORD", "p@ss word")
    log = JetStreamLog(cluster.url("stream=ENV").replace("plaudit:p%40ss%20word@", ""))
    assert await log.append(entry())
    await log.close()


def test_a_log_can_be_made_where_no_loop_runs() -> None:
    assert JetStreamLog("nats://localhost", partitions=4).partitions == 4


async def test_a_log_that_was_never_used_can_be_closed() -> None:
    await JetStreamLog("nats://localhost").close()


async def test_a_server_too_old_is_told(cluster: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plaudit.log.jetstream.stream._LEAST", (99, 0))
    assert "needs NATS 99.0 or newer, and" in await refusal(cluster, "")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nats")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return cert_file, key_file


async def test_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    more = f'tls {{ cert_file: "{cert}", key_file: "{key}" }}'
    with Servers(tmp_path, 1, more=more) as servers:
        async with opened_log(servers, query=f"replicas=1&ca={cert}") as log:
            position = await log.append(entry())
            assert position > 0
        stranger = JetStreamLog(servers.url("replicas=1").replace("nats://", "tls://"), patience=5)
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            await stranger.append(entry())
        await stranger.close()


async def test_keys_need_a_package_that_is_named(
    cluster: Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "nkeys", None)
    (tmp_path / "user.nk").write_text("SU...")
    assert "nats-py[nkeys]" in await refusal(cluster, f"nkey={tmp_path}/user.nk")
    assert "cannot be read" in await refusal(cluster, f"creds={tmp_path}/none.creds")
